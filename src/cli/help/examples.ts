import { EXIT, type ExitCode } from '../../domain/errors.ts';

/** What stands under the flags in `--help`, by command. A test runs every example past the parser. */
interface Usage {
  readonly examples: readonly (readonly [command: string, what: string])[];
  /** Besides 0 and 1, which every command has. */
  readonly exits: readonly ExitCode[];
}

const RUN_EXITS = [EXIT.outcome_unknown, EXIT.locked, EXIT.refused, EXIT.still_running, EXIT.interrupted];

export const USAGE: Readonly<Record<string, Usage>> = {
  validate: {
    examples: [
      ['vbsctl validate', 'the manifests of vbsctl.yaml, else restores.yaml, else restores/'],
      ['vbsctl validate -f restores.yaml --output json', 'problems as data, for editors and pipelines'],
    ],
    exits: [],
  },
  init: {
    examples: [
      ['vbsctl init', 'a state for the project of OS_CLOUD or OS_*'],
      ['vbsctl init --config', 'write vbsctl.yaml with every setting; never overwrites'],
      ['vbsctl init --cloud emulator', 'for the built-in cloud'],
    ],
    exits: [EXIT.locked, EXIT.refused],
  },
  get: {
    examples: [
      ['vbsctl get servers', 'servers, their disks, how far back they could go'],
      ['vbsctl get backups --volume pay-db-data', 'what this disk could go back to'],
    ],
    exits: [],
  },
  'get backups': {
    examples: [
      ['vbsctl get backups --volume pay-db-data', 'what this disk could go back to'],
      ['vbsctl get backups --server pay-db1 --before 2026-11-23T22:00:00+01:00', 'before it broke'],
      ["vbsctl get backups --name 'pay-*' --status available -o json", 'as data'],
    ],
    exits: [],
  },
  'get volumes': {
    examples: [
      ['vbsctl get volumes --server pay-db1', 'the disks of a server'],
      ["vbsctl get volumes --name 'pay-*' -o name", 'one name a line'],
    ],
    exits: [],
  },
  'get servers': {
    examples: [
      ['vbsctl get servers', 'each with its disks'],
      ['vbsctl get servers --volume pay-db-data', 'where a disk is attached'],
    ],
    exits: [],
  },
  generate: {
    examples: [
      [
        'vbsctl generate --server pay-db1 --as-of 2026-11-23T22:00:00+01:00 > restores.yaml',
        'a whole server',
      ],
      ["vbsctl generate --name 'pay-db-*' --latest > restores.yaml", 'disks by name, also detached ones'],
      ['vbsctl generate --all --latest --set everything > restores.yaml', 'the whole project'],
    ],
    exits: [],
  },
  plan: {
    examples: [
      ['vbsctl plan', 'the manifests of vbsctl.yaml, else restores.yaml, else restores/'],
      ['vbsctl plan -f restores.yaml --target payments/db-data', 'one restore and what it depends on'],
      ['vbsctl plan --out plan.json', 'to be approved; then: vbsctl apply plan.json'],
      ['vbsctl plan --offline --output json', 'without the cloud, as data'],
    ],
    exits: [EXIT.changes_pending, EXIT.refused],
  },
  apply: {
    examples: [
      ['vbsctl apply', 'shows the plan, asks, restores, follows to the end'],
      ['vbsctl apply plan.json --max-age 24h', 'what was approved, and nothing else'],
      ['vbsctl apply --auto-approve --output json', 'in a pipeline'],
      ['vbsctl apply --no-wait', 'submit only; then: vbsctl status, vbsctl wait'],
    ],
    exits: RUN_EXITS,
  },
  show: {
    examples: [
      ['vbsctl show plan.json', 'a plan that plan --out saved'],
      ['vbsctl show plan.json --output json', 'as data'],
    ],
    exits: [EXIT.refused],
  },
  import: {
    examples: [
      ['vbsctl import payments/db-data --job-id 70a583b2e1c94d7f8a6b5c4d3e2f1a09', 'the cloud has the job'],
      [
        'vbsctl import payments/db-data --succeeded-at 2026-11-23T22:00:00+01:00 --reason "console"',
        'it has forgotten it',
      ],
    ],
    exits: [EXIT.locked, EXIT.refused],
  },
  status: {
    examples: [
      ['vbsctl status', 'everything that is open; works beside a run'],
      ['vbsctl status payments/db-data', 'one in full, with the text for the cloud’s support'],
    ],
    exits: [],
  },
  wait: {
    examples: [
      ['vbsctl wait', 'until nothing is open any more'],
      ['vbsctl wait payments/db-data --timeout 30m', 'one restore, half an hour at most'],
    ],
    exits: RUN_EXITS,
  },
  resolve: {
    examples: [
      ['vbsctl resolve payments/db-data --as succeeded --reason "checked the tables"', 'it holds the backup'],
      ['vbsctl resolve payments/db-data --as not-started --reason "support says so"', 'apply may start it'],
    ],
    exits: [EXIT.locked, EXIT.refused],
  },
  unlock: {
    examples: [
      [
        'vbsctl unlock 3f0c2a9e-5d1b-4c86-9a57-2f6e1d0b7c44',
        'the id stands in the refusal, and in vbsctl status',
      ],
    ],
    exits: [],
  },
  state: {
    examples: [
      ['vbsctl state list', 'every restore and how it stands'],
      ['vbsctl state history --since 7d', 'what was done, by whom, with what outcome'],
      ['vbsctl state pull > backup.json', 'a copy, to be put back with state push'],
    ],
    exits: [],
  },
  'state list': {
    examples: [['vbsctl state list --output json', 'with job ids, request ids and times']],
    exits: [],
  },
  'state show': {
    examples: [['vbsctl state show payments/db-data', 'attempts, answers, what was seen']],
    exits: [],
  },
  'state history': {
    examples: [
      ['vbsctl state history --since 7d', 'the last week'],
      ['vbsctl state history --volume pay-db-data', 'what was done to a disk'],
      ['vbsctl state history --address payments/db-data -o json', 'as data, with hashes and request ids'],
    ],
    exits: [],
  },
  'state verify': {
    examples: [
      ['vbsctl state verify', 'in a nightly job'],
      ['vbsctl state verify --state backup.json', 'of a copy'],
    ],
    exits: [],
  },
  'state accept': {
    examples: [
      ['vbsctl state accept --reason "disk of the runner died" --dry-run', 'see what is wrong'],
      ['vbsctl state accept --reason "compared with the audit log"', 'go on with the state as it is'],
    ],
    exits: [EXIT.locked, EXIT.refused],
  },
  'state lock-info': {
    examples: [['vbsctl state lock-info --output json', 'null where nobody holds it']],
    exits: [],
  },
  'state rm': {
    examples: [
      ['vbsctl state rm payments/db-data', 'it stays done, and is not restored again'],
      ['vbsctl state rm --dry-run payments/db-data payments/db-log', 'see first'],
    ],
    exits: [EXIT.locked, EXIT.refused],
  },
  'state mv': {
    examples: [['vbsctl state mv payments/db-data billing/db-data', 'declared there or not']],
    exits: [EXIT.locked, EXIT.refused],
  },
  'state pull': { examples: [['vbsctl state pull > backup.json', 'a copy']], exits: [] },
  'state push': {
    examples: [
      ['vbsctl state push errored.state.json', 'what a run could not save'],
      ['vbsctl state push backup.json --dry-run', 'what speaks against putting a copy back'],
    ],
    exits: [EXIT.locked, EXIT.refused],
  },
  'state migrate': {
    examples: [
      ['vbsctl state migrate --to s3://restores/prod', 'from the state of the config'],
      ['vbsctl state migrate --state s3://restores/prod --to vbsctl.state.json', 'and back'],
    ],
    exits: [EXIT.locked, EXIT.refused],
  },
  auth: { examples: [['vbsctl auth check', 'before the first plan, and when a cloud says no']], exits: [] },
  'auth show': {
    examples: [
      ['vbsctl auth show', 'source and value of each setting'],
      ['vbsctl auth show --cloud otc --output json', 'of an entry of clouds.yaml, as data'],
    ],
    exits: [],
  },
  'auth check': {
    examples: [
      ['vbsctl auth check', 'connection, credentials, project, endpoints, rights, clock'],
      ['vbsctl auth check --cloud otc --output json', 'of an entry of clouds.yaml, as data'],
    ],
    exits: [],
  },
  emulator: {
    examples: [
      ['vbsctl emulator', 'in one terminal; the lines it prints go into another'],
      ['vbsctl emulator --port 8800 --job-duration 30s --quiet', 'slower restores'],
      ['vbsctl emulator --detach erp-db1', 'its disks can be restored then'],
      ['vbsctl emulator --faults faults.json', 'with a gateway that loses answers: vbsctl help faults'],
    ],
    exits: [],
  },
  version: { examples: [['vbsctl version --output json', 'for scripts']], exits: [] },
  completion: {
    examples: [
      ['source <(vbsctl completion bash)', 'now; for good, put it into ~/.bashrc'],
      ['source <(vbsctl completion zsh)', 'the same in ~/.zshrc, after compinit'],
      ['vbsctl completion fish > ~/.config/fish/completions/vbsctl.fish', ''],
    ],
    exits: [],
  },
  help: {
    examples: [
      ['vbsctl help apply', 'the same as vbsctl apply --help'],
      ['vbsctl help recovery', 'what to do after a crash, a timeout, an unknown outcome'],
      ['vbsctl help faults', 'what can go wrong in the emulator, with an example to copy'],
    ],
    exits: [],
  },
};

export const EXIT_MEANINGS: Readonly<Record<ExitCode, string>> = {
  [EXIT.done]: 'done, or nothing to do',
  [EXIT.error]: 'an error, or a restore failed',
  [EXIT.changes_pending]: 'changes pending (plan --detailed-exitcode only)',
  [EXIT.outcome_unknown]: 'an outcome is unknown: a person has to look',
  [EXIT.locked]: 'the state is locked by another run',
  [EXIT.refused]: 'refused or blocked: something declared was left out, and it says why',
  [EXIT.still_running]: 'still running in the cloud, or begun: vbsctl wait, or the same again',
  [EXIT.interrupted]: 'interrupted; the same again goes on',
};

export function afterHelp(command: string): string {
  const usage = USAGE[command];
  if (!usage) return '';
  const widest = Math.max(...usage.examples.map(([line]) => (line.length > COLUMN_MAX ? 0 : line.length)));
  const examples = usage.examples.map(([line, what]) => {
    if (what === '') return `  ${line}`;
    return line.length > COLUMN_MAX ? `  ${line}\n      ${what}` : `  ${line.padEnd(widest)}  ${what}`;
  });
  const exits = [EXIT.done, EXIT.error, ...usage.exits].map((code) => `  ${code}  ${EXIT_MEANINGS[code]}`);
  return ['', 'Examples:', ...examples, '', 'Exit codes (vbsctl help exit-codes):', ...exits].join('\n');
}

const COLUMN_MAX = 50;

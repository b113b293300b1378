import type { Command, Option } from 'commander';
import { MultilineText } from '../../domain/diagnostic.ts';
import type { Failure } from '../../domain/errors.ts';
import { shellPath, shellWord } from '../../domain/escape/shell-word.ts';
import { usage } from '../usage.ts';

/**
 * What fingers trained on other tools type: `-auto-approve`, `-target=x`, `-out=plan.json`, `destroy`. What can
 * only mean one thing is understood; what cannot be done here is answered by name.
 */
export function understand(argv: readonly string[], program: Command): readonly string[] {
  const understood: string[] = [];
  let command = program;
  let operands = 0;
  let valueOf: Option | undefined;
  /** A flag that nobody knows: what stands behind it may be its value, and commander says what it is. */
  let lost = false;
  for (const [index, arg] of argv.entries()) {
    if (arg === '--') return [...understood, ...argv.slice(index)];
    if (valueOf) {
      understood.push(checkedValue(command, valueOf, arg));
      valueOf = undefined;
    } else if (arg.startsWith('-') && arg !== '-') {
      const words = flag(command, arg);
      understood.push(...words);
      valueOf = awaitsValue(command, words.at(-1) ?? '');
      lost ||= !command.options.some(({ long, short }) => [long, short].includes(words[0]?.split('=', 1)[0]));
    } else {
      const below = command.commands.find((each) => each.name() === arg || each.aliases().includes(arg));
      // Only the first word can be another tool's command: `workspace list` is about workspaces.
      const isFirst = command === program && operands === 0;
      const foreign = below || !isFirst ? undefined : FOREIGN_COMMANDS.get(arg);
      if (foreign !== undefined) throw usage(`unknown command '${arg}'`, foreign);
      if (!below && !lost) refuseOperand(command, arg, operands);
      if (!below) operands++;
      command = below ?? command;
      understood.push(arg);
    }
  }
  if (command.name() === 'show' && command.parent === program && operands === 0 && !asksForHelp(understood))
    throw usage(
      'show requires a saved plan',
      new MultilineText(
        'name its file: vbsctl show plan.json',
        'for what was done: vbsctl state list',
        'for what is not finished: vbsctl status',
      ),
    );
  return understood;
}

/** `get backup NAME`, as kubectl has it; `import ADDRESS ID`, as Terraform has it. */
function refuseOperand(command: Command, given: string, before: number): void {
  const path = [command.parent?.name(), command.name()].join(' ');
  const word = shellWord(given);
  if (path === 'get backups')
    throw usage(
      `get backups takes no argument, but got ${given}`,
      `to filter by volume: --volume ${word}; by server: --server ${word}; by name: --name ${word}`,
    );
  if (path === 'get volumes' || path === 'get servers')
    throw usage(`${path} takes no argument, but got ${given}`, `to filter by name: --name ${word}`);
  if (path === 'vbsctl plan')
    throw usage(
      `plan takes no argument, but got ${given}`,
      new MultilineText(
        `to plan a manifest: vbsctl plan -f ${word}`,
        `to show a saved plan: vbsctl show ${shellPath(given)}`,
      ),
    );
  if (path === 'vbsctl import' && before === 1)
    throw usage(`import takes one address, but also got ${given}`, `to name the job: --job-id ${word}`);
}

function asksForHelp(words: readonly string[]): boolean {
  return words.includes('--help') || words.includes('-h');
}

/** `-target=x` → `--target=x`, `-o=json` → `--output=json`, `-auto-approve=true` → `--auto-approve`. */
function flag(command: Command, arg: string): readonly string[] {
  const [, dashes = '', name = '', given] = /^(--?)([A-Za-z][\w-]*)(?:=(.*))?$/s.exec(arg) ?? [];
  if (name === '') return [arg];
  if (name === 'help' && given === undefined) return ['--help'];
  const option = command.options.find(({ long, short }) =>
    dashes === '-' && name.length === 1 ? short === `-${name}` : long === `--${name}`,
  );
  if (!option) {
    if (name === 'json' && hasOption(command, '--output')) return ['--output=json'];
    const correction = FOREIGN_FLAGS[name]?.(command);
    if (correction) throw correction;
    return [arg];
  }
  const { long } = option;
  // `-f`, `-o` and their like are taken as they are.
  if (!long || (dashes === '-' && name.length === 1 && given === undefined)) return [arg];
  if (given === undefined) return [long];
  if (option.required || option.optional) return [`${long}=${checkedValue(command, option, given)}`];
  if (given === 'true') return [long];
  if (given === 'false') return [];
  return [arg];
}

function awaitsValue(command: Command, word: string): Option | undefined {
  return command.options.find(({ long, short, required }) => required && (word === long || word === short));
}

/** `--output plan.json`: the form was asked for, and a file was given. */
function checkedValue(command: Command, option: Option, value: string): string {
  const isForm = option.long === '--output' && option.argChoices !== undefined;
  if (!isForm || option.argChoices?.includes(value) || !/[./]/.test(value)) return value;
  const forms = option.argChoices?.join('|');
  throw usage(
    `--output takes a format (${forms}), not a file`,
    hasOption(command, '--out')
      ? `to save the plan to a file: --out ${shellWord(value)}`
      : `to write to a file: vbsctl ${command.name()} --output json > ${shellPath(value)}`,
  );
}

function hasOption(command: Command, long: string): boolean {
  return command.options.some((option) => option.long === long);
}

type Correction = (command: Command) => Failure | undefined;

const answer =
  (summary: string, remedy: string): Correction =>
  () =>
    usage(summary, remedy);

/** Not understood as a yes: a restore overwrites, and who wants it unasked says so in full. */
const approve: Correction = (command) =>
  hasOption(command, '--auto-approve')
    ? usage('there is no --yes', 'to skip the confirmation: --auto-approve')
    : undefined;

/** Flags of Terraform, OpenTofu and kubectl that mean something else here, or nothing. */
const FOREIGN_FLAGS: Readonly<Record<string, Correction>> = {
  out: (command) =>
    usage(
      `vbsctl ${command.name()} has no --out`,
      hasOption(command, '--output')
        ? 'to print JSON: --output json; to write to a file, add: > FILE'
        : `to see its options: vbsctl ${command.name()} --help`,
    ),
  input: answer(
    'there is no --input: vbsctl asks only on a terminal',
    'without a terminal: run vbsctl init first, then vbsctl apply --auto-approve',
  ),
  lock: answer(
    'the lock cannot be disabled: it prevents two runs from restoring the same disk',
    'to wait for the other run: --lock-timeout 10m',
  ),
  refresh: answer(
    'there is no --refresh: plan and apply always read the cloud',
    'to plan without it: vbsctl plan --offline',
  ),
  'refresh-only': answer(
    'there is no --refresh-only: the state records what was done, not what is there',
    'to see what is not finished: vbsctl status; to wait for its end: vbsctl wait',
  ),
  var: answer(
    'manifests have no variables',
    'write the value, or compose manifests with a tool such as kustomize',
  ),
  'var-file': answer(
    'manifests have no variables',
    'write the value, or compose manifests with a tool such as kustomize',
  ),
  destroy: answer(
    'a restore cannot be undone, so there is nothing to destroy',
    'to go back to another backup, declare it: vbsctl generate --volume NAME --as-of TIME',
  ),
  force: answer(
    'there is no --force: each risk has its own option',
    'run the command without it: the message names the option that accepts the risk',
  ),
  replace: answer(
    'there is no --replace',
    'to restore the same backup again, raise generation in the manifest',
  ),
  'no-color': answer('there is no --no-color', 'set NO_COLOR=1 in the environment'),
  'dry-run': answer('there is no --dry-run', 'to see what would happen: vbsctl plan'),
  'generate-config-out': answer(
    'there is no --generate-config-out',
    'to write a manifest from the cloud: vbsctl generate --server NAME --latest > restores.yaml',
  ),
  y: approve,
  yes: approve,
  namespace: answer(
    'there are no namespaces',
    'choose the project with --cloud, OS_CLOUD or the OS_* variables',
  ),
};

/** Commands of other tools, and what does their work here. */
const FOREIGN_COMMANDS: ReadonlyMap<string, string> = new Map([
  ['destroy', 'a restore cannot be undone; to go back to another backup, declare it and apply'],
  ['delete', 'a restore cannot be undone; to stop declaring one, remove it from the manifest'],
  ['describe', 'to show one restore: vbsctl state show ADDRESS; what is not finished: vbsctl status'],
  [
    'list',
    'to list restores: vbsctl state list; to list the project: vbsctl get backups, vbsctl get volumes or vbsctl get servers',
  ],
  ['restore', 'write a manifest (vbsctl generate), review the plan (vbsctl plan), then run it: vbsctl apply'],
  [
    'login',
    'credentials come from clouds.yaml or the OS_* variables: vbsctl auth show; to test them: vbsctl auth check',
  ],
  ['whoami', 'to show the settings: vbsctl auth show; to test them: vbsctl auth check'],
  ['force-unlock', 'to remove a lock: vbsctl unlock ID'],
  ['refresh', 'plan and apply always read the cloud; to see what is not finished: vbsctl status'],
  ['output', 'to print what was done as JSON: vbsctl state list --output json'],
  ['taint', 'to restore the same backup again, raise generation in the manifest'],
  ['untaint', 'to restore the same backup again, raise generation in the manifest'],
  ['undo', 'a restore cannot be undone; to go back to another backup, declare it and apply'],
  ['rollback', 'a restore cannot be undone; to go back to another backup, declare it and apply'],
  ['workspace', 'for another project, use another --cloud and another --state'],
  ['diff', 'to see what apply would do: vbsctl plan'],
  ['fmt', 'manifests are plain YAML and have no fixed format; to check them: vbsctl validate'],
  ['logs', 'to see what is not finished: vbsctl status; to show one restore: vbsctl state show ADDRESS'],
  ['resume', 'run the same command again: vbsctl apply; to only wait for running restores: vbsctl wait'],
  ['watch', 'to wait for the end: vbsctl wait; to see the status: vbsctl status'],
]);

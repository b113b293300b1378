import type { Command } from 'commander';
import { MultilineText } from '../domain/diagnostic.ts';
import { type Failure, usage } from '../domain/errors.ts';
import { shellPath, shellWord } from '../domain/escape/shell-word.ts';

/** Commands, options and arguments of Terraform, OpenTofu and kubectl that vbsctl does not have, with what to use instead. */

/** `get backup NAME`, as in kubectl; `import ADDRESS ID`, as in Terraform. `count`: of the operands so far, with this one. */
export function refuseOperand(command: Command, operand: string, count: number): void {
  const path = [command.parent?.name(), command.name()].join(' ');
  const word = shellWord(operand);
  if (path === 'get backups')
    throw usage(
      `get backups takes no argument, but got ${operand}`,
      `to filter by volume: --volume ${word}; by server: --server ${word}; by name: --name ${word}`,
    );
  if (path === 'get volumes' || path === 'get servers')
    throw usage(`${path} takes no argument, but got ${operand}`, `to filter by name: --name ${word}`);
  if (path === 'vbsctl plan')
    throw usage(
      `plan takes no argument, but got ${operand}`,
      new MultilineText(
        `to plan a manifest: vbsctl plan -f ${word}`,
        `to show a saved plan: vbsctl show ${shellPath(operand)}`,
      ),
    );
  if (path === 'vbsctl import' && count === 2)
    throw usage(`import takes one address, but also got ${operand}`, `to name the job: --job-id ${word}`);
}

/** What to use instead of an option of another tool, if it is one that the command could have. */
export function foreignOption(command: Command, name: string): Failure | undefined {
  const has = (long: string) => command.options.some((option) => option.long === long);
  if (name === 'out')
    return usage(
      `vbsctl ${command.name()} has no --out`,
      has('--output')
        ? 'to print JSON: --output json; to write to a file, add: > FILE'
        : `to see its options: vbsctl ${command.name()} --help`,
    );
  // Not taken for --auto-approve, because a restore overwrites a disk.
  if (name === 'y' || name === 'yes')
    return has('--auto-approve')
      ? usage('there is no --yes', 'to skip the confirmation: --auto-approve')
      : undefined;
  const answer = FOREIGN_OPTIONS.get(name);
  return answer && usage(...answer);
}

const NO_VARIABLES = [
  'manifests have no variables',
  'write the value, or compose manifests with a tool such as kustomize',
] as const;

type Answer = readonly [summary: string, remedy: string];

const FOREIGN_OPTIONS = mapOf<Answer>({
  input: [
    'there is no --input: vbsctl asks only on a terminal',
    'without a terminal: run vbsctl init first, then vbsctl apply --auto-approve',
  ],
  lock: [
    'the lock cannot be disabled: it prevents two runs from restoring the same disk',
    'to wait for the other run: --lock-timeout 10m',
  ],
  refresh: [
    'there is no --refresh: plan and apply always read the cloud',
    'to plan without it: vbsctl plan --offline',
  ],
  'refresh-only': [
    'there is no --refresh-only: the state records what was done, not what is there',
    'to see what is not finished: vbsctl status; to wait for its end: vbsctl wait',
  ],
  var: NO_VARIABLES,
  'var-file': NO_VARIABLES,
  destroy: [
    'a restore cannot be undone, so there is nothing to destroy',
    'to go back to another backup, declare it: vbsctl generate --volume NAME --as-of TIME',
  ],
  force: [
    'there is no --force: each risk has its own option',
    'run the command without it: the message names the option that accepts the risk',
  ],
  replace: ['there is no --replace', 'to restore the same backup again, raise generation in the manifest'],
  'no-color': ['there is no --no-color', 'set NO_COLOR=1 in the environment'],
  'dry-run': ['there is no --dry-run', 'to see what would happen: vbsctl plan'],
  'generate-config-out': [
    'there is no --generate-config-out',
    'to write a manifest from the cloud: vbsctl generate --server NAME --latest > restores.yaml',
  ],
  namespace: ['there are no namespaces', 'choose the project with --cloud, OS_CLOUD or the OS_* variables'],
});

/** What to use instead of a command of another tool. */
export const FOREIGN_COMMANDS = mapOf({
  destroy: 'a restore cannot be undone; to go back to another backup, declare it and apply',
  delete: 'a restore cannot be undone; to stop declaring one, remove it from the manifest',
  cancel: 'a restore that has started cannot be stopped; to start nothing new, press Ctrl-C in the run',
  stop: 'a restore that has started cannot be stopped; to start nothing new, press Ctrl-C in the run',
  abort: 'a restore that has started cannot be stopped; to start nothing new, press Ctrl-C in the run',
  retry: 'to see what each failed restore needs: vbsctl plan; to try it again: vbsctl apply',
  backup: 'vbsctl makes no backups; to list them: vbsctl get backups',
  describe: 'to show one restore: vbsctl state show ADDRESS; what is not finished: vbsctl status',
  list: 'to list restores: vbsctl state list; to list the project: vbsctl get backups, vbsctl get volumes or vbsctl get servers',
  restore: 'write a manifest (vbsctl generate), review the plan (vbsctl plan), then run it: vbsctl apply',
  login:
    'credentials come from clouds.yaml or the OS_* variables: vbsctl auth show; to test them: vbsctl auth check',
  whoami: 'to show the settings: vbsctl auth show; to test them: vbsctl auth check',
  'force-unlock': 'to remove a lock: vbsctl unlock ID',
  refresh: 'plan and apply always read the cloud; to see what is not finished: vbsctl status',
  output: 'to print what was done as JSON: vbsctl state list --output json',
  taint: 'to restore the same backup again, raise generation in the manifest',
  untaint: 'to restore the same backup again, raise generation in the manifest',
  undo: 'a restore cannot be undone; to go back to another backup, declare it and apply',
  rollback: 'a restore cannot be undone; to go back to another backup, declare it and apply',
  workspace: 'for another project, use another --cloud and another --state',
  diff: 'to see what apply would do: vbsctl plan',
  fmt: 'manifests are plain YAML and have no fixed format; to check them: vbsctl validate',
  logs: 'to see what is not finished: vbsctl status; to show one restore: vbsctl state show ADDRESS',
  resume: 'run the same command again: vbsctl apply; to only wait for running restores: vbsctl wait',
  watch: 'to wait for the end: vbsctl wait; to see the status: vbsctl status',
});

/** As a map, so that no name means a member of every object, such as `constructor`. */
function mapOf<T>(entries: Readonly<Record<string, T>>): ReadonlyMap<string, T> {
  return new Map(Object.entries(entries));
}

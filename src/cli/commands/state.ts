import { address, argument, file, option } from '../options/option.ts';
import {
  autoApprove,
  type CommonFlags,
  config,
  editing,
  output,
  pushRisks,
  RISKS_GROUP,
  state,
} from '../options/shared.ts';
import { pastTime } from '../options/timestamp.ts';
import type { ChangeFlags } from '../state-change.ts';
import { type CommandDefinition, type CommandGroup, LOCKING_EXITS } from './definition.ts';
import type { AcceptFlags } from './run-state-edit.ts';
import type { MigrateFlags } from './run-state-migrate.ts';
import type { HistoryFlags, StateFlags } from './run-state-read.ts';

const list: CommandDefinition<StateFlags> = {
  name: 'list',
  summary: 'List every restore and its status',
  options: [config, state, output],
  examples: [['vbsctl state list --output json', 'with job IDs, request IDs and times']],
  run: async (io, flags) => await (await import('./run-state-read.ts')).list(io, flags),
};

const show: CommandDefinition<StateFlags, [address: string]> = {
  name: 'show',
  summary: 'Show all that is recorded about one restore',
  arguments: [argument('<address>', 'set/name', 'addresses')],
  options: [config, state, output],
  examples: [['vbsctl state show payments/db-data', 'attempts, answers and observations']],
  run: async (io, flags, address) => await (await import('./run-state-read.ts')).show(io, address, flags),
};

const history: CommandDefinition<HistoryFlags> = {
  name: 'history',
  summary: 'Show who did what and when, from which commit and plan, and how it ended',
  options: [
    config,
    state,
    option('--address <address>', 'only this restore, also under earlier names', { type: address }),
    option('--volume <name>', 'only this volume, by name or ID'),
    option('--since <time>', 'only entries since then', { type: pastTime }),
    output,
  ],
  examples: [
    ['vbsctl state history --since 7d', 'the last week'],
    ['vbsctl state history --volume pay-db-data', 'what was done to one volume'],
    ['vbsctl state history --address payments/db-data -o json', 'as JSON, with hashes and request IDs'],
  ],
  run: async (io, flags) => await (await import('./run-state-read.ts')).history(io, flags),
};

const verify: CommandDefinition<StateFlags> = {
  name: 'verify',
  summary: 'Check that the history is unchanged and agrees with the records',
  options: [config, state, output],
  examples: [
    ['vbsctl state verify', 'in a nightly job'],
    ['vbsctl state verify --state backup.json', 'check a copy'],
  ],
  run: async (io, flags) => await (await import('./run-state-read.ts')).verifyState(io, flags),
};

const lockInfo: CommandDefinition<StateFlags> = {
  name: 'lock-info',
  summary: 'Show who holds the lock',
  options: [config, state, output],
  examples: [['vbsctl state lock-info --output json', 'null if nobody holds it']],
  run: async (io, flags) => await (await import('./run-state-read.ts')).lockInfo(io, flags),
};

const accept: CommandDefinition<AcceptFlags> = {
  name: 'accept',
  summary: 'Continue with a state that fails verification or is older than one seen before',
  options: [
    ...editing,
    option('--reason <text>', 'why this state can be relied on; kept in the history', { required: true }),
    autoApprove,
  ],
  examples: [
    ['vbsctl state accept --reason "disk of the runner failed" --dry-run', 'show what is wrong'],
    ['vbsctl state accept --reason "compared with the audit log"', 'continue with the state as it is'],
  ],
  exits: LOCKING_EXITS,
  run: async (io, flags) => await (await import('./run-state-edit.ts')).accept(io, flags),
};

const rm: CommandDefinition<ChangeFlags, [addresses: readonly string[]]> = {
  name: 'rm',
  summary: 'Remove finished records; their restores still count as done',
  arguments: [argument('<address...>', 'set/name', 'addresses')],
  options: editing,
  examples: [
    ['vbsctl state rm payments/db-data', 'it still counts as done and is not restored again'],
    ['vbsctl state rm --dry-run payments/db-data payments/db-log', 'show what would be removed'],
  ],
  exits: LOCKING_EXITS,
  run: async (io, flags, addresses) => await (await import('./run-state-edit.ts')).rm(io, addresses, flags),
};

const mv: CommandDefinition<ChangeFlags, [from: string, to: string]> = {
  name: 'mv',
  summary: 'Rename a record',
  arguments: [
    argument('<address>', 'set/name, as in vbsctl state list', 'addresses'),
    argument('<new-address>', 'the new set/name'),
  ],
  options: editing,
  examples: [['vbsctl state mv payments/db-data billing/db-data', 'the new name need not be declared']],
  exits: LOCKING_EXITS,
  run: async (io, flags, from, to) => await (await import('./run-state-edit.ts')).mv(io, from, to, flags),
};

const pull: CommandDefinition<CommonFlags> = {
  name: 'pull',
  summary: 'Print the whole state, as it is stored',
  options: [config, state],
  examples: [['vbsctl state pull > backup.json', 'make a copy']],
  run: async (io, flags) => await (await import('./run-state-read.ts')).pull(io, flags),
};

const push: CommandDefinition<ChangeFlags, [file: string]> = {
  name: 'push',
  summary: 'Replace the state with a file, or merge errored.state.json into it',
  arguments: [
    argument('<file>', 'output of state pull, a backup, or errored.state.json; - for stdin', 'files'),
  ],
  options: [...editing, ...pushRisks],
  examples: [
    ['vbsctl state push errored.state.json', 'save what a run could not save'],
    ['vbsctl state push backup.json --dry-run', 'check whether a copy can be put back'],
  ],
  exits: LOCKING_EXITS,
  run: async (io, flags, file) => await (await import('./run-state-push.ts')).push(io, file, flags),
};

const migrate: CommandDefinition<MigrateFlags> = {
  name: 'migrate',
  summary: 'Copy the state to another location and mark the old one as migrated',
  options: [
    ...editing,
    ...pushRisks,
    option('--to <location>', 'a file, https://…, s3://… or postgres://…, without a password', {
      type: file,
    }),
    option('--undo', 'use the location of --state again, without reading the new one'),
    option('--allow-lost-work', 'with --undo: lose what was done at the new location', {
      group: RISKS_GROUP,
    }),
  ],
  examples: [
    ['vbsctl state migrate --to s3://restores/prod', 'from the state of the config'],
    ['vbsctl state migrate --state s3://restores/prod --to vbsctl.state.json', 'and back'],
  ],
  exits: LOCKING_EXITS,
  run: async (io, flags) => await (await import('./run-state-migrate.ts')).migrate(io, flags),
};

export const stateGroup: CommandGroup = {
  name: 'state',
  summary: 'Show, check and repair the state',
  examples: [
    ['vbsctl state list', 'every restore and its status'],
    ['vbsctl state history --since 7d', 'what was done, by whom, and how it ended'],
    ['vbsctl state pull > backup.json', 'a copy that state push can put back'],
  ],
  commands: [list, show, history, verify, lockInfo, accept, rm, mv, pull, push, migrate],
};

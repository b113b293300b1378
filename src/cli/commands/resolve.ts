import { argument, option } from '../options/option.ts';
import { cloud, config, lockTimeout, minimumSerial, state } from '../options/shared.ts';
import { type CommandDefinition, LOCKING_EXITS } from './definition.ts';
import type { ResolveFlags } from './run-resolve.ts';

export const resolve: CommandDefinition<ResolveFlags, [address: string]> = {
  name: 'resolve',
  summary: 'Record what became of a restore whose outcome is unknown',
  arguments: [argument('<address>', 'set/name, as in vbsctl state list', 'addresses')],
  options: [
    config,
    state,
    cloud,
    option('--as <succeeded|not-started|failed>', 'what you found out', {
      choices: ['succeeded', 'not-started', 'failed'],
      required: true,
    }),
    option('--reason <text>', 'how you know this; kept in the history', { required: true }),
    lockTimeout,
    minimumSerial,
  ],
  examples: [
    [
      'vbsctl resolve payments/db-data --as succeeded --reason "checked the tables"',
      'the volume holds the backup',
    ],
    [
      'vbsctl resolve payments/db-data --as not-started --reason "support confirmed it"',
      'apply may start it again',
    ],
  ],
  exits: LOCKING_EXITS,
  run: async (io, flags, address) =>
    await (await import('./run-resolve.ts')).resolveRecord(io, address, flags),
};

import { argument, option } from '../options/option.ts';
import { cloud, config, filename, lockTimeout, minimumSerial, state } from '../options/shared.ts';
import { time } from '../options/timestamp.ts';
import { type CommandDefinition, LOCKING_EXITS } from './definition.ts';
import type { ImportFlags } from './run-import.ts';

export const importCommand: CommandDefinition<ImportFlags, [address: string]> = {
  name: 'import',
  summary: 'Record a declared restore that was done without vbsctl',
  arguments: [argument('<address>', 'set/name, as in the manifest', 'addresses')],
  options: [
    filename,
    config,
    state,
    cloud,
    option('--job-id <id>', 'job of the restore; the cloud must report it as successful'),
    option('--succeeded-at <time>', 'when the restore ended, if the cloud no longer has the job', {
      type: time,
    }),
    option('--reason <text>', 'how you know this; kept in the history'),
    lockTimeout,
    minimumSerial,
  ],
  examples: [
    ['vbsctl import payments/db-data --job-id 70a583b2e1c94d7f8a6b5c4d3e2f1a09', 'by its job'],
    [
      'vbsctl import payments/db-data --succeeded-at 2026-11-23T22:00:00+01:00 --reason "console"',
      'the cloud no longer has the job',
    ],
  ],
  exits: LOCKING_EXITS,
  run: async (io, flags, address) =>
    await (await import('./run-import.ts')).importRestore(io, address, flags),
};

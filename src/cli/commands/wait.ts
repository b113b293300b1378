import { EXIT } from '../../domain/errors.ts';
import { argument, duration, option } from '../options/option.ts';
import { cloud, config, lockTimeout, minimumSerial, outputLines, state } from '../options/shared.ts';
import { type CommandDefinition, LOCKING_EXITS } from './definition.ts';
import type { WaitFlags } from './run-wait.ts';

export const wait: CommandDefinition<WaitFlags, [addresses: readonly string[]]> = {
  name: 'wait',
  summary: 'Wait for running restores to end; starts nothing, needs no manifests',
  arguments: [
    argument('[address...]', 'set/name (default: every restore that is not finished)', 'addresses'),
  ],
  options: [
    config,
    state,
    cloud,
    option('--timeout <duration>', 'how long to wait', {
      type: duration,
      otherwise: 'apply.timeout of the config, else 2h',
    }),
    lockTimeout,
    minimumSerial,
    outputLines,
  ],
  examples: [
    ['vbsctl wait', 'until every restore has ended'],
    ['vbsctl wait payments/db-data --timeout 30m', 'one restore, at most half an hour'],
  ],
  exits: [EXIT.outcome_unknown, EXIT.still_running, ...LOCKING_EXITS],
  run: async (io, flags, addresses) => await (await import('./run-wait.ts')).wait(io, addresses, flags),
};

import { argument } from '../options/option.ts';
import { config, filename, minimumSerial, output, state } from '../options/shared.ts';
import type { CommandDefinition } from './definition.ts';
import type { StatusFlags } from './run-status.ts';

export const status: CommandDefinition<StatusFlags, [addresses: readonly string[]]> = {
  name: 'status',
  summary: 'Show restores that are not finished; takes no lock',
  arguments: [
    argument('[address...]', 'set/name (default: every restore that is not finished)', 'addresses'),
  ],
  options: [filename, config, state, minimumSerial, output],
  examples: [
    ['vbsctl status', 'every restore that is not finished, also during a run'],
    ['vbsctl status payments/db-data', 'one restore, with a text to send to the support of the cloud'],
  ],
  run: async (io, flags, addresses) => await (await import('./run-status.ts')).status(io, addresses, flags),
};

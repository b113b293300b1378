import { argument } from '../options/option.ts';
import { autoApprove, config, state } from '../options/shared.ts';
import { type CommandDefinition, LOCKING_EXITS } from './definition.ts';
import type { UnlockFlags } from './run-unlock.ts';

export const unlock: CommandDefinition<UnlockFlags, [id: string]> = {
  name: 'unlock',
  summary: 'Remove a lock that a dead run left behind',
  arguments: [argument('<id>', 'ID of the lock, as shown by vbsctl status')],
  options: [config, state, autoApprove],
  examples: [['vbsctl unlock 3f0c2a9e-5d1b-4c86-9a57-2f6e1d0b7c44', 'remove this lock']],
  exits: LOCKING_EXITS,
  run: async (io, flags, id) => await (await import('./run-unlock.ts')).unlock(io, id, flags),
};

import { error } from '../domain/diagnostic.ts';
import { Failure } from '../domain/errors.ts';
import type { Io } from './io.ts';

/** Goes on only after a typed `yes` on a terminal; where nobody can type, that is a refusal. */
export async function confirm(io: Io, question: string): Promise<void> {
  if (!io.stdin.isTty)
    throw new Failure(
      'refused',
      error('no-consent', 'there is no terminal to ask on', {
        remedy: 'review the plan, then add --auto-approve',
      }),
    );
  const answer = await io.stdin.question(`${question}\nOnly "yes" is taken: `);
  io.stop.throwIfAborted();
  if (answer === undefined)
    throw new Failure('interrupted', error('interrupted', 'the input ended; nothing was started'));
  if (answer.trim() !== 'yes')
    throw new Failure('refused', error('declined', 'not confirmed; nothing was started'));
}

import type { Consent } from '../app/apply.ts';
import { error } from '../domain/diagnostic.ts';
import { Failure, refused } from '../domain/errors.ts';
import { grouped } from '../domain/grouped.ts';
import { plural } from '../views/words.ts';
import type { Io } from './io.ts';

/** The question of apply. The plan is shown above it, with what is overwritten and cannot be undone. */
export function questionOf({ restore, resume, may_be_sent_again: again }: Consent): string {
  const underWay = plural(resume, 'restore');
  if (restore + again === 0)
    return [
      'Update the state? No disk is changed.',
      ...(resume > 0 ? [`Also follows ${underWay} under way.`] : []),
    ].join('\n');
  return [
    restore > 0 ? `Restore ${plural(restore, 'disk')} as shown?` : `Resume ${underWay} under way?`,
    ...(restore > 0 && resume > 0 ? [`Also resumes ${underWay} under way.`] : []),
    ...(again > 0 ? [sentAgain(again)] : []),
  ].join('\n');
}

function sentAgain(count: number): string {
  return count === 1
    ? '1 restore under way may not have started. It is sent again, and overwrites its disk, if the cloud has not started it.'
    : `${grouped(count)} restores under way may not have started. They are sent again, and overwrite their disks, if the cloud has not started them.`;
}

export function confirmationRequired(
  why: string,
  remedy = 'review the plan, then add --auto-approve',
): Failure {
  return refused('confirmation-required', `confirmation is required, but ${why}`, remedy);
}

/** Continues only after a typed `yes` on a terminal. Without a terminal that is a refusal. */
export async function confirm(io: Io, question: string, remedy?: string): Promise<void> {
  if (!io.stdin.isTty) throw confirmationRequired('there is no terminal', remedy);
  const answer = await io.stdin.question(`${question}\nOnly "yes" is accepted: `);
  io.stop.throwIfAborted();
  if (answer === undefined)
    throw Failure.of('interrupted', 'interrupted', 'the input ended; nothing was started');
  const typed = answer.trim();
  if (typed === 'yes') return;
  if (/^y(es)?$/i.test(typed))
    throw refused(
      'declined',
      `"${typed}" is not "yes"; nothing was started`,
      'run it again and type yes, in full and in lower case',
    );
  throw new Failure('refused', error('declined', 'not confirmed; nothing was started'));
}

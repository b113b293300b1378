import type { Consent } from '../app/consent.ts';
import { error } from '../domain/diagnostic.ts';
import { Failure } from '../domain/errors.ts';
import { grouped, plural } from '../views/words.ts';
import type { Io } from './io.ts';

/** Says what a yes would do. Above it stands the plan, with what is overwritten and cannot be undone. */
export function questionOf({ restore, resume, may_be_sent_again: again }: Consent): string {
  if (restore > 0)
    return `Restore ${plural(restore, 'disk')} as shown${resume > 0 ? `, and go on with ${plural(resume, 'restore')} under way${again > 0 ? ` (${sentAgain(again)})` : ''}` : ''}?`;
  if (again > 0)
    return `Go on with ${plural(resume, 'restore')} under way? ${grouped(again)} of ${grouped(resume)} ${again === 1 ? 'is' : 'are'} not known to run: the cloud is looked at first, and what it has not begun is sent again and overwrites its disk.`;
  return `Write this down in the state${resume > 0 ? `, and follow ${plural(resume, 'restore')} under way` : ''}? No disk is touched.`;
}

export function noConsent(why: string, remedy = 'review the plan, then add --auto-approve'): Failure {
  return Failure.of('refused', 'no-consent', `confirmation is required, but ${why}`, { remedy });
}

function sentAgain(count: number): string {
  return count === 1
    ? 'one of them is sent again, and overwrites its disk, if the cloud has not begun it'
    : `${grouped(count)} of them are sent again, and overwrite their disks, if the cloud has not begun them`;
}

/** Goes on only after a typed `yes` on a terminal; where nobody can type, that is a refusal. */
export async function confirm(io: Io, question: string): Promise<void> {
  if (!io.stdin.isTty) throw noConsent('there is no terminal');
  const answer = await io.stdin.question(`${question}\nOnly "yes" is accepted: `);
  io.stop.throwIfAborted();
  if (answer === undefined)
    throw Failure.of('interrupted', 'interrupted', 'the input ended; nothing was started');
  if (answer.trim() === 'yes') return;
  const almost = /^y(es)?$/i.test(answer.trim());
  throw new Failure(
    'refused',
    almost
      ? error('declined', `"${answer.trim()}" is not "yes"; nothing was started`, {
          remedy: 'run it again and type yes, in full and in lower case',
        })
      : error('declined', 'not confirmed; nothing was started'),
  );
}

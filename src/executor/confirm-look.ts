import type { CloudTraits } from '../domain/cloud.ts';
import { isNews, NO_LOOKS, needsConfirming, type Subject, withLook } from '../domain/look-history.ts';
import { type Intended, type LookHistory, type Running, sameSeen } from '../domain/record.ts';
import { type Look, lookOf } from './look.ts';
import type { Session } from './run.ts';

/** A look together with all that came before it. */
export interface ConfirmedLook {
  readonly look: Look;
  readonly history: LookHistory;
  /** A later run has to know of it: see `commitLook`. */
  readonly news: boolean;
}

/**
 * Makes evidence of a look: reads again in order where its two readings may lie on both sides of a change, and puts it
 * to those that the record holds.
 */
export async function confirmLook(
  session: Session,
  record: Intended | Running,
  first: Look,
  signal: AbortSignal = session.run.stop,
): Promise<ConfirmedLook> {
  // Rule: torn-look-is-read-again-in-order
  const look = needsConfirming(first.seen) ? await inOrder(session, first, signal) : first;
  const subject = subjectOf(record, session.run.driver.traits);
  const before = record.history ?? NO_LOOKS;
  const history = withLook(before, look.seen, subject);
  return { look, history, news: isNews(before, history, look.seen, subject) };
}

/** Makes durable what a later run has to know, before this one goes on. */
export async function commitLook(session: Session, { history, news }: ConfirmedLook): Promise<void> {
  // Rule: look-that-matters-is-durable
  if (news) await session.step({ type: 'observe', at: session.now(), history });
}

export function subjectOf({ backup_id, baseline }: Intended | Running, traits: CloudTraits): Subject {
  return { backup_id, baseline, traits };
}

/**
 * The backup is read again, then the disk. If the disk is as it was before, both were so at the instant of the reading
 * in between. If not, a change lay between the readings, and the newer ones are a look of their own.
 */
async function inOrder({ run, ids }: Session, first: Look, signal: AbortSignal): Promise<Look> {
  const backup = await run.driver.backup(ids.backup_id, signal);
  const volume = await run.driver.volume(ids.volume_id, signal);
  const second = lookOf(volume, backup, run.clock);
  const still = volume.kind === 'found' && sameSeen(second.seen.volume, first.seen.volume);
  return still ? { ...second, seen: { ...second.seen, confirmed: true } } : second;
}

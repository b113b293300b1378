import { unreachable } from './errors.ts';
import type { Attempt } from './record.ts';

/**
 * Whether an attempt may have started the restore.
 *
 * - `none`: it has not. Not a byte was sent, or the volume did not change until settle had passed.
 * - `possible_duplicate`: it was refused, but a gateway may have sent the request twice. Then the refusal may belong to the
 *   second copy (which may meet an expired token), while the first one takes effect.
 * - `full`: nobody knows.
 *
 * Unless it is `none`, nothing is repeated or called untouched before settle has passed.
 */
export type Doubt = 'none' | 'possible_duplicate' | 'full';

/** The doubt now: none once the attempt is settled. */
export function doubtOf(attempt: Attempt): Doubt {
  // Rule: settled-doubt-does-not-return
  return attempt.settled ? 'none' : doubtWhenSent(attempt);
}

/** The doubt before any observation. An attempt that was ever in doubt keeps its baseline, to detect a late start. */
export function doubtWhenSent(attempt: Attempt): Doubt {
  switch (attempt.answer) {
    // Rule: unanswered-attempt-is-in-doubt
    case undefined:
    // Rule: ambiguous-attempt-is-in-doubt
    case 'ambiguous':
    // The answer says that the restore starts, not what became of it.
    case 'accepted':
      return 'full';
    // Rule: retryable-rejection-may-answer-a-duplicate
    case 'rejected_for_now':
    case 'rejected':
    // Rule: refused-token-may-answer-a-duplicate
    case 'unauthorized':
      return 'possible_duplicate';
    // Rule: unsent-attempt-leaves-no-doubt
    case 'not_sent':
      return 'none';
    default:
      return unreachable(attempt);
  }
}

export function worstDoubt(attempts: readonly Attempt[]): Doubt {
  return worst(attempts.map(doubtOf));
}

/** Whether a request can have started the restore, settled or not. */
export function wasEverInDoubt(attempts: readonly Attempt[]): boolean {
  return worst(attempts.map(doubtWhenSent)) !== 'none';
}

function worst(doubts: readonly Doubt[]): Doubt {
  return doubts.includes('full')
    ? 'full'
    : doubts.includes('possible_duplicate')
      ? 'possible_duplicate'
      : 'none';
}

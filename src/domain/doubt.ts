import { unreachable } from './errors.ts';
import type { Attempt } from './record.ts';

/**
 * How sure it is that an attempt did nothing. `none`: certainly nothing, for not a byte was sent. `possible_duplicate`: it
 * was answered with a no, whatever its status, that may belong to a second copy of the request (a gateway that repeated it,
 * whose second copy may meet a token that has ended), or that may have crossed its own effect. `full`: nobody knows.
 * Unless it is `none`, nothing is repeated or called untouched before settle has passed.
 */
export type Doubt = 'none' | 'possible_duplicate' | 'full';

/** As it stands now: what was settled is no doubt any more. */
export function doubtOf(attempt: Attempt): Doubt {
  // Rule: settled-doubt-does-not-return
  return attempt.settled ? 'none' : doubtWhenSent(attempt);
}

/** As it was before anybody looked. What was ever in doubt keeps its baseline: only that can show a start after all. */
export function doubtWhenSent(attempt: Attempt): Doubt {
  switch (attempt.answer) {
    // Rule: unanswered-attempt-is-in-doubt
    case undefined:
    // Rule: ambiguous-attempt-is-in-doubt
    case 'ambiguous':
    case 'accepted':
      return 'full';
    // Rule: refusal-for-now-may-answer-a-copy
    case 'rejected_for_now':
    case 'rejected':
    // Rule: refused-token-may-answer-a-copy
    case 'unauthorized':
      return 'possible_duplicate';
    // Rule: unsent-attempt-is-in-no-doubt
    case 'not_sent':
      return 'none';
    default:
      return unreachable(attempt);
  }
}

export function worstDoubt(attempts: readonly Attempt[]): Doubt {
  return worst(attempts.map(doubtOf));
}

/** Whether something that was sent can have started it, settled or not. */
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

import { sameJson } from './canonical-json.ts';
import { wasEverInDoubt } from './doubt.ts';
import { unreachable } from './errors.ts';
import { sameObservation } from './observation.ts';
import { type RestoreRecord, type Running, sameIdentity } from './record.ts';

/**
 * Whether legal steps (`advance`) lead from one record of a restore to the other. A record does not follow itself.
 * `resolve` is a step, too.
 */
export function follows(earlier: RestoreRecord, later: RestoreRecord): boolean {
  if (!sameIdentity(earlier, later) || sameJson(earlier, later)) return false;
  if (Date.parse(later.updated_at) < Date.parse(earlier.updated_at)) return false;
  if (earlier.status === 'succeeded') return false;
  if (earlier.status === 'failed' && earlier.touched === 'no') {
    const [first] = later.attempts; // a new try, from a new baseline
    return first !== undefined && Date.parse(first.intended_at) >= Date.parse(earlier.updated_at);
  }
  if (!sameAttempts(earlier, later)) return false;
  switch (earlier.status) {
    case 'intended': {
      const isAdopted = 'evidence' in later && later.evidence === 'adopted';
      return !(isAdopted && earlier.observation_history?.contradiction);
    }
    case 'running':
      return sameJson(earlier.attempts, later.attempts) && endsAs(earlier, later);
    case 'failed':
    case 'unknown':
      return 'resolution' in later && later.resolution !== undefined;
    default:
      return unreachable(earlier);
  }
}

function endsAs(running: Running, later: RestoreRecord): boolean {
  if ('resolution' in later) return true;
  switch (later.status) {
    case 'intended':
      return false;
    case 'running':
    case 'succeeded':
      return later.evidence === running.evidence && later.started_at === running.started_at;
    case 'failed':
      return later.touched === 'maybe';
    case 'unknown':
      return true;
    default:
      return unreachable(later);
  }
}

/** Whether the later attempts begin with the earlier ones. Only the last may have got its answer meanwhile. */
function sameAttempts(earlier: RestoreRecord, later: RestoreRecord): boolean {
  const { attempts, baseline } = earlier;
  if (later.attempts.length < attempts.length) return false;
  // only the first baseline can show what an attempt in doubt did, so it never changes
  if (wasEverInDoubt(attempts) && !sameObservation(baseline, later.baseline)) return false;
  return attempts.every((attempt, index) => {
    const now = later.attempts[index];
    if (now?.intended_at !== attempt.intended_at) return false;
    // An attempt in doubt may be settled later.
    const { settled, ...then } = now;
    return attempt.answer === undefined || sameJson(attempt, attempt.settled ? now : then);
  });
}

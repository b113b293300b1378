import { identityKey, type RestoreRecord } from './record.ts';
import { recordsByIdentity, type State } from './state.ts';

/**
 * Records of `current` of which `next` has less: with `next`, a done restore could be done again, or a running one be
 * started a second time.
 */
export function forgottenBy(next: State, current: State): RestoreRecord[] {
  const known = recordsByIdentity(next);
  return [...recordsByIdentity(current).values()].flatMap((facts) => {
    const severest = facts.reduce((a, b) => (severity(b) > severity(a) ? b : a));
    const there = known.get(identityKey(severest)) ?? [];
    return there.some((fact) => severity(fact) >= severity(severest)) || severity(severest) === 0
      ? []
      : [severest];
  });
}

/** How much a record prevents: a done restore most, a failed one that did nothing not at all. */
function severity(record: RestoreRecord): number {
  if (record.status === 'succeeded') return 2;
  return record.status === 'failed' && record.touched === 'no' ? 0 : 1;
}

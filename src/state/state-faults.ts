import { firstLines } from '../domain/abbreviate.ts';
import type { ChunkedWork } from '../domain/chunked-work.ts';
import { type Diagnostic, error, MultilineText, note } from '../domain/diagnostic.ts';
import { Failure, unreachable } from '../domain/errors.ts';
import { shellWord } from '../domain/escape/shell-word.ts';
import type { HistoryMismatch } from '../domain/history-mismatch.ts';
import type { MinimumState } from '../domain/minimum-state.ts';
import { optional } from '../domain/optional.ts';
import { addressesOf, type HistoryEntry } from '../domain/state.ts';
import type { Snapshot } from './codec.ts';
import { continuesHistory, type KnownState, matchesFingerprint } from './known-states.ts';
import { type AcceptedBreak, type FoundBreak, verify } from './verify.ts';

/** Why a state must not be used: something other than vbsctl changed it, or it is not the newest. */
export type StateFault =
  | { readonly kind: 'broken'; readonly broken: FoundBreak; readonly entries: number }
  | { readonly kind: 'contradictory'; readonly mismatches: readonly HistoryMismatch[] }
  /** Its history has a higher serial than the state itself. */
  | { readonly kind: 'set_back'; readonly highest: number }
  /** A newer state of the same lineage was seen. */
  | { readonly kind: 'older'; readonly known: KnownState }
  /** Another state with the same lineage and serial was seen. */
  | { readonly kind: 'differs'; readonly known: KnownState }
  /** Its serial is not lower than that of a state that was seen, but its history does not continue the history of that state. */
  | { readonly kind: 'discontinued'; readonly known: KnownState }
  /** Another state was seen at this location. */
  | { readonly kind: 'other_lineage'; readonly known: KnownState };

/** The states that this user has seen before, as far as a state at some location has to do with them. */
export interface KnownHere {
  readonly of_lineage?: KnownState | undefined;
  /** The last at its location. */
  readonly here?: KnownState | undefined;
}

/** Every fault of a state. */
export function* stateFaults(snapshot: Snapshot, { of_lineage, here }: KnownHere): ChunkedWork<StateFault[]> {
  const { broken, mismatches, entries, ahead } = yield* verify(snapshot);
  const { lineage, serial } = snapshot.state;
  const faults: StateFault[] = [];
  if (broken) faults.push({ kind: 'broken', broken, entries });
  if (mismatches.length > 0) faults.push({ kind: 'contradictory', mismatches });
  if (ahead !== undefined) faults.push({ kind: 'set_back', highest: ahead });
  // Both are compared, because a state that was migrated away is remembered only for its location.
  const known = [of_lineage, here].filter((each) => each?.lineage === lineage) as KnownState[];
  const newer = known.find((each) => serial < each.serial);
  const other = known.find(
    (each) => serial === each.serial && !matchesFingerprint(snapshot, each.fingerprint),
  );
  const discontinued = known.find((each) => serial >= each.serial && !continuesHistory(snapshot, each));
  if (newer) faults.push({ kind: 'older', known: newer });
  else if (other) faults.push({ kind: 'differs', known: other });
  else if (discontinued) faults.push({ kind: 'discontinued', known: discontinued });
  if (here && here.lineage !== lineage) faults.push({ kind: 'other_lineage', known: here });
  return faults;
}

/** The refusal (exit 5) of a state. The remedy is shown once, at the end: that of the first fault is the most complete. */
export function faultyState(faults: readonly StateFault[], snapshot: Snapshot, location: string): Failure {
  const all = faults.map((fault) => faultDiagnostic(fault, snapshot, location));
  const remedy = all[0]?.remedy;
  return new Failure(
    'refused',
    all.map(({ remedy: _, ...each }, index) => ({
      ...each,
      ...optional('remedy', index === all.length - 1 ? remedy : undefined),
    })),
  );
}

export function faultDiagnostic(fault: StateFault, { state }: Snapshot, location: string): Diagnostic {
  const problem = (code: string, summary: string, detail: string | MultilineText, remedy: MultilineText) =>
    error(code, summary, { detail, remedy, where: { file: location } });
  switch (fault.kind) {
    case 'broken': {
      const { index, entry, before, hash } = fault.broken;
      return problem(
        'chain-broken',
        `the history was changed from entry ${index + 1} of ${fault.entries} on: ${entryText(entry)}`,
        new MultilineText(
          before ? `Entry ${index} is unchanged: ${entryText(before)}.` : 'It is the first.',
          `The hash of entry ${index + 1} (${hash.slice(0, 12)}…) does not match: it was edited, or an entry before it was added or removed. ${CONSEQUENCE}`,
        ),
        repairRemedy(location),
      );
    }
    case 'contradictory': {
      const shown = firstLines(
        fault.mismatches,
        CONTRADICTIONS_SHOWN_MAX,
        ({ address, what }) => `${address}: ${what}`,
      );
      return problem(
        'state-contradictory',
        'the records of the state contradict its history',
        new MultilineText(...shown, CONSEQUENCE),
        repairRemedy(location),
      );
    }
    case 'set_back':
      return problem(
        'state-serial-mismatch',
        `the state has serial ${state.serial}, and its history has serial ${fault.highest}`,
        `Its serial was changed without vbsctl, or two copies were mixed. ${CONSEQUENCE}`,
        repairRemedy(location),
      );
    case 'older':
      return problem(
        'state-older',
        `the state is older than the one used before: it has serial ${state.serial}, and serial ${fault.known.serial} was used before`,
        `${seenText(fault.known)} ${OLDER_COPY}`,
        supersededRemedy(location, 'put the newer state back', 'only if it is lost'),
      );
    case 'differs':
      return problem(
        'state-differs',
        `the state still has serial ${state.serial}, but its content differs from that of its last use`,
        `${seenText(fault.known)} Somebody changed it without vbsctl, or two runs worked on two copies of it. ${CONSEQUENCE}`,
        supersededRemedy(
          location,
          'compare it with a backup and put the right one back',
          'to continue with this one',
        ),
      );
    case 'discontinued':
      return problem(
        'state-discontinued',
        `the state has serial ${state.serial}, but its history does not continue that of serial ${fault.known.serial}, which was used before`,
        `${seenText(fault.known)} It is an older copy whose serial was raised, or another run worked on such a copy. ${CONSEQUENCE}`,
        supersededRemedy(location, 'put the newer state back', 'only if it is lost'),
      );
    case 'other_lineage':
      return problem(
        'state-replaced',
        'another state was here before, and this one does not have its records',
        `Now: lineage ${state.lineage}, serial ${state.serial}. Before: lineage ${fault.known.lineage}, serial ${fault.known.serial}, seen ${fault.known.seen_at}.`,
        supersededRemedy(
          location,
          'correct --state, or put the earlier state back',
          'to continue with this one',
        ),
      );
    default:
      return unreachable(fault);
  }
}

const CONTRADICTIONS_SHOWN_MAX = 5;
const CONSEQUENCE = 'So vbsctl cannot tell what was restored, and could restore a disk a second time.';
const OLDER_COPY =
  'An older copy lacks what was done since then, and a disk could be restored a second time.';

function repairRemedy(location: string): MultilineText {
  const here = `--state ${shellWord(location)}`;
  return new MultilineText(
    `to see what is wrong: vbsctl state verify ${here}`,
    `to put a valid copy back: vbsctl state push FILE ${here}`,
    `to continue with the state as it is: vbsctl state accept ${here} --reason "…"`,
  );
}

function supersededRemedy(location: string, first: string, last: string): MultilineText {
  const here = `--state ${shellWord(location)}`;
  return new MultilineText(
    `${first}: vbsctl state push FILE ${here}`,
    `${last}: vbsctl state accept ${here} --reason "…"`,
  );
}

function seenText({ serial, lineage, location, seen_at }: KnownState): string {
  return `Serial ${serial} of lineage ${lineage} was seen ${seen_at} at ${location}.`;
}

/** A note about a break that somebody accepted. */
export function acceptedBreak({ index, entry, by }: AcceptedBreak): Diagnostic {
  return note(
    'chain-break-accepted',
    `the history was changed from entry ${index + 1} on (${entryText(entry)}), which ${by.actor.who} accepted at ${by.at}: ${by.reason}`,
  );
}

function entryText(entry: HistoryEntry): string {
  const { serial, at, actor, type } = entry;
  const what =
    type === 'closed'
      ? `${addressesOf(entry).join()} ${entry.record.status}`
      : [type, ...addressesOf(entry)].join(' ');
  return `${what} (serial ${serial}, ${at}, ${actor.operation} by ${actor.who})`;
}

/** Why a state does not meet the minimum, which `state accept` does not lift. `snapshot`: undefined if there is no state. */
export function belowMinimum(
  snapshot: Snapshot | undefined,
  { serial, hash }: MinimumState,
  location: string,
): Failure | undefined {
  const summary = shortfall();
  if (summary === undefined) return undefined;
  return Failure.of('refused', 'state-below-minimum', summary, {
    detail: `The minimum is set by --minimum-serial or VBSCTL_MINIMUM_SERIAL. ${OLDER_COPY}`,
    remedy: `put the newer state back: vbsctl state push FILE --state ${shellWord(location)}; or correct the minimum`,
    where: { file: location },
  });

  function shortfall(): string | undefined {
    if (!snapshot) return `there is no state, and one with serial ${serial} or higher is required`;
    const { state, chain } = snapshot;
    if (state.serial < serial)
      return `the state has serial ${state.serial}, and ${serial} or higher is required`;
    if (hash === undefined || chain.some((each) => each.startsWith(hash))) return undefined;
    return `the state has serial ${state.serial}, but not the entry ${hash} that its history had at serial ${serial}`;
  }
}

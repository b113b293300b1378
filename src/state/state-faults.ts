import type { Contradiction } from '../domain/cross-check.ts';
import { type Diagnostic, error, Lines } from '../domain/diagnostic.ts';
import { Failure, unreachable } from '../domain/errors.ts';
import { shellWord } from '../domain/escape/shell-word.ts';
import type { LongWork } from '../domain/long-work.ts';
import { addressesOf, type HistoryEntry } from '../domain/state.ts';
import type { Snapshot } from './codec.ts';
import { type KnownState, matchesFingerprint } from './known-states.ts';
import { type AcceptedBreak, type FoundBreak, verify } from './verify.ts';

/** Why a state must not be relied on: it was changed by something else than vbsctl, or it is not the newest. */
export type StateFault =
  | { readonly kind: 'broken'; readonly broken: FoundBreak; readonly entries: number }
  | { readonly kind: 'contradictory'; readonly contradictions: readonly Contradiction[] }
  /** Its history tells of a higher serial than its own. */
  | { readonly kind: 'set_back'; readonly highest: number }
  /** A newer one of the same lineage was seen. */
  | { readonly kind: 'older'; readonly known: KnownState }
  /** Another one with the same lineage and serial was seen. */
  | { readonly kind: 'differs'; readonly known: KnownState }
  /** Another state was here before. */
  | { readonly kind: 'other_lineage'; readonly known: KnownState };

/** What was seen before; absent where nothing was. */
export interface KnownBefore {
  readonly of_lineage?: KnownState | undefined;
  readonly here?: KnownState | undefined;
}

/** All that speaks against a state. Linear in its size, in steps. */
export function* stateFaults(snapshot: Snapshot, { of_lineage, here }: KnownBefore): LongWork<StateFault[]> {
  const { broken, contradictions, entries, ahead } = yield* verify(snapshot);
  const { lineage, serial } = snapshot.state;
  const faults: StateFault[] = [];
  if (broken) faults.push({ kind: 'broken', broken, entries });
  if (contradictions.length > 0) faults.push({ kind: 'contradictory', contradictions });
  if (ahead !== undefined) faults.push({ kind: 'set_back', highest: ahead });
  // The place alone remembers a state that was moved away from it: neither its mark nor an earlier copy is the way back.
  const known = [of_lineage, here].filter((each) => each?.lineage === lineage) as KnownState[];
  const newer = known.find((each) => serial < each.serial);
  const other = known.find(
    (each) => serial === each.serial && !matchesFingerprint(snapshot, each.fingerprint),
  );
  if (newer) faults.push({ kind: 'older', known: newer });
  else if (other) faults.push({ kind: 'differs', known: other });
  if (here && here.lineage !== lineage) faults.push({ kind: 'other_lineage', known: here });
  return faults;
}

/** Exit 5, with how to look, how to repair, and how to go on all the same. */
export function faultyState(faults: readonly StateFault[], snapshot: Snapshot, location: string): Failure {
  const told = faults.map((fault) => faultDiagnostic(fault, snapshot, location));
  // Said once, at the end; that of the first leads furthest.
  const remedy = told[0]?.remedy;
  return new Failure(
    'refused',
    told.map(({ remedy: _, ...each }, index) =>
      index < told.length - 1 || remedy === undefined ? each : { ...each, remedy },
    ),
  );
}

export function faultDiagnostic(fault: StateFault, { state }: Snapshot, location: string): Diagnostic {
  const where = { file: location };
  switch (fault.kind) {
    case 'broken':
      return { ...chainBroken(fault.broken, fault.entries, location), remedy: repairRemedy(location) };
    case 'contradictory': {
      const { contradictions } = fault;
      const told = contradictions.slice(0, TOLD_MAX).map(({ address, what }) => `${address}: ${what}`);
      const more = contradictions.length - told.length;
      return error('state-contradictory', 'the records of the state contradict its history', {
        detail: new Lines(...told, more > 0 ? `… and ${more} more` : undefined, WHAT_IT_MEANS),
        remedy: repairRemedy(location),
        where,
      });
    }
    case 'set_back':
      return error(
        'state-set-back',
        `the state has serial ${state.serial}, and its history has serial ${fault.highest}`,
        {
          detail: `Its serial was changed without vbsctl, or two copies were mixed. ${WHAT_IT_MEANS}`,
          remedy: repairRemedy(location),
          where,
        },
      );
    case 'older':
      return error(
        'state-older',
        `the state is older than the one used before: it has serial ${state.serial}, and serial ${fault.known.serial} was used before`,
        {
          detail: `${seenText(fault.known)} An older copy lacks what was done since then, and a volume could be restored a second time.`,
          remedy: supersededRemedy(location, 'put the newer state back', 'only if it is lost'),
          where,
        },
      );
    case 'differs':
      return error(
        'state-differs',
        `the state has serial ${state.serial}, as when it was used before, but its content differs`,
        {
          detail: `${seenText(fault.known)} Somebody changed it without vbsctl, or two runs worked on two copies of it. ${WHAT_IT_MEANS}`,
          remedy: supersededRemedy(
            location,
            'compare it with a backup and put the right one back',
            'to continue with this one',
          ),
          where,
        },
      );
    case 'other_lineage':
      return error(
        'state-replaced',
        'another state was here before, and this one does not have its records',
        {
          detail: `Now: lineage ${state.lineage}, serial ${state.serial}. Before: lineage ${fault.known.lineage}, serial ${fault.known.serial}, seen ${fault.known.seen_at}.`,
          remedy: supersededRemedy(
            location,
            'correct --state, or put the earlier state back',
            'to continue with this one',
          ),
          where,
        },
      );
    default:
      return unreachable(fault);
  }
}

const TOLD_MAX = 5;
const WHAT_IT_MEANS = 'vbsctl cannot tell what was restored, and could restore a volume a second time.';

function repairRemedy(location: string): Lines {
  const here = `--state ${shellWord(location)}`;
  return new Lines(
    `to see what is wrong: vbsctl state verify ${here}`,
    `to put a valid copy back: vbsctl state push FILE ${here}`,
    `to continue with the state as it is: vbsctl state accept ${here} --reason "…"`,
  );
}

/** The way out of a state that was superseded: one command a line, so that it can be pasted. */
function supersededRemedy(location: string, first: string, last: string): Lines {
  const here = `--state ${shellWord(location)}`;
  return new Lines(
    `${first}: vbsctl state push FILE ${here}`,
    `${last}: vbsctl state accept ${here} --reason "…"`,
  );
}

function seenText({ serial, lineage, location, seen_at }: KnownState): string {
  return `Serial ${serial} of lineage ${lineage} was seen ${seen_at} at ${location}.`;
}

/** Where the chain breaks, and what stands before it. */
export function chainBroken(
  { index, entry, before, hash }: FoundBreak,
  entries: number,
  location: string,
): Diagnostic {
  const last = before ? `Entry ${index} is unchanged: ${entryText(before)}.` : 'It is the first.';
  return error(
    'chain-broken',
    `the history was changed from entry ${index + 1} of ${entries} on: ${entryText(entry)}`,
    {
      detail: new Lines(
        last,
        `The hash of entry ${index + 1} (${hash.slice(0, 12)}…) does not match: it was edited, or an entry before it was added or removed. ${WHAT_IT_MEANS}`,
      ),
      where: { file: location },
    },
  );
}

/** A break that somebody accepted stays known. */
export function acceptedBreak({ index, entry, by }: AcceptedBreak): Diagnostic {
  return {
    severity: 'note',
    code: 'chain-break-accepted',
    summary: `the history was changed from entry ${index + 1} on (${entryText(entry)}), which ${by.actor.who} accepted at ${by.at}: ${by.reason}`,
  };
}

function entryText(entry: HistoryEntry): string {
  const { serial, at, actor, type } = entry;
  const what =
    type === 'closed'
      ? `${addressesOf(entry).join()} ${entry.record.status}`
      : [type, ...addressesOf(entry)].join(' ');
  return `${what} (serial ${serial}, ${at}, ${actor.operation} by ${actor.who})`;
}

/** `--minimum-serial`; no `state accept` lifts it. `serial` is undefined where there is no state. */
export function belowMinimum(serial: number | undefined, minimum: number, location: string): Failure {
  return Failure.of(
    'refused',
    'state-below-minimum',
    serial === undefined
      ? `there is no state, and one with serial ${minimum} or higher is required`
      : `the state has serial ${serial}, and ${minimum} or higher is required`,
    {
      detail:
        'The minimum is set by --minimum-serial or VBSCTL_MINIMUM_SERIAL. An older copy lacks what was done since then, and a volume could be restored a second time.',
      remedy: `put the newer state back: vbsctl state push FILE --state ${shellWord(location)}; or correct the minimum`,
      where: { file: location },
    },
  );
}

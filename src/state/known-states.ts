import { hash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { canonicalJson } from '../domain/canonical-json.ts';
import { optional } from '../domain/optional.ts';
import { isOpen, type RestoreRecord } from '../domain/record.ts';
import { integerFrom, jsonOf, nonEmpty, object, optionalField, string } from '../domain/shape.ts';
import type { State } from '../domain/state.ts';
import { makeDirectory } from '../files/make-directory.ts';
import { replaceFile } from '../files/replace-file.ts';
import { type Snapshot, FORMAT as STATE_FORMAT } from './codec.ts';
import { type ChainEnd, endOf } from './history-chain.ts';

/**
 * What this user has seen of a state, kept outside of the state: somebody who replaces a state with an older copy does
 * not change this. One small file for each lineage (the highest serial) and one for each location (its last state).
 * If it cannot be read or written, nothing fails, and an older copy is not noticed.
 */
export interface KnownState {
  readonly lineage: string;
  readonly serial: number;
  /** See `fingerprint`; empty if only the serial is known. */
  readonly fingerprint: string;
  /** Absent if the history was empty. */
  readonly history_end?: ChainEnd;
  /** Where it was seen, as it is shown. */
  readonly location: string;
  /** ISO 8601. */
  readonly seen_at: string;
}

export interface KnownStates {
  /** The highest serial that was seen of a lineage, at any location. */
  ofLineage(lineage: string): Promise<KnownState | undefined>;
  /** What the location `id` last held. `id` must be the same on each run. */
  at(id: string): Promise<KnownState | undefined>;
  remember(id: string, state: KnownState, event: StateEvent): Promise<void>;
}

/**
 * What happened to a state. After each event, the state is remembered as the last one at its location. Whether it is also
 * remembered as the last one of its lineage depends on the event:
 *
 * - `written`: yes, unless a higher serial is known.
 * - `read`: like `written` at the location where the lineage was last seen; elsewhere no, because a copy may have any
 *   serial.
 * - `migrated`: no, because the lineage continues at another location.
 * - `accepted`: yes, even if a higher serial is known.
 */
export type StateEvent = 'read' | 'written' | 'migrated' | 'accepted';

/** `directory` is created when it is first written to. */
export function knownStates(directory: string): KnownStates {
  const fileOf = (kind: 'lineage' | 'place', id: string) => join(directory, `${kind}-${hashed(id)}.json`);
  const ofLineage = async (lineage: string) => {
    const found = await load(fileOf('lineage', lineage));
    return found?.lineage === lineage ? found : undefined;
  };
  return {
    ofLineage,
    at: (id) => load(fileOf('place', id)),
    async remember(id, state, event) {
      const highest = await ofLineage(state.lineage);
      await save(fileOf('place', id), state);
      if (event === 'migrated') return;
      if (event === 'read' && highest?.location !== state.location) return;
      // Two runs that end at the same time may leave the lower of two serials: the next run raises it again.
      if (event === 'accepted' || !highest || highest.serial <= state.serial)
        await save(fileOf('lineage', state.lineage), state);
    },
  };
}

/** Raised with every state format and with each change of `fingerprint`. Only fingerprints of one format are compared. */
const FINGERPRINT_FORMAT = `${STATE_FORMAT}.1`;

/**
 * A hash of the content of a state: lineage, serial, target, where it was migrated to, the last hash of the history, and
 * every open record (the closed ones follow from the history). Independent of the backend.
 */
export function fingerprint({ state, chain }: Snapshot): string {
  return fingerprintOf(state, openRecords(state), chain.at(-1));
}

function fingerprintOf(state: State, open: readonly RestoreRecord[], head = ''): string {
  const { lineage, serial, target, moved_to } = state;
  const sorted = [...open].sort((a, b) => (a.address < b.address ? -1 : 1));
  const content = canonicalJson({ lineage, serial, target, moved_to, head, open: sorted });
  return `${FINGERPRINT_FORMAT}:${hash('sha256', content)}`;
}

function openRecords({ records }: State): RestoreRecord[] {
  return [...records.values()].filter(isOpen);
}

/** False if a state differs from the known one with this fingerprint. */
export function matchesFingerprint(snapshot: Snapshot, known: string): boolean {
  return known.startsWith(`${FINGERPRINT_FORMAT}:`) ? known === fingerprint(snapshot) : true;
}

export function knownStateOf({ state, chain }: Snapshot, location: string, seenAt: string): KnownState {
  return knownStateWith(openRecords(state), state, endOf(chain), location, seenAt);
}

/** As `knownStateOf`, while a run writes the state, and often: if many restores are open, without the fingerprint. */
export function knownStateOfRun(
  state: State,
  historyEnd: ChainEnd | undefined,
  location: string,
  seenAt: string,
): KnownState {
  const open = openRecords(state);
  const printed = open.length > FINGERPRINTED_IN_RUN_MAX ? undefined : open;
  return knownStateWith(printed, state, historyEnd, location, seenAt);
}

/** A fingerprint of so many takes some 15 ms, in which the run does nothing else. */
const FINGERPRINTED_IN_RUN_MAX = 1_000;

/** `open`: undefined for no fingerprint. */
function knownStateWith(
  open: readonly RestoreRecord[] | undefined,
  state: State,
  historyEnd: ChainEnd | undefined,
  location: string,
  seenAt: string,
): KnownState {
  const { lineage, serial } = state;
  return {
    lineage,
    serial,
    fingerprint: open ? fingerprintOf(state, open, historyEnd?.hash) : '',
    ...optional('history_end', historyEnd),
    location,
    seen_at: seenAt,
  };
}

/**
 * False if the history of a state does not continue the one that was known, and nobody replaced it knowingly: then it is an
 * older copy with a higher serial.
 */
export function continuesHistory({ state, chain }: Snapshot, known: KnownState): boolean {
  if (!known.history_end || chain[known.history_end.entries - 1] === known.history_end.hash) return true;
  return state.history.some(
    (entry) =>
      (entry.type === 'pushed' || entry.type === 'state_accepted') &&
      entry.over?.lineage === known.lineage &&
      entry.over.serial >= known.serial,
  );
}

function hashed(name: string): string {
  return hash('sha256', name).slice(0, 40);
}

const FILE_FORMAT = 1;
const knownStateShape = object<KnownState & { readonly format: number }>({
  format: integerFrom(1),
  lineage: nonEmpty,
  serial: integerFrom(0),
  fingerprint: string,
  history_end: optionalField(object<ChainEnd>({ entries: integerFrom(1), hash: nonEmpty })),
  location: string,
  seen_at: nonEmpty,
});

async function load(path: string): Promise<KnownState | undefined> {
  try {
    const known = jsonOf(await readFile(path, 'utf8'), knownStateShape);
    if (!known) return undefined;
    const { format: _, ...state } = known;
    return state;
  } catch {
    return undefined; // the file does not exist or cannot be read
  }
}

async function save(path: string, state: KnownState): Promise<void> {
  try {
    await makeDirectory(dirname(path));
    await replaceFile(path, `${JSON.stringify({ format: FILE_FORMAT, ...state })}\n`);
  } catch {
    // A home directory that cannot be written to remembers nothing.
  }
}

import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { canonicalJson } from '../domain/canonical-json.ts';
import { isOpen } from '../domain/record.ts';
import { fields, integerFrom, jsonOf, text, word } from '../domain/shape.ts';
import { makeDirectory } from '../files/make-directory.ts';
import { replaceFile } from '../files/replace-file.ts';
import { type Snapshot, FORMAT as STATE_FORMAT } from './codec.ts';

/**
 * What this user's machine has seen of states, kept outside of them: whoever can put an older copy of a state in
 * place cannot take this back as well. One small file for each lineage (the highest serial) and one for each
 * location (what was there last). It protects and is never needed: where it cannot be read or written, nothing
 * fails, and an older copy is not noticed.
 */
export interface KnownState {
  readonly lineage: string;
  readonly serial: number;
  /** See `fingerprint`; empty where only the serial is known. */
  readonly fingerprint: string;
  /** Where it was seen, as it is shown to people. */
  readonly location: string;
  /** ISO 8601. */
  readonly seen_at: string;
}

export interface KnownStates {
  /** The highest serial seen of a lineage, wherever it lay. */
  ofLineage(lineage: string): Promise<KnownState | undefined>;
  /** What was at a place when it was last used. `place`: a key for it, the same on each run. */
  at(place: string): Promise<KnownState | undefined>;
  /**
   * Remembers it for the place, and for its lineage only where that was last worked with: a copy elsewhere, which was only
   * looked at, may say any serial.
   */
  look(place: string, state: KnownState): Promise<void>;
  /** Remembers it; a lower serial of its lineage does not replace a higher one. */
  see(place: string, state: KnownState): Promise<void>;
  /** Remembers it for the place alone: a state that was moved away, whose lineage goes on elsewhere. */
  seeMoved(place: string, state: KnownState): Promise<void>;
  /** Remembers it in place of whatever was known of its lineage and of the place. */
  accept(place: string, state: KnownState): Promise<void>;
}

/** `directory` is made when it is first written to. */
export function knownStates(directory: string): KnownStates {
  const lineageFile = (lineage: string) => join(directory, `lineage-${hashed(lineage)}.json`);
  const placeFile = (place: string) => join(directory, `place-${hashed(place)}.json`);
  const known: KnownStates = {
    ofLineage: async (lineage) => {
      const found = await load(lineageFile(lineage));
      return found?.lineage === lineage ? found : undefined;
    },
    at: (place) => load(placeFile(place)),
    async look(place, state) {
      const highest = await known.ofLineage(state.lineage);
      if (highest?.location === state.location) await known.see(place, state);
      else await save(directory, placeFile(place), state);
    },
    async see(place, state) {
      await save(directory, placeFile(place), state);
      // Two runs that end at once may leave the lower of two serials: the next run raises it again.
      const highest = await known.ofLineage(state.lineage);
      if (!highest || highest.serial <= state.serial)
        await save(directory, lineageFile(state.lineage), state);
    },
    seeMoved: (place, state) => save(directory, placeFile(place), state),
    async accept(place, state) {
      await save(directory, placeFile(place), state);
      await save(directory, lineageFile(state.lineage), state);
    },
  };
  return known;
}

/** Raised with every format and with what goes into the hash: what another vbsctl wrote is not compared. */
const FINGERPRINT_KIND = `${STATE_FORMAT}.1`;

/**
 * One hash for what a serial means: lineage, target, where it was moved to, the last hash of the history, and every record that is still
 * open (those that are over follow from the history). The same for the same content, whatever backend it is in.
 */
export function fingerprint({ state, chain }: Snapshot): string {
  const { lineage, serial, target, moved_to } = state;
  const open = [...state.records.values()].filter(isOpen).sort((a, b) => (a.address < b.address ? -1 : 1));
  const hash = createHash('sha256')
    .update(canonicalJson({ lineage, serial, target, moved_to, head: chain.at(-1) ?? '', open }))
    .digest('hex');
  return `${FINGERPRINT_KIND}:${hash}`;
}

/** Whether a state is the one that was known, as far as its fingerprint can tell. */
export function fits(snapshot: Snapshot, known: string): boolean {
  return known.startsWith(`${FINGERPRINT_KIND}:`) ? known === fingerprint(snapshot) : true;
}

export function knownStateOf(snapshot: Snapshot, location: string, seenAt: string): KnownState {
  const { lineage, serial } = snapshot.state;
  return { lineage, serial, fingerprint: fingerprint(snapshot), location, seen_at: seenAt };
}

function hashed(name: string): string {
  return createHash('sha256').update(name).digest('hex').slice(0, 40);
}

const FORMAT = 1;
const shape = fields<KnownState & { readonly format: number }>({
  format: integerFrom(1),
  lineage: word,
  serial: integerFrom(0),
  fingerprint: text,
  location: text,
  seen_at: word,
});

async function load(path: string): Promise<KnownState | undefined> {
  try {
    const known = jsonOf(await readFile(path, 'utf8'), shape);
    if (!known) return undefined;
    const { format: _, ...state } = known;
    return state;
  } catch {
    return undefined; // never written, or not readable: nothing is known
  }
}

/** A home that cannot be written remembers nothing. */
async function save(directory: string, path: string, state: KnownState): Promise<void> {
  const { lineage, serial, fingerprint, location, seen_at } = state;
  const text = `${JSON.stringify({ format: FORMAT, lineage, serial, fingerprint, location, seen_at })}\n`;
  try {
    await makeDirectory(directory);
    await replaceFile(path, text);
  } catch {
    // nothing fails for it
  }
}

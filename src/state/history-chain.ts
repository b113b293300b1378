import { createHash } from 'node:crypto';
import { canonicalJson } from '../domain/canonical-json.ts';
import type { LongWork } from '../domain/long-work.ts';
import type { HistoryEntry, State } from '../domain/state.ts';

/**
 * The history is chained: the hash of an entry covers the entry and the hash before it, the first one the
 * lineage. So an entry that was edited, taken out, put in or moved shows, and from which place on. (It shows
 * mishaps and careless edits; who rewrites the whole chain is not stopped by it.)
 *
 * Hashes are kept as they were stored and only new entries get one: hashing again what was read would put a
 * seal on every forgery. The one exception is what a person accepts: the hash of a `state_accepted` entry covers
 * all that stands before it as it is, so the break stays visible in the hashes before, and a later edit shows again.
 */
export type Chain = readonly string[];

/** `chain` with a hash for each entry that has none yet. Linear in the new entries, unless one accepts those before. */
export function extendChain(state: State, chain: Chain): Chain {
  const { history, lineage } = state;
  if (chain.length > history.length) throw new Error('a chain is longer than its history');
  if (chain.length === history.length) return chain;
  const longer = [...chain];
  for (let index = chain.length; index < history.length; index++) {
    const entry = history[index] as HistoryEntry;
    const previous = entry.type === 'state_accepted' ? contentLink(state, index) : (longer.at(-1) ?? lineage);
    longer.push(link(previous, entry));
  }
  return longer;
}

/** A stretch of the history, from its first entry that does not fit what stands before it. Indexes count from 0. */
export interface ChainBreak {
  readonly index: number;
  /** The `state_accepted` entry by which a person took it as it is. */
  readonly accepted_by?: number;
}

/** Where stored hashes do not fit the entries, in order; only the last can be one that nobody accepted. Linear, in steps. */
export function* findBreaks(state: State, chain: Chain): LongWork<ChainBreak[]> {
  const breaks: ChainBreak[] = [];
  let broken: number | undefined;
  let previous = state.lineage;
  for (const [index, entry] of state.history.entries()) {
    if ((index + 1) % ENTRIES_A_STEP === 0) yield;
    previous = link(previous, entry);
    if (chain[index] !== previous) broken ??= index;
    else if (broken !== undefined && entry.type === 'state_accepted') {
      breaks.push({ index: broken, accepted_by: index });
      broken = undefined;
    }
  }
  return broken === undefined ? breaks : [...breaks, { index: broken }];
}

/** Some mebibytes of them. */
const ENTRIES_A_STEP = 2_000;

/** The hash that entry `end - 1` would have if each one before were as it was written. */
function contentLink({ history, lineage }: State, end: number): string {
  let previous = lineage;
  for (let index = 0; index < end; index++) previous = link(previous, history[index] as HistoryEntry);
  return previous;
}

function link(previous: string, entry: HistoryEntry): string {
  return createHash('sha256').update(previous).update('\n').update(canonicalJson(entry)).digest('hex');
}

import { createHash } from 'node:crypto';
import { canonicalJson } from '../domain/canonical-json.ts';
import type { HistoryEntry, State } from '../domain/state.ts';

/**
 * The history is chained: the hash of an entry covers the entry and the hash before it, the first one the
 * lineage. So an entry that was edited, taken out, put in or moved shows, and from which place on. (It shows
 * mishaps and careless edits; who rewrites the whole chain is not stopped by it.)
 *
 * Hashes are kept as they were stored and only new entries get one: hashing again what was read would put a
 * seal on every forgery.
 */
export type Chain = readonly string[];

/** `chain` with a hash for each entry that has none yet. Linear in the new entries. */
export function extendChain(state: State, chain: Chain): Chain {
  if (chain.length > state.history.length) throw new Error('a chain is longer than its history');
  if (chain.length === state.history.length) return chain;
  const longer = [...chain];
  for (const entry of state.history.slice(chain.length))
    longer.push(link(longer.at(-1) ?? state.lineage, entry));
  return longer;
}

/** Index of the first history entry that does not fit what stands before it; undefined when all do. */
export function firstBreak(state: State, chain: Chain): number | undefined {
  let previous = state.lineage;
  for (const [index, entry] of state.history.entries()) {
    const hash = chain[index];
    if (hash === undefined || hash !== link(previous, entry)) return index;
    previous = hash;
  }
  return undefined;
}

function link(previous: string, entry: HistoryEntry): string {
  return createHash('sha256').update(previous).update('\n').update(canonicalJson(entry)).digest('hex');
}

import { hash } from 'node:crypto';
import { canonicalJson } from '../domain/canonical-json.ts';
import type { ChunkedWork } from '../domain/chunked-work.ts';
import type { HistoryEntry, State } from '../domain/state.ts';

/**
 * The hashes of the history: each covers its entry and the hash before it, the first one the lineage. So they show from
 * which entry on the history was edited, or entries were added, removed or reordered. They show mishaps and careless
 * edits; they do not stop somebody who computes the whole chain again.
 *
 * Hashes are kept as they were stored, and only new entries get one: hashing what was read would confirm every forgery.
 * The one exception is a state that a user accepted: the hash of a `state_accepted` entry covers the content of all entries
 * before it. The break stays visible in the hashes before it, and a later edit is detected again.
 */
export type Chain = readonly string[];

/** How long a history is, and its last hash. Every later state has this hash at this place. */
export interface ChainEnd {
  /** 1 or more. */
  readonly entries: number;
  readonly hash: string;
}

/** Undefined if the history is empty. */
export function endOf(chain: Chain): ChainEnd | undefined {
  const hash = chain.at(-1);
  return hash === undefined ? undefined : { entries: chain.length, hash };
}

/** The end of the chain of `state`, from where it ended before; undefined: the history was empty. Linear in the new entries. */
export function advanceEnd(state: State, before: ChainEnd | undefined): ChainEnd | undefined {
  const { history } = state;
  let end = before;
  for (let entries = (before?.entries ?? 0) + 1; entries <= history.length; entries++)
    end = { entries, hash: nextLink(state, entries - 1, end?.hash) };
  return end;
}

/** Adds a hash for each entry that has none. Linear in the new entries, unless one of them is `state_accepted`. */
export function extendChain(state: State, chain: Chain): Chain {
  const { history } = state;
  if (chain.length > history.length) throw new Error('a chain is longer than its history');
  if (chain.length === history.length) return chain;
  const longer = [...chain];
  for (let index = chain.length; index < history.length; index++)
    longer.push(nextLink(state, index, longer.at(-1)));
  return longer;
}

/** The hash of entry `index`. `before`: the hash of the entry before it; undefined: it is the first. */
function nextLink(state: State, index: number, before: string | undefined): string {
  const entry = state.history[index] as HistoryEntry;
  const isAccepted = entry.type === 'state_accepted';
  return link(isAccepted ? contentLink(state, index) : (before ?? state.lineage), entry);
}

/** `index`: the first entry whose hash does not match the entries before it. Indexes count from 0. */
interface ChainBreak {
  readonly index: number;
  /** The `state_accepted` entry with which a user accepted it. */
  readonly accepted_by?: number;
}

/** Where stored hashes do not match the entries, in order. Only the last break can be one that nobody accepted. */
export function* findBreaks(state: State, chain: Chain): ChunkedWork<ChainBreak[]> {
  const breaks: ChainBreak[] = [];
  let broken: number | undefined;
  let previous = state.lineage;
  for (const [index, entry] of state.history.entries()) {
    if ((index + 1) % ENTRIES_PER_CHUNK === 0) yield;
    previous = link(previous, entry);
    if (chain[index] !== previous) broken ??= index;
    else if (broken !== undefined && entry.type === 'state_accepted') {
      breaks.push({ index: broken, accepted_by: index });
      broken = undefined;
    }
  }
  return broken === undefined ? breaks : [...breaks, { index: broken }];
}

/** About a mebibyte, or some if the entries are large. */
const ENTRIES_PER_CHUNK = 2_000;

/** The hash of entry `end - 1`, computed from the content of all entries up to it. */
function contentLink({ history, lineage }: State, end: number): string {
  let previous = lineage;
  for (let index = 0; index < end; index++) previous = link(previous, history[index] as HistoryEntry);
  return previous;
}

function link(previous: string, entry: HistoryEntry): string {
  return hash('sha256', `${previous}\n${canonicalJson(entry)}`);
}

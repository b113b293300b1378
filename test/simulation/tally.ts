import type { Clause, Residue } from './checker.ts';
import { type Endings, NO_ENDINGS, sumOf } from './endings.ts';
import type { Played } from './play.ts';

/** What many stories came to, as plain data: worker threads hand it over. */
export interface Tally {
  seeds: number;
  runs: number;
  crashes: number;
  readonly failures: { readonly seed: number; readonly clause: Clause; readonly what: string }[];
  readonly faults: Map<string, number>;
  readonly residue: Map<Residue, number>;
  endings: Endings;
  /** See `Coverage`. */
  readonly matrix: Map<string, number>;
  /** The seed that reached a cell of the matrix first. */
  readonly first: Map<string, number>;
}

export function emptyTally(): Tally {
  return {
    seeds: 0,
    runs: 0,
    crashes: 0,
    failures: [],
    faults: new Map(),
    residue: new Map(),
    endings: NO_ENDINGS,
    matrix: new Map(),
    first: new Map(),
  };
}

export function count(tally: Tally, played: Played): void {
  const [violation] = played.violations;
  tally.seeds++;
  tally.runs += played.runs;
  tally.crashes += played.crashes;
  if (violation) tally.failures.push({ seed: played.seed, ...violation });
  add(tally.faults, played.faults);
  add(tally.residue, played.residue);
  tally.endings = sumOf(tally.endings, played.endings);
  add(tally.matrix, played.matrix);
  for (const cell of played.matrix.keys())
    tally.first.set(cell, Math.min(tally.first.get(cell) ?? Number.POSITIVE_INFINITY, played.seed));
}

export function merge(into: Tally, other: Tally): void {
  into.seeds += other.seeds;
  into.runs += other.runs;
  into.crashes += other.crashes;
  into.failures.push(...other.failures);
  add(into.faults, other.faults);
  add(into.residue, other.residue);
  into.endings = sumOf(into.endings, other.endings);
  add(into.matrix, other.matrix);
  for (const [cell, seed] of other.first)
    into.first.set(cell, Math.min(into.first.get(cell) ?? Number.POSITIVE_INFINITY, seed));
}

function add<K>(into: Map<K, number>, other: ReadonlyMap<K, number>): void {
  for (const [key, number] of other) into.set(key, (into.get(key) ?? 0) + number);
}

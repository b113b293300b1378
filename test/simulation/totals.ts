import type { Clause, KnownException } from './checker.ts';
import { type Endings, NO_ENDINGS, sumOf } from './endings.ts';
import type { ScenarioResult } from './run-scenario.ts';

/** The results of many scenarios, as plain data: worker threads hand it over. */
export interface Totals {
  seeds: number;
  runs: number;
  crashes: number;
  readonly failures: { readonly seed: number; readonly clause: Clause; readonly what: string }[];
  readonly faults: Map<string, number>;
  readonly exceptions: Map<KnownException, number>;
  endings: Endings;
  /** See `Coverage`. */
  readonly matrix: Map<string, number>;
  /** The seed that reached a cell of the matrix first. */
  readonly first: Map<string, number>;
}

export function emptyTotals(): Totals {
  return {
    seeds: 0,
    runs: 0,
    crashes: 0,
    failures: [],
    faults: new Map(),
    exceptions: new Map(),
    endings: NO_ENDINGS,
    matrix: new Map(),
    first: new Map(),
  };
}

export function count(totals: Totals, result: ScenarioResult): void {
  const [violation] = result.violations;
  totals.seeds++;
  totals.runs += result.runs;
  totals.crashes += result.crashes;
  if (violation) totals.failures.push({ seed: result.seed, ...violation });
  add(totals.faults, result.faults);
  add(totals.exceptions, result.exceptions);
  totals.endings = sumOf(totals.endings, result.endings);
  add(totals.matrix, result.matrix);
  for (const cell of result.matrix.keys())
    totals.first.set(cell, Math.min(totals.first.get(cell) ?? Number.POSITIVE_INFINITY, result.seed));
}

export function merge(into: Totals, other: Totals): void {
  into.seeds += other.seeds;
  into.runs += other.runs;
  into.crashes += other.crashes;
  into.failures.push(...other.failures);
  add(into.faults, other.faults);
  add(into.exceptions, other.exceptions);
  into.endings = sumOf(into.endings, other.endings);
  add(into.matrix, other.matrix);
  for (const [cell, seed] of other.first)
    into.first.set(cell, Math.min(into.first.get(cell) ?? Number.POSITIVE_INFINITY, seed));
}

function add<K>(into: Map<K, number>, other: ReadonlyMap<K, number>): void {
  for (const [key, number] of other) into.set(key, (into.get(key) ?? 0) + number);
}

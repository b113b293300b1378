import { CLAUSES, type Clause } from './checker.ts';
import { endingsText } from './endings.ts';
import type { Totals } from './totals.ts';

/** The figures of many scenarios, as text. */
export function figures(totals: Totals): string {
  const { seeds, runs, crashes, failures, faults, exceptions, endings } = totals;
  const injected = [...faults.values()].reduce((sum, n) => sum + n, 0);
  const broken = (clause: Clause) => failures.filter((failure) => failure.clause === clause).length;
  const others = new Map<Clause, number>();
  for (const { clause } of failures)
    if (!HEADLINE.some(([, of]) => of.includes(clause))) others.set(clause, (others.get(clause) ?? 0) + 1);
  return [
    `${seeds} scenarios, ${runs} runs of vbsctl, ${crashes} crashes, ${injected} faults`,
    ...HEADLINE.map(
      ([name, clauses]) => `${name}: ${clauses.reduce((sum, clause) => sum + broken(clause), 0)}`,
    ),
    `other promises broken: ${[...others].map(([clause, n]) => `${n} ${clause}`).join(', ') || 0}`,
    `known exceptions: ${[...exceptions].map(([name, n]) => `${n} ${name}`).join(', ') || 'none'}`,
    endingsText(endings),
  ].join('\n');
}

const HEADLINE: readonly (readonly [string, readonly Clause[]])[] = [
  ['double starts', ['double-start']],
  ['lost', ['accepted-restore-recorded', 'open-restore-kept']],
  ['false', ['false-success', 'false-untouched']],
];

/** Faults by kind, and how often `unknown` was what became of a restore that met one. */
export function faultTable({ faults, matrix }: Totals): string {
  const decided = new Map<string, { all: number; unknown: number }>();
  for (const [cell, n] of matrix) {
    const [fault = '', , result] = cell.split(' | ');
    if (result === 'wait') continue;
    const row = decided.get(fault) ?? { all: 0, unknown: 0 };
    row.all += n;
    if (result === 'unknown') row.unknown += n;
    decided.set(fault, row);
  }
  const rows = [...faults].sort(([a], [b]) => (a < b ? -1 : 1));
  const all = { all: 0, unknown: 0 };
  for (const { all: n, unknown } of decided.values()) {
    all.all += n;
    all.unknown += unknown;
  }
  const line = (name: string, times: number | string, row: { all: number; unknown: number } | undefined) =>
    `${name.padEnd(32)} ${String(times).padStart(8)} ${row && row.all > 0 ? `${((100 * row.unknown) / row.all).toFixed(1).padStart(8)} %` : '         –'}`;
  return [
    `${'fault'.padEnd(32)} ${'times'.padStart(8)} ${'unknown'.padStart(10)}`,
    ...rows.map(([fault, times]) => line(fault, times, decided.get(fault))),
    line('all', '', all),
  ].join('\n');
}

/** Fault × phase × what came of it, one line for each fault and phase. */
export function matrixTable({ matrix }: Totals): string {
  const lines = new Map<string, string[]>();
  for (const [cell, n] of [...matrix].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const [fault, phase, result] = cell.split(' | ');
    const head = `${fault} | ${phase}`;
    lines.set(head, [...(lines.get(head) ?? []), `${result} ${n}`]);
  }
  return [...lines].map(([head, results]) => `${head.padEnd(56)} ${results.join(', ')}`).join('\n');
}

/** `flags`: what else the scenarios were drawn with. */
export function failureLines({ failures }: Totals, flags = '', most = 10): string[] {
  return failures
    .slice(0, most)
    .map(
      ({ seed, clause, what }) =>
        `seed ${seed} broke ${clause} (${CLAUSES[clause]}): ${what}\n  run it again: npm run simulate -- --seed ${seed}${flags}`,
    );
}

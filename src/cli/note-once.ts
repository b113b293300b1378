import type { Diagnostic } from '../domain/diagnostic.ts';
import type { Io } from './io.ts';
import { showDiagnostics } from './print.ts';

const told = new WeakMap<Io, Set<string>>();

/** Shows what was not shown yet in this run: the cloud's side and the state's side may both have seen a setting. */
export function noteOnce(io: Io, note: Diagnostic): void {
  const seen = told.get(io) ?? new Set();
  told.set(io, seen);
  const key = JSON.stringify([note.code, note.summary]);
  if (seen.has(key)) return;
  seen.add(key);
  showDiagnostics(io, [note]);
}

import { EXIT, type ExitCode } from '../domain/errors.ts';
import { type NotStarted, resultOf } from '../domain/events.ts';
import type { Outcome } from '../executor/execute.ts';

export interface Ended extends Pick<Outcome, 'ends' | 'fatal'> {
  /** Nothing new was allowed to start: what was under way was followed only. */
  readonly refused?: boolean;
  /** A person asked to stop. */
  readonly stopped: boolean;
}

/**
 * What a run says with its exit code, over everything that was wanted of it: what it worked on and what it left
 * out. The first that holds wins: 3 an unknown outcome (the one thing that a person has to look at), 1 a state that
 * could not be written, 130 a stop, 1 a failure, 5 something refused or blocked, 6 something under way, 0.
 * 5 goes before 6: waiting, as one does after 6, does not lift a refusal.
 */
export function exitCodeOf({ ends, fatal, refused = false, stopped }: Ended): ExitCode {
  const all = [...ends.values()];
  const results = new Set(all.map(resultOf));
  if (results.has('unknown')) return EXIT.outcome_unknown;
  if (fatal) return EXIT.error;
  if (stopped) return EXIT.interrupted;
  if (results.has('failed')) return EXIT.error;
  // What waits for a restore that is still under way is no error: the next run goes on with it.
  const underWay = results.has('running') || results.has('intended');
  const skipped = all.flatMap((end) => (end.kind === 'not_started' ? [end.code] : []));
  if (skipped.some((code) => code !== 'policy' && !(underWay && WAITS_FOR_OTHERS.has(code))))
    return EXIT.error;
  const isRefused = all.some((end) => end.kind === 'recorded' && end.refused !== undefined);
  if (refused || isRefused || results.has('blocked') || skipped.includes('policy')) return EXIT.refused;
  return underWay ? EXIT.still_running : EXIT.done;
}

const WAITS_FOR_OTHERS: ReadonlySet<NotStarted> = new Set<NotStarted>(['busy', 'dependency']);

import { EXIT, type ExitCode } from '../domain/errors.ts';
import { type NotStarted, resultOf } from '../domain/events.ts';
import type { ExecutionOutcome } from '../executor/execute.ts';

interface Ended extends Pick<ExecutionOutcome, 'ends' | 'fatal'> {
  /** Nothing new was allowed to start, and running restores were only followed. */
  readonly refused?: boolean;
  /** Restores whose `valid_until` has passed, and that therefore never run. */
  readonly expired?: boolean;
  /** The user interrupted the run, or the token ended. */
  readonly stopped: boolean;
}

/**
 * The exit code of a run. It covers every declared restore, also those that the run left out. The first that applies:
 *
 * - 3: an outcome is unknown, and somebody has to resolve it.
 * - 1: the state could not be written.
 * - 130: interrupted.
 * - 1: a restore failed.
 * - 5: something was refused or blocked. Before 6, because a refusal does not go away by waiting.
 * - 6: something is under way.
 * - 0: none of these.
 */
export function exitCodeOf({ ends, fatal, refused = false, expired = false, stopped }: Ended): ExitCode {
  const all = [...ends.values()];
  const results = new Set(all.map(resultOf));
  if (results.has('unknown')) return EXIT.outcome_unknown;
  if (fatal) return EXIT.error;
  if (stopped) return EXIT.interrupted;
  if (results.has('failed')) return EXIT.error;
  // A restore that waits for another one under way is no error: the next run starts it.
  const underWay = results.has('running') || results.has('intended');
  const skipped = all.flatMap((end) => (end.kind === 'not_started' ? [end.code] : []));
  if (skipped.some((code) => code !== 'policy' && !(underWay && WAITS_FOR_OTHERS.has(code))))
    return EXIT.error;
  const isRefused = all.some((end) => end.kind === 'recorded' && end.policy_violations !== undefined);
  if (refused || expired || isRefused || results.has('blocked') || skipped.includes('policy'))
    return EXIT.refused;
  return underWay ? EXIT.still_running : EXIT.done;
}

const WAITS_FOR_OTHERS: ReadonlySet<NotStarted> = new Set<NotStarted>(['busy', 'dependency']);

import type { CloudFailure, Job, Slowdown } from './cloud.ts';
import type { Diagnostic } from './diagnostic.ts';
import { unreachable } from './errors.ts';
import type { RestoreRecord, Unknown } from './record.ts';
import type { Address } from './spec.ts';

/**
 * What the executor reports while it runs a plan. A view of a run gets its plan and these events, and nothing else. An event
 * about a record follows the commit of that record, except the end `unsaved` and `written_late`.
 */
export type ApplyEvent = { readonly at: string } & (RunEvent | RestoreEvent);

type RunEvent =
  | { readonly type: 'run_started'; readonly restores: number; readonly parallelism: number }
  /** The cloud asked for fewer requests, and the whole run slows down. Repeated only when the pause becomes longer. */
  | ({ readonly type: 'slowed_down' } & Slowdown)
  /** A write of the state takes longer than this and is still retried; nothing is sent before it is done. */
  | { readonly type: 'state_slow'; readonly after_ms: number }
  /** The state can be written again. */
  | { readonly type: 'state_written' }
  | { readonly type: 'halted'; readonly failures: number; readonly reason: string }
  | { readonly type: 'run_ended'; readonly summary: RunSummary };

type RestoreEvent = { readonly address: Address } & (
  | {
      /** A slot is taken; nothing is sent yet. */
      readonly type: 'preparing';
      readonly resumed: boolean;
    }
  /** It cannot continue yet. Repeated only when the reason changes. */
  | { readonly type: 'waiting'; readonly reason: string }
  | { readonly type: 'intended'; readonly attempt: number }
  | { readonly type: 'accepted'; readonly job_id?: string; readonly request_id?: string }
  | {
      readonly type: 'answered';
      readonly attempt: number;
      readonly answer: 'not_sent' | 'rejected' | 'ambiguous';
      readonly failure: CloudFailure;
      /** What the executor does next. */
      readonly next: 'probe' | 'give_up';
    }
  /** The request was sent although it no longer should be: this process was frozen between its last check and the write. */
  | { readonly type: 'written_late'; readonly attempt: number; readonly late_ms: number }
  /** Not known yet whether it started. `reason`: what the last observation showed. */
  | { readonly type: 'checking'; readonly reason: string }
  /** No answer accepted the request, but volume and backup prove that it started. */
  | { readonly type: 'adopted'; readonly reason: string }
  /** Volume and backup showed that no attempt so far started it. */
  | { readonly type: 'not_started'; readonly reason: string }
  | {
      readonly type: 'progress';
      readonly job?: Job['status'];
      readonly note: string;
      /** The progress cannot be read, or is not understood. Set once for each note. */
      readonly warning?: true;
    }
  | { readonly type: 'ended'; readonly end: End }
);

/** An event before it gets its time. */
export type WithoutTime<E> = E extends unknown ? Omit<E, 'at'> : never;

/** The result of one restore when the run is done with it. */
export type End =
  /** The record has the result. `policy_violations`: it did not start, and today's policy forbids sending it again. */
  | {
      readonly kind: 'recorded';
      readonly record: RestoreRecord;
      readonly policy_violations?: readonly Diagnostic[];
    }
  /** The result, but the state could no longer be written: it has an earlier record, if any. */
  | { readonly kind: 'unsaved'; readonly record: RestoreRecord }
  /** Nothing was sent and nothing is recorded: the next run plans it again. */
  | { readonly kind: 'not_started'; readonly reason: string; readonly code: NotStarted }
  /** The plan left it out. `unknown`: the record whose unknown outcome blocks it, if one does. */
  | { readonly kind: 'blocked'; readonly reasons: readonly Diagnostic[]; readonly unknown?: Unknown };

export type NotStarted =
  | 'not_ready'
  | 'dependency'
  | 'halted'
  | 'interrupted'
  | 'changed'
  | 'expired'
  | 'busy'
  | 'cloud'
  | 'policy';

export interface RunSummary extends Readonly<Record<Result, number>> {
  /** POSTs that the cloud accepted in this run. */
  readonly started: number;
  /** No answer accepted them, but disk and backup prove that our request started them. */
  readonly adopted: number;
  readonly succeeded: number;
  readonly failed: number;
  /** Includes those that the plan leaves out because an earlier outcome is unknown. */
  readonly unknown: number;
  /** Their outcome could not be written to the state. */
  readonly unsaved: number;
  /** Not started in this run. */
  readonly not_started: number;
  /** Left out by the plan, for another reason than an unknown outcome. */
  readonly blocked: number;
  /** The cloud works on them. */
  readonly running: number;
  /** Begun and not accepted: the next run finds out whether the cloud works on them. */
  readonly intended: number;
  readonly duration_ms: number;
  /** HTTP requests of this run, tokens included. */
  readonly requests: number;
  /** How often the cloud asked for fewer requests (429, `Retry-After`), and the whole run slowed down. */
  readonly slowdowns: number;
}

/** The counter of `RunSummary` for an end. */
type Result = RestoreRecord['status'] | 'unsaved' | 'not_started' | 'blocked';

export function resultOf(end: End): Result {
  switch (end.kind) {
    case 'recorded':
      return end.record.status;
    case 'unsaved':
      return 'unsaved';
    case 'not_started':
      return 'not_started';
    case 'blocked':
      return end.unknown ? 'unknown' : 'blocked';
    default:
      return unreachable(end);
  }
}

export function countResults(ends: Iterable<End>): Record<Result, number> {
  const count = {
    succeeded: 0,
    failed: 0,
    unknown: 0,
    running: 0,
    intended: 0,
    unsaved: 0,
    not_started: 0,
    blocked: 0,
  };
  for (const end of ends) count[resultOf(end)] += 1;
  return count;
}

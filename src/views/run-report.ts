import type { ApplyEvent, End, RunSummary } from '../domain/events.ts';
import { optional } from '../domain/optional.ts';
import type { Action } from '../domain/plan.ts';
import type { Address } from '../domain/spec.ts';
import type { ApplyView } from './apply-view.ts';

/** The result of a run, folded from its events. */
export interface RunReport {
  /** By address, in the order of their ends. */
  readonly ends: ReadonlyMap<Address, End>;
  /** Why no new restores were started any more. */
  readonly halted?: string;
  /** Absent if the run stopped early. */
  readonly summary?: RunSummary;
}

/** The end of a restore, with its action if the plan has one. */
export interface EndedRestore {
  readonly address: Address;
  readonly action: Action | undefined;
  readonly end: End;
}

export function createRunReporter(): ApplyView & { report(): RunReport } {
  const ends = new Map<Address, End>();
  let halted: string | undefined;
  let summary: RunSummary | undefined;
  return {
    handle(event: ApplyEvent) {
      if (event.type === 'ended') ends.set(event.address, event.end);
      else if (event.type === 'halted') halted = event.reason;
      else if (event.type === 'run_ended') summary = event.summary;
    },
    end() {},
    report: () => ({ ends, ...optional('halted', halted), ...optional('summary', summary) }),
  };
}

import type { ApplyEvent, End, RunSummary } from '../domain/events.ts';
import type { Address } from '../domain/spec.ts';
import type { ApplyView } from './apply-view.ts';

/** A run when it is over, folded from its events: what every report is made from. */
export interface RunReport {
  /** By address, in the order in which they ended. */
  readonly ends: ReadonlyMap<Address, End>;
  readonly halted?: { readonly failures: number; readonly reason: string };
  /** Absent when the run broke off. */
  readonly summary?: RunSummary;
}

export interface RunReporter extends ApplyView {
  report(): RunReport;
}

export function createRunReporter(): RunReporter {
  const ends = new Map<Address, End>();
  let halted: RunReport['halted'];
  let summary: RunSummary | undefined;
  return {
    handle(event: ApplyEvent) {
      if (event.type === 'ended') ends.set(event.address, event.end);
      else if (event.type === 'halted') halted = { failures: event.failures, reason: event.reason };
      else if (event.type === 'run_ended') summary = event.summary;
    },
    end() {},
    report: () => ({ ends, ...(halted ? { halted } : {}), ...(summary ? { summary } : {}) }),
  };
}

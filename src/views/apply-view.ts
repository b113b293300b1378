import type { ApplyEvent } from '../domain/events.ts';

/** Shows a run while it goes on. Every form (live, plain, JSON lines, a report for later) is one of these. */
export interface ApplyView {
  /** Takes an event, in the order told. Never throws for what an event says. */
  handle(event: ApplyEvent): void;
  /** Nothing comes any more: everything held back is written, timers end. Safe to call twice. */
  end(): void;
}

/** Several views of one run. */
export function tee(...views: readonly ApplyView[]): ApplyView {
  return {
    handle: (event) => {
      for (const view of views) view.handle(event);
    },
    end: () => {
      for (const view of views) view.end();
    },
  };
}

import type { ApplyEvent } from '../domain/events.ts';

/** Shows the progress of a run: live, in a log, as JSON lines, or as a report at the end. */
export interface ApplyView {
  /** Events come in their order. Never throws because of the content of an event. */
  handle(event: ApplyEvent): void;
  /** No more events: writes everything that is buffered and ends timers. May be called twice. */
  end(): void;
}

/** Several views of one run. */
export function combineViews(...views: readonly ApplyView[]): ApplyView {
  return {
    handle: (event) => {
      for (const view of views) view.handle(event);
    },
    end: () => {
      for (const view of views) view.end();
    },
  };
}

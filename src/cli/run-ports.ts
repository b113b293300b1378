import type { FinishedRun, Ports, RunObserver, RunPorts } from '../app/ports.ts';
import type { Address } from '../domain/spec.ts';
import type { Backend } from '../state/backend.ts';
import { applySummary } from '../views/apply-summary.ts';
import { tee } from '../views/apply-view.ts';
import { createRunReporter } from '../views/run-report.ts';
import { applyView } from './choose-apply-view.ts';
import { connectCloud } from './connect-cloud.ts';
import { saveUnsaved } from './errored-state.ts';
import type { Io } from './io.ts';
import type { CommonFlags, OutputFormat } from './options/shared.ts';
import { showDiagnostics, tellOfStop } from './print.ts';
import { recordOptions } from './record-options.ts';
import { type Settings, stateLocation } from './setup.ts';
import { systemClock } from './system.ts';

/** What the command line is to the use cases of `app`. */

export function ports(io: Io, flags: CommonFlags, settings: Settings, store: Backend): Ports {
  return {
    store,
    connect: () => connectCloud(io, flags, settings),
    clock: systemClock,
    stop: io.stop,
    tell: (diagnostics) => showDiagnostics(io, diagnostics),
  };
}

/** How a run is shown. */
export interface RunDisplay {
  readonly output: OutputFormat;
  /** As the summary calls it. */
  readonly name: 'Apply' | 'Wait';
  /** Ended so that the same command would refuse to begin. */
  blocking(run: FinishedRun): readonly Address[];
}

export function runPorts(
  io: Io,
  flags: CommonFlags,
  settings: Settings,
  store: Backend,
  display: RunDisplay,
): RunPorts {
  return {
    ...ports(io, flags, settings, store),
    random: Math.random,
    async beginRun(plan): Promise<RunObserver> {
      const reporter = createRunReporter();
      const view = tee(reporter, await applyView(io, display.output, plan));
      return {
        handle: (event) => view.handle(event),
        async end(run) {
          view.end();
          const { outcome, state, notes } = run;
          if (outcome.fatal) await saveUnsaved(io, stateLocation(io, flags, settings), state, outcome.fatal);
          if (display.output === 'text')
            io.stdout.write(
              `${display.name === 'Apply' ? '\n' : ''}${applySummary(reporter.report(), run.plan, recordOptions(io, state), display.name)}`,
            );
          tellOfStop(io, display.blocking(run));
          showDiagnostics(io, notes);
        },
      };
    },
  };
}

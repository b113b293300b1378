import type { FinishedRun, Ports, RunObserver, RunPorts } from '../app/ports.ts';
import type { Plan } from '../domain/plan.ts';
import type { Address } from '../domain/spec.ts';
import type { Backend } from '../state/backend.ts';
import { createApplyJson } from '../views/apply-json.ts';
import { createLiveProgress, createPlainProgress } from '../views/apply-progress.ts';
import { applySummary } from '../views/apply-summary.ts';
import { type ApplyView, combineViews } from '../views/apply-view.ts';
import { createRunReporter } from '../views/run-report.ts';
import { connectCloud } from './connect-cloud.ts';
import type { Context } from './context.ts';
import { saveUnsaved } from './errored-state.ts';
import type { Io } from './io.ts';
import { stateLocation } from './open-state.ts';
import type { OutputFormat } from './options/shared.ts';
import { inFormat, printInText, showDiagnostics, showInterrupt, textOptions } from './print.ts';
import { recordOptions } from './record-options.ts';
import { systemClock } from './system.ts';

/** The ports of `app/ports.ts`, as the command line provides them. */

export function ports(context: Context, backend: Backend): Ports {
  const { io } = context;
  return {
    backend,
    connect: () => connectCloud(context),
    clock: systemClock,
    stop: io.stop,
    report: (diagnostics) => showDiagnostics(io, diagnostics),
  };
}

/** How a run is shown. */
interface RunDisplay {
  readonly output: OutputFormat;
  /** The name of the command in the summary. */
  readonly name: 'Apply' | 'Wait';
  /** The addresses whose outcome would make vbsctl refuse the same command again. Default: none. */
  blocking?(run: FinishedRun): readonly Address[];
}

export function runPorts(
  context: Context,
  backend: Backend,
  { output, name, blocking }: RunDisplay,
): RunPorts {
  const { io } = context;
  return {
    ...ports(context, backend),
    random: Math.random,
    async beginRun(plan): Promise<RunObserver> {
      const reporter = createRunReporter();
      const view = combineViews(
        reporter,
        await inFormat<ApplyView | Promise<ApplyView>>(output, {
          text: () => progressView(io, plan),
          json: () => createApplyJson((text) => io.stdout.write(text)),
        }),
      );
      return {
        handle: (event) => view.handle(event),
        async end(run) {
          view.end();
          const { outcome, state, notes } = run;
          if (outcome.fatal) await saveUnsaved(io, stateLocation(context), state, outcome.fatal);
          // In JSON, the last line of the view is the summary.
          printInText(
            io,
            output,
            () =>
              `${name === 'Apply' ? '\n' : ''}${applySummary(reporter.report(), run.plan, recordOptions(io, state), name)}`,
          );
          showInterrupt(io, blocking?.(run));
          showDiagnostics(io, notes);
        },
      };
    },
  };
}

/** The longest time without a line in a log. */
const HEARTBEAT_MS = 30_000;

/** Redraws in place on a terminal, and writes lines in a log. */
async function progressView(io: Io, { actions }: Plan): Promise<ApplyView> {
  const write = (text: string) => io.stdout.write(text);
  const { style } = textOptions(io);
  const common = { style, clock: systemClock, addresses: actions.map(({ address }) => address) };
  if (!io.stdout.isTty || io.env.TERM === 'dumb')
    return createPlainProgress({ ...common, write, heartbeat_ms: HEARTBEAT_MS });
  // Imported only here, because loading it takes as long as a command needs to start.
  const { createLiveRegion } = await import('../views/live-region.ts');
  return createLiveProgress({
    ...common,
    region: createLiveRegion(io.stdout.stream, io.stdout.escaped),
    size: () => ({ columns: io.stdout.columns, rows: io.stdout.rows }),
  });
}

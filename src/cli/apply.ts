import { error } from '../domain/diagnostic.ts';
import { EXIT, type ExitCode, Failure } from '../domain/errors.ts';
import type { NotStarted } from '../domain/events.ts';
import { hasChanges, type Plan } from '../domain/plan.ts';
import type { Address } from '../domain/spec.ts';
import { execute, type Outcome, resultOf } from '../executor/execute.ts';
import type { Lease } from '../state/backend.ts';
import { applySummary } from '../views/apply-summary.ts';
import { tee } from '../views/apply-view.ts';
import { repeatLines } from '../views/plan/next-commands.ts';
import type { PlanTextOptions } from '../views/plan/options.ts';
import { planBody } from '../views/plan/plan-text.ts';
import { createRunReporter } from '../views/run-report.ts';
import { joinLines } from '../views/terminal.ts';
import { applyView } from './apply-view.ts';
import { type Connection, connectCloud } from './cloud.ts';
import { confirm, questionOf } from './consent.ts';
import { saveUnsaved } from './errored-state.ts';
import type { ManifestFlags } from './flags.ts';
import type { Io } from './io.ts';
import { makePlan, refusal } from './planning.ts';
import { recordOptions } from './record-options.ts';
import { actor, backend, commitOf, manifests, type Settings, settings, stateLocation } from './setup.ts';
import { showDiagnostics, tellOfStop, textOptions } from './show.ts';
import { systemClock } from './system.ts';
import { stopWithToken, warnOfTokenEnd } from './token-end.ts';
import { usage } from './usage.ts';
import { type WaiverFlags, waiversOf } from './waivers.ts';

export interface ApplyFlags extends ManifestFlags, WaiverFlags {
  readonly target?: readonly string[];
  readonly autoApprove?: boolean;
  readonly initState?: boolean;
  readonly skipBlocked?: boolean;
  /** `--no-wait` makes it false. */
  readonly wait: boolean;
  readonly parallelism?: number;
  /** Of a saved plan, ms. */
  readonly maxAge?: number;
  readonly lockTimeout: number;
  readonly output: 'text' | 'json';
}

/** Plans under the lock, shows the plan, asks, executes it, and tells how every restore ended. */
export async function apply(io: Io, flags: ApplyFlags): Promise<ExitCode> {
  if (flags.maxAge !== undefined)
    throw usage(
      '--max-age is for saved plans',
      'name the plan: vbsctl apply plan.json, or leave --max-age out',
    );
  const given = withParallelism(await settings(io, flags), flags.parallelism);
  const declared = await manifests(io, flags, given);
  const store = await backend(io, flags, given, 'to change');
  if ((await store.read()) === undefined) await refuseWithoutState(io, flags, store.location);
  const connection = await connectCloud(io, flags, given);
  try {
    const waivers = waiversOf(flags);
    const lease = await store.lock(
      actor(io, 'apply', { waivers, ...(await commitOf(io, declared.files)) }),
      flags.lockTimeout,
      io.stop,
    );
    try {
      if (!lease.state()) await lease.create(connection.driver.target);
      const plan = await makePlan({
        ...declared,
        state: lease.state(),
        driver: connection.driver,
        settings: given,
        only: flags.target ?? [],
        waivers,
      });
      if (flags.output === 'text')
        io.stdout.write(`${planBody(plan, shownAs(io, flags, given, store.location))}\n`);
      const refused = refusal(plan, flags.skipBlocked === true);
      if (refused) throw refused;
      if (!hasChanges(plan)) {
        if (flags.output === 'text')
          io.stdout.write(joinLines(['Nothing to do.', ...repeatLines(plan, textOptions(io))]));
        return EXIT.done;
      }
      warnOfTokenEnd(io, connection, plan, given.config);
      if (!flags.autoApprove) await confirm(io, questionOf(plan));
      return await carryOut(io, flags, { plan }, lease, connection, given);
    } finally {
      await lease.release();
    }
  } finally {
    await connection.close();
  }
}

/** How apply shows a plan before it does it. */
export function shownAs(
  io: Io,
  flags: ApplyFlags,
  { config }: Settings,
  stateLocation: string,
): PlanTextOptions {
  return {
    ...textOptions(io),
    stateLocation,
    ...(flags.wait ? { patienceMs: config.apply.timeout_ms } : {}),
  };
}

/** Executes what was shown, telling how it goes. */
export async function carryOut(
  io: Io,
  flags: ApplyFlags,
  what: { readonly plan: Plan; readonly planDigest?: string },
  lease: Lease,
  connection: Connection,
  given: Settings,
): Promise<ExitCode> {
  const { plan } = what;
  const { driver } = connection;
  const stop = stopWithToken(io, connection);
  const reporter = createRunReporter();
  const view = tee(reporter, await applyView(io, flags.output, plan));
  const outcome = await execute({
    ...what,
    lease,
    driver,
    clock: systemClock,
    random: Math.random,
    settings: given.config,
    reach: flags.wait ? 'finish' : 'submit',
    onEvent: (event) => view.handle(event),
    stop: stop.signal,
  });
  view.end();
  if (outcome.fatal) await saveUnsaved(io, stateLocation(io, flags, given), lease.state(), outcome.fatal);
  if (flags.output === 'text')
    io.stdout.write(`\n${applySummary(reporter.report(), plan, recordOptions(io, lease.state()))}`);
  // What is left of a saved plan goes on without them; manifests say that they are wanted.
  tellOfStop(io, what.planDigest === undefined ? blocking(outcome) : []);
  stop.tell();
  return exitCodeOf(outcome, stop.signal.aborted);
}

/** What ended so that the next run refuses to begin. */
function blocking({ ends }: Outcome): Address[] {
  return [...ends].flatMap(([address, end]) => {
    if (end.kind !== 'recorded') return [];
    const { record } = end;
    const blocks = record.status === 'unknown' || (record.status === 'failed' && record.touched === 'maybe');
    return blocks ? [address] : [];
  });
}

/** `unknown` wins: it is the one outcome that a person has to look at. */
export function exitCodeOf({ ends, fatal }: Pick<Outcome, 'ends' | 'fatal'>, stopped: boolean): ExitCode {
  const all = [...ends.values()];
  const results = all.map(resultOf);
  if (results.includes('unknown')) return EXIT.outcome_unknown;
  if (fatal) return EXIT.error;
  if (stopped) return EXIT.interrupted;
  if (results.includes('failed')) return EXIT.error;
  // What waits for a restore that is still under way is no error: the next run goes on with it.
  const isUnderWay = results.includes('running') || results.includes('intended');
  if (all.some((end) => end.kind === 'not_started' && !(isUnderWay && WAITS_FOR_OTHERS.has(end.code))))
    return EXIT.error;
  return isUnderWay ? EXIT.still_running : EXIT.done;
}

const WAITS_FOR_OTHERS: ReadonlySet<NotStarted> = new Set<NotStarted>(['busy', 'dependency']);

/** A state that is silently new would forget everything that was done: somebody has to say so. */
async function refuseWithoutState(io: Io, flags: ApplyFlags, location: string): Promise<void> {
  if (flags.initState) return;
  if (io.stdin.isTty && !flags.autoApprove) {
    showDiagnostics(io, [
      {
        severity: 'warning',
        code: 'no-state',
        summary: `there is no state at ${location}: nothing is known of restores that were done before`,
        remedy: 'if there should be one, stop here and name it with --state',
      },
    ]);
    await confirm(io, 'Create a new state?');
    return;
  }
  throw new Failure(
    'refused',
    error('no-state', `there is no state at ${location}, so nothing is known of what was restored before`, {
      remedy: 'if this is the first run: vbsctl init, or add --init-state; else name the state with --state',
    }),
  );
}

export function withParallelism(given: Settings, parallelism: number | undefined): Settings {
  if (parallelism === undefined) return given;
  const { config } = given;
  return { ...given, config: { ...config, apply: { ...config.apply, parallelism } } };
}

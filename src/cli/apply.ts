import { error } from '../domain/diagnostic.ts';
import { EXIT, type ExitCode, Failure } from '../domain/errors.ts';
import { hasChanges, type Plan } from '../domain/plan.ts';
import type { Waiver } from '../domain/policy.ts';
import { signatureBreaches, withWaivers } from '../domain/policy-check.ts';
import { optional } from '../domain/record.ts';
import type { SignatureFinding } from '../domain/saved-plan.ts';
import type { Address } from '../domain/spec.ts';
import { execute, type Outcome } from '../executor/execute.ts';
import { onlyFollowing } from '../planner/only-following.ts';
import type { Backend, Lease } from '../state/backend.ts';
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
import { exitCodeOf } from './exit-code.ts';
import type { ManifestFlags } from './flags.ts';
import type { Io } from './io.ts';
import { makePlan, refusal } from './planning.ts';
import { recordOptions } from './record-options.ts';
import { actor, backend, commitOf, manifests, type Settings, settings, stateLocation } from './setup.ts';
import { showDiagnostics, tellOfStop, textOptions } from './show.ts';
import { refuseWhereOneWasKnown, tellSerial } from './state-check.ts';
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
  /** Directory of the public keys that may have signed a saved plan. */
  readonly trustedKeys?: string;
  readonly lockTimeout: number;
  readonly output: 'text' | 'json';
}

/** Plans under the lock, shows the plan, asks, executes it, and tells how every restore ended. */
export async function apply(io: Io, flags: ApplyFlags): Promise<ExitCode> {
  refuseFlagsOfSavedPlans(flags);
  const given = withParallelism(await settings(io, flags), flags.parallelism);
  const declared = await manifests(io, flags, given);
  const store = await backend(io, flags, given, 'to change');
  // What it holds is checked under the lock.
  if ((await store.snapshot()) === undefined) await refuseWithoutState(io, flags, store);
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
      const question = questionOf(plan);
      const untrusted = question === undefined ? undefined : unsigned(io, given, waivers);
      const refused = untrusted ?? refusal(plan, flags.skipBlocked === true);
      if (refused) return await followDespite(io, flags, refused, { plan }, lease, connection, given);
      if (!hasChanges(plan) && !plan.actions.some(({ kind }) => kind === 'blocked')) {
        if (flags.output === 'text')
          io.stdout.write(joinLines(['Nothing to do.', ...repeatLines(plan, textOptions(io))]));
        tellSerial(io, flags.output, lease.state());
        return EXIT.done;
      }
      warnOfTokenEnd(io, connection, plan, given.config);
      if (question !== undefined && !flags.autoApprove) await confirm(io, question);
      return await carryOut(io, flags, { plan }, lease, connection, given);
    } finally {
      await lease.release();
    }
  } finally {
    await connection.close();
  }
}

function refuseFlagsOfSavedPlans({ maxAge, trustedKeys }: ApplyFlags): void {
  const given = [
    ...(maxAge === undefined ? [] : ['--max-age']),
    ...(trustedKeys === undefined ? [] : ['--trusted-keys']),
  ];
  if (given.length === 0) return;
  const all = given.join(' and ');
  throw usage(
    `${all} ${given.length === 1 ? 'is' : 'are'} for saved plans`,
    `name the plan: vbsctl apply plan.json, or leave ${all} out`,
  );
}

/** Why the policy lets only signed plans start anything, if it does. */
export function unsigned(
  io: Io,
  { config }: Settings,
  waivers: readonly Waiver[],
  signed?: SignatureFinding,
): Failure | undefined {
  const { refused, waived } = withWaivers(signatureBreaches(config.policy, signed), new Set(waivers));
  showDiagnostics(io, waived);
  return refused.length > 0 ? new Failure('refused', refused) : undefined;
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

/**
 * Nothing new may start. What is under way is followed to its end all the same, without asking: nothing is sent.
 * Throws the refusal when nothing is under way.
 */
export async function followDespite(
  io: Io,
  flags: ApplyFlags,
  refused: Failure,
  what: Approved,
  lease: Lease,
  connection: Connection,
  given: Settings,
): Promise<ExitCode> {
  const plan = onlyFollowing(what.plan, refused.diagnostics);
  if (!plan) throw refused;
  showDiagnostics(io, refused.diagnostics);
  const { config } = given;
  // All are under way already, and none failing is a reason to look away from the others.
  const apply = { ...config.apply, parallelism: plan.actions.length, max_failures: 0 };
  const settings = { ...given, config: { ...config, apply } };
  warnOfTokenEnd(io, connection, plan, settings.config);
  return await carryOut(io, flags, { ...what, plan, refused: true }, lease, connection, settings);
}

interface Approved {
  readonly plan: Plan;
  /** Of the saved plan that this is. */
  readonly planDigest?: string;
  /** Nothing new may start. */
  readonly refused?: boolean;
}

/** Executes what was shown, telling how it goes. */
export async function carryOut(
  io: Io,
  flags: ApplyFlags,
  { plan, planDigest, refused = false }: Approved,
  lease: Lease,
  connection: Connection,
  given: Settings,
): Promise<ExitCode> {
  const { driver } = connection;
  const stop = stopWithToken(io, connection);
  const reporter = createRunReporter();
  const view = tee(reporter, await applyView(io, flags.output, plan));
  const outcome = await execute({
    plan,
    ...optional('planDigest', planDigest),
    lease,
    driver,
    clock: systemClock,
    random: Math.random,
    settings: given.config,
    waivers: waiversOf(flags),
    reach: refused ? 'follow' : flags.wait ? 'finish' : 'submit',
    onEvent: (event) => view.handle(event),
    stop: stop.signal,
  });
  view.end();
  if (outcome.fatal) await saveUnsaved(io, stateLocation(io, flags, given), lease.state(), outcome.fatal);
  if (flags.output === 'text')
    io.stdout.write(`\n${applySummary(reporter.report(), plan, recordOptions(io, lease.state()))}`);
  // What is left of a saved plan goes on without them; manifests say that they are wanted.
  tellOfStop(io, planDigest === undefined ? blocking(outcome) : []);
  stop.tell();
  tellSerial(io, flags.output, lease.state());
  return exitCodeOf({ ...outcome, refused, stopped: stop.signal.aborted });
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

/** A state that is silently new would forget everything that was done: somebody has to say so. */
async function refuseWithoutState(io: Io, flags: ApplyFlags, store: Backend): Promise<void> {
  const { location } = store;
  await refuseWhereOneWasKnown(io, store);
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

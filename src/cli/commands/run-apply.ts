import {
  type ApplyPorts,
  type ApplyResult,
  type ApplyTerms,
  apply as applyManifests,
} from '../../app/apply.ts';
import type { FinishedRun } from '../../app/ports.ts';
import { EXIT, type ExitCode, Failure } from '../../domain/errors.ts';
import { isMaybeTouched } from '../../domain/record.ts';
import type { Address } from '../../domain/spec.ts';
import type { Backend } from '../../state/backend.ts';
import { repeatLines } from '../../views/plan/next-commands.ts';
import type { PlanTextOptions } from '../../views/plan/options.ts';
import { planBody } from '../../views/plan/plan-text.ts';
import { joinLines } from '../../views/terminal.ts';
import { confirm, noConsent, questionOf } from '../confirm.ts';
import { exitCodeOf } from '../exit-code.ts';
import type { Io } from '../io.ts';
import type { ManifestFlags, OutputFormat } from '../options/shared.ts';
import { type WaiverFlags, waiversOf } from '../options/shared.ts';
import { showDiagnostics, textOptions } from '../print.ts';
import { runPorts } from '../run-ports.ts';
import { actor, backend, commitOf, loadSettings, manifests, type Settings } from '../setup.ts';
import { refuseWhereOneWasKnown, tellSerial } from '../state-check.ts';
import { usage } from '../usage.ts';

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
  readonly output: OutputFormat;
}

/** Plans what the manifests declare, shows the plan, asks, executes it, and tells how every restore ended. */
export async function apply(io: Io, flags: ApplyFlags): Promise<ExitCode> {
  refuseFlagsOfSavedPlans(flags);
  const settings = withParallelism(await loadSettings(io, flags), flags.parallelism);
  const declared = await manifests(io, flags, settings);
  const store = await backend(io, flags, settings, 'write');
  const terms = applyTerms(flags, settings);
  const result = await applyManifests(
    {
      ...terms,
      wanted: { ...declared, only: flags.target ?? [] },
      actor: actor(io, 'apply', { waivers: terms.waivers, ...(await commitOf(io, declared.files)) }),
      lockTimeoutMs: flags.lockTimeout,
    },
    {
      ...applyPorts(io, flags, settings, store),
      showPlan: (plan) => {
        if (flags.output === 'text')
          io.stdout.write(`${planBody(plan, shownAs(io, flags, settings, store.location))}\n`);
      },
      confirmNewState: () => refuseWithoutState(io, flags, store),
      confirm: async (consent) => {
        if (flags.autoApprove) return;
        if (flags.output === 'json') throw noConsent('--output json shows no plan to confirm');
        await confirm(io, questionOf(consent));
      },
    },
  );
  return exitCodeOfApply(io, flags, result);
}

export function applyTerms(flags: ApplyFlags, { config }: Settings): ApplyTerms {
  return {
    reach: flags.wait ? 'finish' : 'submit',
    skipBlocked: flags.skipBlocked === true,
    waivers: waiversOf(flags),
    settings: config,
  };
}

/** `saved`: the plan is a saved one. What is left of it goes on without the restores that manifests still want. */
export function applyPorts(
  io: Io,
  flags: ApplyFlags,
  settings: Settings,
  store: Backend,
  saved = false,
): Omit<ApplyPorts, 'showPlan' | 'confirmNewState' | 'confirm'> {
  return runPorts(io, flags, settings, store, {
    output: flags.output,
    name: 'Apply',
    blocking: saved ? () => [] : blocking,
  });
}

export function exitCodeOfApply(io: Io, flags: ApplyFlags, result: ApplyResult): ExitCode {
  const nothing = result.kind === 'nothing_to_do';
  if (nothing && flags.output === 'text')
    io.stdout.write(joinLines(['Nothing to do.', ...repeatLines(result.plan, textOptions(io))]));
  tellSerial(io, flags.output, result.state);
  return nothing ? EXIT.done : exitCodeOf({ ...result.outcome, ...result });
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
    ...(flags.wait ? { waitTimeoutMs: config.apply.timeout_ms } : {}),
  };
}

export function withParallelism(settings: Settings, parallelism: number | undefined): Settings {
  if (parallelism === undefined) return settings;
  const { config } = settings;
  return { ...settings, config: { ...config, apply: { ...config.apply, parallelism } } };
}

function refuseFlagsOfSavedPlans({ maxAge, trustedKeys }: ApplyFlags): void {
  const given = [
    ...(maxAge === undefined ? [] : ['--max-age']),
    ...(trustedKeys === undefined ? [] : ['--trusted-keys']),
  ];
  if (given.length === 0) return;
  const all = given.join(' and ');
  throw usage(
    `${all} ${given.length === 1 ? 'requires' : 'require'} a saved plan`,
    `name the plan, as in vbsctl apply plan.json; or remove ${all}`,
  );
}

/** What ended so that the next run refuses to begin. */
function blocking({ outcome }: FinishedRun): Address[] {
  return [...outcome.ends].flatMap(([address, end]) => {
    if (end.kind !== 'recorded') return [];
    const { record } = end;
    return record.status === 'unknown' || isMaybeTouched(record) ? [address] : [];
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
        summary: `there is no state at ${location}, so vbsctl does not know which restores were done before`,
        remedy: 'if a state exists elsewhere, do not continue; name it with --state',
      },
    ]);
    await confirm(io, 'Create a new state?');
    return;
  }
  throw Failure.of(
    'refused',
    'no-state',
    `there is no state at ${location}, so vbsctl does not know which restores were done before`,
    {
      remedy: 'for the first run: vbsctl init, or add --init-state; otherwise name the state with --state',
    },
  );
}

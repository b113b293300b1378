import { type ApplyResult, type ApplyTerms, apply as applyManifests } from '../../app/apply.ts';
import type { FinishedRun } from '../../app/ports.ts';
import { isoTime } from '../../domain/clock.ts';
import { warning } from '../../domain/diagnostic.ts';
import { EXIT, type ExitCode, refused, usage } from '../../domain/errors.ts';
import { minimumText } from '../../domain/minimum-state.ts';
import { totals } from '../../domain/plan.ts';
import { isMaybeTouched } from '../../domain/record.ts';
import type { Address } from '../../domain/spec.ts';
import type { Backend } from '../../state/backend.ts';
import { applyJsonLine } from '../../views/apply-json.ts';
import { repeatLines } from '../../views/plan/next-commands.ts';
import type { PlanTextOptions } from '../../views/plan/parts.ts';
import { planBody } from '../../views/plan/plan-text.ts';
import { joinLines } from '../../views/terminal.ts';
import { runPorts } from '../command-ports.ts';
import { confirm, confirmationRequired, questionOf } from '../confirm.ts';
import { type Context, loadContext, readManifests } from '../context.ts';
import { exitCodeOf } from '../exit-code.ts';
import type { Io } from '../io.ts';
import { commitOf, lockRequest } from '../lock-request.ts';
import { openState } from '../open-state.ts';
import type { ManifestFlags, OutputFormat } from '../options/shared.ts';
import { type WaiverFlags, waiversOf } from '../options/shared.ts';
import { inFormat, printInText, showDiagnostics, textOptions } from '../print.ts';
import { refuseLostState } from '../state-check.ts';
import { systemClock } from '../system.ts';

export interface ApplyFlags extends ManifestFlags, WaiverFlags {
  readonly target?: readonly string[];
  readonly autoApprove?: boolean;
  readonly initState?: boolean;
  readonly skipBlocked?: boolean;
  /** `--no-wait` makes it false. */
  readonly wait: boolean;
  readonly parallelism?: number;
  /** Maximum age of a saved plan, ms. */
  readonly maxAge?: number;
  /** Directory of the public keys that may sign a saved plan. */
  readonly trustedKeys?: string;
  /** Milliseconds. */
  readonly lockTimeout: number;
  readonly output: OutputFormat;
}

/** Applies the declared restores. */
export async function apply(io: Io, flags: ApplyFlags): Promise<ExitCode> {
  const misplaced = [
    ...(flags.maxAge === undefined ? [] : ['--max-age']),
    ...(flags.trustedKeys === undefined ? [] : ['--trusted-keys']),
  ].join(' and ');
  if (misplaced !== '')
    throw usage(
      `${misplaced} cannot be used without a saved plan`,
      `name the plan, as in vbsctl apply plan.json; or remove ${misplaced}`,
    );
  const context = await applyContext(io, flags);
  const declared = await readManifests(context);
  const backend = await openState(context, 'write');
  const terms = applyTerms(flags, context);
  const result = await applyManifests(
    {
      ...terms,
      declared: { ...declared, only: flags.target ?? [] },
      ...lockRequest(io, 'apply', flags, {
        waivers: terms.waivers,
        ...(await commitOf(io, declared.files)),
      }),
    },
    {
      ...runPorts(context, backend, { output: flags.output, name: 'Apply', blocking }),
      showPlan: (plan) => {
        printInText(io, flags.output, () => `${planBody(plan, planOptions(context, flags, backend))}\n`);
      },
      confirmNewState: () => confirmNewState(io, flags, backend),
      confirm: async (consent) => {
        if (flags.autoApprove) return;
        await inFormat(flags.output, {
          text: () => confirm(io, questionOf(consent)),
          json: () => {
            throw confirmationRequired('--output json shows no plan to confirm');
          },
        });
      },
    },
  );
  return exitCodeOfApply(io, flags, result);
}

export async function applyContext(io: Io, flags: ApplyFlags): Promise<Context> {
  const context = await loadContext(io, flags);
  const { config } = context;
  const { parallelism = config.apply.parallelism } = flags;
  return { ...context, config: { ...config, apply: { ...config.apply, parallelism } } };
}

export function applyTerms(flags: ApplyFlags, { config }: Context): ApplyTerms {
  return {
    mode: flags.wait ? 'finish' : 'no_wait',
    skipBlocked: flags.skipBlocked === true,
    waivers: waiversOf(flags),
    settings: config,
  };
}

export function exitCodeOfApply(io: Io, { output }: ApplyFlags, result: ApplyResult): ExitCode {
  const isNothing = result.kind === 'nothing_to_do';
  const expired = totals(result.plan).expired > 0;
  if (isNothing)
    printInText(io, output, () =>
      joinLines([
        expired ? 'Nothing was restored: what is left has expired.' : 'Nothing to do.',
        ...repeatLines(result.plan, textOptions(io)),
      ]),
    );
  printSerial(io, output, result);
  if (isNothing) return expired ? EXIT.refused : EXIT.done;
  return exitCodeOf({ ...result.outcome, ...result, expired });
}

/** A pipeline can require this serial, and this end of the history, of the next run: `--minimum-serial`. */
function printSerial(io: Io, output: OutputFormat, { state, history_end }: ApplyResult): void {
  if (!state) return;
  const { serial, lineage } = state;
  const minimum = minimumText(serial, history_end?.hash);
  const line = { at: isoTime(systemClock.now()), type: 'state_serial', serial, lineage, minimum };
  io.stdout.write(
    inFormat(output, {
      text: () => `State serial: ${serial} (for the next run: --minimum-serial ${minimum})\n`,
      json: () => applyJsonLine(line),
    }),
  );
}

export function planOptions(
  { io, config }: Context,
  flags: ApplyFlags,
  { location }: Backend,
): PlanTextOptions {
  return {
    ...textOptions(io),
    stateLocation: location,
    ...(flags.wait ? { waitTimeoutMs: config.apply.timeout_ms } : {}),
  };
}

/** The addresses whose outcome would make vbsctl refuse the next run: unknown, or failed with the disk maybe changed. */
function blocking({ outcome }: FinishedRun): Address[] {
  return [...outcome.ends].flatMap(([address, end]) =>
    end.kind === 'recorded' && (end.record.status === 'unknown' || isMaybeTouched(end.record))
      ? [address]
      : [],
  );
}

/** A new state knows nothing of what was done before, so it is never created without the consent of the user. */
async function confirmNewState(io: Io, flags: ApplyFlags, backend: Backend): Promise<void> {
  await refuseLostState(io, backend);
  if (flags.initState) return;
  const summary = `there is no state at ${backend.location}, so vbsctl does not know which restores were done before`;
  if (!io.stdin.isTty || flags.autoApprove)
    throw refused(
      'no-state',
      summary,
      'for the first run: vbsctl init, or add --init-state; otherwise name the state with --state',
    );
  const remedy = 'if a state exists elsewhere, do not continue; name it with --state';
  showDiagnostics(io, [warning('no-state', summary, { remedy })]);
  await confirm(io, 'Create a new state?');
}

import { makePlan } from '../../app/make-plan.ts';
import { refusal, refuseIncomplete } from '../../app/refusals.ts';
import { withConnection } from '../../app/with-lease.ts';
import { EXIT, type ExitCode, usage } from '../../domain/errors.ts';
import { shellPath, shellWord } from '../../domain/escape/shell-word.ts';
import { leaseTooShort } from '../../domain/lease-too-short.ts';
import { hasChanges, type Plan, totals } from '../../domain/plan.ts';
import type { Waiver } from '../../domain/policy.ts';
import { save } from '../../planner/save.ts';
import type { PlanCommands } from '../../views/plan/next-commands.ts';
import { planText } from '../../views/plan/plan-text.ts';
import { planJson } from '../../views/plan-json.ts';
import { sanitize } from '../../views/terminal.ts';
import { connectCloud } from '../connect-cloud.ts';
import { loadContext, readManifests } from '../context.ts';
import type { Io } from '../io.ts';
import { openState } from '../open-state.ts';
import type { ManifestFlags, OutputFormat } from '../options/shared.ts';
import { type WaiverFlags, waiversOf } from '../options/shared.ts';
import { clearPlan, sha256, writePlan } from '../plan-file.ts';
import { signer } from '../plan-signatures.ts';
import { printInText, printResult, textOptions } from '../print.ts';
import { systemClock } from '../system.ts';

export interface PlanFlags extends ManifestFlags, WaiverFlags {
  readonly out?: string;
  /** The private key to sign the saved plan with. */
  readonly sign?: string;
  readonly target?: readonly string[];
  readonly detailedExitcode?: boolean;
  readonly offline?: boolean;
  readonly showDone?: boolean;
  readonly output: OutputFormat;
}

/** Shows what `apply` would do. Takes no lock, and writes only the file of `--out`. */
export async function plan(io: Io, flags: PlanFlags): Promise<ExitCode> {
  // An old plan is removed before anything can fail.
  if (flags.out !== undefined) await clearPlan(io, flags.out);
  if (flags.out !== undefined && flags.offline)
    throw usage('--out cannot be combined with --offline', 'remove --offline');
  if (flags.sign !== undefined && flags.out === undefined)
    throw usage('--sign requires --out', 'add --out plan.json');
  const sign = flags.out === undefined ? undefined : await signer(io, flags.sign);
  const context = await loadContext(io, flags);
  const { policy, apply, http } = context.config;
  const declared = await readManifests(context);
  const backend = await openState(context, 'read');
  const { leaseTtlMs = Number.POSITIVE_INFINITY } = backend;
  if (leaseTtlMs <= http.request_timeout_ms) throw leaseTooShort(leaseTtlMs, http.request_timeout_ms);
  const state = await backend.read();
  const waivers = waiversOf(flags);
  const request = { ...declared, policy, only: flags.target ?? [], waivers };
  const sources = { state, clock: systemClock };
  const made = flags.offline
    ? await makePlan(request, sources)
    : await withConnection({ connect: () => connectCloud(context) }, ({ driver }) =>
        makePlan(request, { ...sources, driver }),
      );
  const options = {
    ...textOptions(io),
    stateLocation: backend.location,
    waitTimeoutMs: apply.timeout_ms,
    showDone: flags.showDone === true,
  };
  printResult(io, flags.output, {
    text: () => planText(made, options, commandsOf(flags, waivers)),
    json: () => planJson(made),
  });
  refuseIncomplete(made);
  if (flags.out !== undefined) {
    const { specs } = declared;
    const saved = save(made, { specs, state, selection: flags.filename ?? [], policy, waivers }, sha256);
    await writePlan(io, flags.out, sign ? sign(saved) : saved);
    const { out } = flags;
    printInText(io, flags.output, () => savedText(out, sign !== undefined, made));
  }
  if (!flags.detailedExitcode) return EXIT.done;
  return refusal(made, false)?.exitCode ?? (hasChanges(made) ? EXIT.changes_pending : EXIT.done);
}

function savedText(path: string, isSigned: boolean, made: Plan): string {
  const { blocked } = totals(made);
  const left =
    blocked === 0
      ? ''
      : `; ${blocked} blocked ${blocked === 1 ? 'restore is' : 'restores are'} not done by it`;
  return `Saved the plan in ${sanitize(path)}, ${isSigned ? 'signed' : 'not signed'}${left}.\n`;
}

/** A saved plan contains what is done, so its command needs no targets. */
function commandsOf({ out, sign, target = [] }: PlanFlags, waivers: readonly Waiver[]): PlanCommands {
  const targets = target.map((address) => `--target ${shellWord(address)}`);
  const saving = [
    ...(out === undefined ? [] : [`--out ${shellPath(out)}`]),
    ...(sign === undefined ? [] : [`--sign ${shellPath(sign)}`]),
  ];
  const allowed = waivers.map((waiver) => `--allow-${waiver}`);
  const selection = out === undefined ? targets : [shellPath(out)];
  return {
    plan: ['vbsctl plan', ...targets, ...saving, ...allowed].join(' '),
    apply: ['vbsctl apply', ...selection, ...allowed].join(' '),
    saves: out !== undefined,
  };
}

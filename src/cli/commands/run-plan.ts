import { makePlan } from '../../app/make-plan.ts';
import { refusal, refuseIncomplete } from '../../app/refusals.ts';
import { EXIT, type ExitCode } from '../../domain/errors.ts';
import { shellPath } from '../../domain/escape/shell-word.ts';
import { optional } from '../../domain/optional.ts';
import { hasChanges, type Plan, totals } from '../../domain/plan.ts';
import type { Waiver } from '../../domain/policy.ts';
import { save } from '../../planner/save.ts';
import { planText } from '../../views/plan/plan-text.ts';
import { planJson } from '../../views/plan-json.ts';
import { sanitize } from '../../views/terminal.ts';
import { connectCloud } from '../connect-cloud.ts';
import type { Io } from '../io.ts';
import { nextCommand } from '../next-command.ts';
import type { ManifestFlags, OutputFormat } from '../options/shared.ts';
import { type WaiverFlags, waiversOf } from '../options/shared.ts';
import { clearPlan, sha256, writePlan } from '../plan-file.ts';
import { signer } from '../plan-keys.ts';
import { printJson, textOptions } from '../print.ts';
import { loadSettings, manifests, openState } from '../setup.ts';
import { systemClock } from '../system.ts';
import { usage } from '../usage.ts';

export interface PlanFlags extends ManifestFlags, WaiverFlags {
  readonly out?: string;
  /** A private key, to sign what is saved. */
  readonly sign?: string;
  readonly target?: readonly string[];
  readonly detailedExitcode?: boolean;
  readonly offline?: boolean;
  readonly showDone?: boolean;
  readonly output: OutputFormat;
}

/** Shows what `apply` would do. Takes no lock and writes nothing but the file of `--out`. */
export async function plan(io: Io, flags: PlanFlags): Promise<ExitCode> {
  // Before the first thing that can fail.
  if (flags.out !== undefined) await clearPlan(io, flags.out);
  if (flags.out !== undefined && flags.offline)
    throw usage('--out cannot be combined with --offline', 'remove --offline');
  if (flags.sign !== undefined && flags.out === undefined)
    throw usage('--sign requires --out', 'add --out plan.json');
  const sign = flags.out === undefined ? undefined : await signer(io, flags.sign);
  const settings = await loadSettings(io, flags);
  const declared = await manifests(io, flags, settings);
  const backend = await openState(io, flags, settings, 'read');
  const state = await backend.read();
  const waivers = waiversOf(flags);
  const connection = flags.offline ? undefined : await connectCloud(io, flags, settings);
  try {
    const made = await makePlan(
      { ...declared, policy: settings.config.policy, only: flags.target ?? [], waivers },
      { state, ...optional('driver', connection?.driver), clock: systemClock },
    );
    if (flags.output === 'json') printJson(io, planJson(made));
    else {
      io.stdout.write(
        planText(
          made,
          {
            ...textOptions(io),
            stateLocation: backend.location,
            waitTimeoutMs: settings.config.apply.timeout_ms,
            showDone: flags.showDone === true,
          },
          {
            plan: nextCommand('plan', flags),
            apply: applyCommandOf(flags, waivers),
            init: nextCommand('init', flags),
            wait: nextCommand('wait', flags),
          },
        ),
      );
    }
    refuseIncomplete(made);
    if (flags.out !== undefined) {
      const saved = save(
        made,
        {
          specs: declared.specs,
          state,
          selection: flags.filename ?? [],
          policy: settings.config.policy,
          waivers,
        },
        sha256,
      );
      await writePlan(io, flags.out, sign ? sign(saved) : saved);
      if (flags.output === 'text') io.stdout.write(savedText(flags.out, sign !== undefined, made));
    }
    if (!flags.detailedExitcode) return EXIT.done;
    const refused = refusal(made, false);
    if (refused) return refused.exitCode;
    return hasChanges(made) ? EXIT.changes_pending : EXIT.done;
  } finally {
    await connection?.close();
  }
}

function savedText(path: string, isSigned: boolean, made: Plan): string {
  const { blocked } = totals(made);
  const left =
    blocked === 0
      ? ''
      : `; ${blocked} blocked ${blocked === 1 ? 'restore is' : 'restores are'} not done by it`;
  return `Saved the plan in ${sanitize(path)}, ${isSigned ? 'signed' : 'not signed'}${left}.\n`;
}

/** What the user types next. A saved plan says itself what is done; the rest is this machine's to say. */
function applyCommandOf(flags: PlanFlags, waivers: readonly Waiver[]): string {
  const { out, filename, target, ...place } = flags;
  const command =
    out === undefined ? nextCommand('apply', flags) : nextCommand(`apply ${shellPath(out)}`, place);
  return [command, ...waivers.map((waiver) => `--allow-${waiver}`)].join(' ');
}

import { hash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { applySaved as applySavedPlan } from '../../app/apply-saved.ts';
import { type Diagnostic, note } from '../../domain/diagnostic.ts';
import { type ExitCode, refused, usage } from '../../domain/errors.ts';
import { optional } from '../../domain/optional.ts';
import { type SavedPlan, type SignatureFinding, signatureText } from '../../domain/saved-plan.ts';
import type { ManifestFile } from '../../domain/spec.ts';
import { isInCheckouts, locate } from '../../files/checkout.ts';
import { UnfitFileError } from '../../files/read-file.ts';
import { LIMITS } from '../../manifest/limits.ts';
import { planBody } from '../../views/plan/plan-text.ts';
import { savedPlanHeading } from '../../views/saved-plan-text.ts';
import { runPorts } from '../command-ports.ts';
import type { Io } from '../io.ts';
import { commitOf, lockRequest } from '../lock-request.ts';
import { openState } from '../open-state.ts';
import { sha256 } from '../plan-file.ts';
import { readSignedPlan } from '../plan-signatures.ts';
import { printInText, showDiagnostics } from '../print.ts';
import { absolute, readUserFile } from '../user-paths.ts';
import { type ApplyFlags, applyContext, applyTerms, exitCodeOfApply, planOptions } from './run-apply.ts';

/** Applies a saved plan. Its signature is checked before anything else. */
export async function applySaved(io: Io, path: string, flags: ApplyFlags): Promise<ExitCode> {
  const misplaced = [
    ...(flags.filename?.length ? ['-f'] : []),
    ...(flags.target?.length ? ['--target'] : []),
    ...(flags.initState ? ['--init-state'] : []),
  ].join(' and ');
  if (misplaced !== '')
    throw usage(
      `${misplaced} cannot be combined with a saved plan`,
      `remove ${misplaced}, or apply the manifests: vbsctl apply`,
    );
  const { saved, signed, keys } = await readSignedPlan(io, path, flags.trustedKeys);
  if (keys) refuseUntrusted(path, signed);
  const selection = await filesInCheckout(
    io,
    saved.selection.map((each) => ({ path: each })),
  );
  const filename = selection.map((each) => each.path);
  Object.assign(io.typed, { flags: { ...io.typed.flags, filename }, plan: path });
  const context = await applyContext(io, { ...flags, filename });
  const terms = applyTerms(flags, context);
  const manifests = await filesInCheckout(io, saved.manifests);
  const backend = await openState(context, 'write');
  showDiagnostics(io, await manifestsChanged(io, saved, manifests));
  const result = await applySavedPlan(
    {
      ...terms,
      saved,
      signed,
      manifests,
      ...optional('maxAgeMs', flags.maxAge),
      ...lockRequest(io, 'apply', flags, {
        plan_digest: saved.digest,
        waivers: terms.waivers,
        ...(await commitOf(io, manifests)),
      }),
    },
    {
      ...runPorts(context, backend, { output: flags.output, name: 'Apply' }),
      sha256,
      showPlan: (plan) => {
        const options = planOptions(context, flags, backend);
        printInText(
          io,
          flags.output,
          () =>
            `${savedPlanHeading({ ...saved, manifests }, path, signed, options)}${planBody(plan, options)}\n`,
        );
      },
    },
  );
  return exitCodeOfApply(io, flags, result);
}

/** With trusted keys, only a plan signed by one of them is applied, whatever the policy requires. */
function refuseUntrusted(path: string, signed: SignatureFinding): void {
  if (signed.kind === 'valid') return;
  throw refused(
    'plan-not-trusted',
    `${path} is refused: it is ${signatureText(signed)}`,
    `sign it where it is made: vbsctl plan --out plan.json --sign KEY; or add the signer's public key to the trusted ones. To follow running restores: vbsctl wait`,
  );
}

/** The files in the working directory, each once. The plan names the paths, so no others are read. */
async function filesInCheckout<T extends { readonly path: string }>(
  io: Io,
  files: readonly T[],
): Promise<T[]> {
  const each = [...new Map(files.map((one) => [absolute(io, one.path), one])).values()];
  const inside: T[] = [];
  for (const one of each) {
    io.stop.throwIfAborted();
    if (one.path === '-') continue;
    const located = await locate(absolute(io, one.path), [io.cwd]).catch(() => undefined);
    // A path of thousands of names that do not exist would cost a look at each of them later.
    if (!located || !existsSync(dirname(located.path))) continue;
    if (await isInCheckouts(located.path, [io.cwd])) inside.push(one);
  }
  return inside;
}

const CHANGED_SHOWN_MAX = 20;

/** Notes the manifests that have changed since the plan was made. The plan is applied as it was approved. */
async function manifestsChanged(
  io: Io,
  { created_at }: SavedPlan,
  manifests: readonly ManifestFile[],
): Promise<Diagnostic[]> {
  const changed: string[] = [];
  let bytesLeft: number = LIMITS.bytes;
  for (const { path, sha256: digest } of manifests) {
    io.stop.throwIfAborted();
    const bytes = await readUserFile(io, path, bytesLeft).catch((cause: unknown) => {
      if (cause instanceof UnfitFileError && cause.code === 'TOO_LARGE') bytesLeft = -1;
      return undefined;
    });
    if (bytesLeft < 0) break;
    if (!bytes) continue;
    bytesLeft -= bytes.length;
    if (hash('sha256', bytes) !== digest) changed.push(path);
  }
  const since = `since the plan was made at ${created_at}`;
  const changeNote = (what: string, more = {}) =>
    note('manifest-changed', `${what}; the approved plan is applied`, more);
  const rest = changed.length - CHANGED_SHOWN_MAX;
  const unread = `the manifests have grown beyond ${LIMITS.bytes / 2 ** 20} MiB ${since}, and not all were compared`;
  return [
    ...changed
      .slice(0, CHANGED_SHOWN_MAX)
      .map((file) => changeNote(`${file} has changed ${since}`, { where: { file } })),
    ...(rest > 0 ? [changeNote(`${rest} more manifests have changed ${since}`)] : []),
    ...(bytesLeft < 0 ? [changeNote(unread)] : []),
  ];
}

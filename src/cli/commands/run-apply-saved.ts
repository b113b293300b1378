import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { dirname } from 'node:path';
import { applySaved as applySavedPlan } from '../../app/apply-saved.ts';
import type { Diagnostic } from '../../domain/diagnostic.ts';
import { type ExitCode, Failure } from '../../domain/errors.ts';
import { optional } from '../../domain/optional.ts';
import { NOT_TRUSTED } from '../../domain/policy-check.ts';
import type { SavedPlan, SignatureFinding } from '../../domain/saved-plan.ts';
import type { ManifestFile } from '../../domain/spec.ts';
import { locate } from '../../files/checkout.ts';
import { readRegularFile, UnfitFileError } from '../../files/read-file.ts';
import { LIMITS } from '../../manifest/limits.ts';
import { planBody } from '../../views/plan/plan-text.ts';
import { savedPlanHeading } from '../../views/saved-plan-text.ts';
import type { Io } from '../io.ts';
import { readPlan, sha256 } from '../plan-file.ts';
import { findSigner, trustedKeys } from '../plan-keys.ts';
import { showDiagnostics } from '../print.ts';
import { absolute, actor, backend, commitOf, loadSettings } from '../setup.ts';
import { usage } from '../usage.ts';
import {
  type ApplyFlags,
  applyPorts,
  applyTerms,
  exitCodeOfApply,
  shownAs,
  withParallelism,
} from './run-apply.ts';

/** Applies a saved plan. Its signature is looked at before anything else. */
export async function applySaved(io: Io, path: string, flags: ApplyFlags): Promise<ExitCode> {
  refuseOtherSelections(flags);
  const keys = await trustedKeys(io, flags.trustedKeys);
  const saved = await readPlan(io, path);
  const signed = await findSigner(io, saved, keys);
  if (keys) refuseUntrusted(path, signed);
  const selected = await inCheckout(
    io,
    saved.selection.map((each) => ({ path: each })),
  );
  const filename = selected.map((each) => each.path);
  const settings = withParallelism(await loadSettings(io, { ...flags, filename }), flags.parallelism);
  const terms = applyTerms(flags, settings);
  const tell = (diagnostics: readonly Diagnostic[]) => showDiagnostics(io, diagnostics);
  const manifests = await inCheckout(io, saved.manifests);
  const store = await backend(io, flags, settings, 'write');
  tell(await manifestsChanged(io, saved, manifests));
  const result = await applySavedPlan(
    {
      ...terms,
      saved,
      signed,
      manifests,
      ...optional('maxAgeMs', flags.maxAge),
      actor: actor(io, 'apply', {
        plan_digest: saved.digest,
        waivers: terms.waivers,
        ...(await commitOf(io, manifests)),
      }),
      lockTimeoutMs: flags.lockTimeout,
    },
    {
      ...applyPorts(io, flags, settings, store, true),
      sha256,
      showPlan: (plan) => {
        if (flags.output !== 'text') return;
        const options = shownAs(io, flags, settings, store.location);
        io.stdout.write(`${savedPlanHeading(saved, path, signed, options)}${planBody(plan, options)}\n`);
      },
    },
  );
  return exitCodeOfApply(io, flags, result);
}

/** Who names trusted keys takes nothing else, whatever the policy asks for. */
function refuseUntrusted(path: string, signed: SignatureFinding): void {
  if (signed.kind === 'valid') return;
  throw Failure.of('refused', 'plan-not-trusted', `${path} is refused: ${NOT_TRUSTED[signed.kind]}`, {
    remedy: `sign it where it is made: vbsctl plan --out plan.json --sign KEY; or add the signer's public key to the trusted ones. What is under way is followed by: vbsctl wait`,
  });
}

function refuseOtherSelections(flags: ApplyFlags): void {
  const given = [
    ...(flags.filename?.length ? ['-f'] : []),
    ...(flags.target?.length ? ['--target'] : []),
    ...(flags.initState ? ['--init-state'] : []),
  ];
  if (given.length === 0) return;
  throw usage(
    `${given.join(' and ')} cannot be combined with a saved plan`,
    `remove ${given.length === 1 ? 'it' : 'them'}, or apply the manifests: vbsctl apply`,
  );
}

/** Those in the working directory, each once: the paths are the plan file's word, and nothing outside is read on it. */
async function inCheckout<T extends { readonly path: string }>(io: Io, files: readonly T[]): Promise<T[]> {
  const each = [...new Map(files.map((one) => [absolute(io, one.path), one])).values()];
  const inside: T[] = [];
  for (const one of each) {
    io.stop.throwIfAborted();
    if (one.path === '-') continue;
    const located = await locate(absolute(io, one.path), [io.cwd]).catch(() => undefined);
    // As deep as directories are: a path of thousands of names that are not there would cost a look at each.
    if (located?.inCheckout && existsSync(dirname(located.path))) inside.push(one);
  }
  return inside;
}

/** Of many, the count says enough. */
const CHANGED_SHOWN_MAX = 20;

/** The plan stands for itself; but who sees the manifests beside it should know that they say something else. */
async function manifestsChanged(
  io: Io,
  { created_at }: SavedPlan,
  manifests: readonly ManifestFile[],
): Promise<Diagnostic[]> {
  const changed: string[] = [];
  let bytesLeft: number = LIMITS.bytes;
  for (const { path, sha256: digest } of manifests) {
    io.stop.throwIfAborted();
    const bytes = await readRegularFile(absolute(io, path), bytesLeft).catch((cause: unknown) => {
      if (!(cause instanceof UnfitFileError) || cause.code !== 'TOO_LARGE') return undefined;
      bytesLeft = -1;
      return undefined;
    });
    if (bytesLeft < 0) break;
    if (!bytes) continue;
    bytesLeft -= bytes.length;
    if (createHash('sha256').update(bytes).digest('hex') !== digest) changed.push(path);
  }
  const note = (summary: string, file?: string): Diagnostic => ({
    severity: 'note',
    code: 'manifest-changed',
    summary: `${summary}; the approved plan is applied`,
    ...(file === undefined ? {} : { where: { file } }),
  });
  const since = `since the plan was made at ${created_at}`;
  const more = changed.length - CHANGED_SHOWN_MAX;
  return [
    ...changed.slice(0, CHANGED_SHOWN_MAX).map((file) => note(`${file} has changed ${since}`, file)),
    ...(more > 0 ? [note(`${more} more manifests have changed ${since}`)] : []),
    ...(bytesLeft < 0
      ? [
          note(
            `the manifests have grown beyond ${LIMITS.bytes / 1024 / 1024} MiB ${since}, and not all were compared`,
          ),
        ]
      : []),
  ];
}

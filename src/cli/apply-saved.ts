import { createHash } from 'node:crypto';
import { canonicalJson } from '../domain/canonical-json.ts';
import { type Diagnostic, error } from '../domain/diagnostic.ts';
import { EXIT, type ExitCode, Failure } from '../domain/errors.ts';
import { hasChanges, type Plan } from '../domain/plan.ts';
import { NOT_TRUSTED } from '../domain/policy-check.ts';
import type { SavedPlan, SignatureFinding } from '../domain/saved-plan.ts';
import type { ManifestFile } from '../domain/spec.ts';
import type { State } from '../domain/state.ts';
import { sameTarget, type Target } from '../domain/target.ts';
import { locate } from '../files/checkout.ts';
import { readRegularFile } from '../files/read-file.ts';
import { LIMITS } from '../manifest/limits.ts';
import { approved, pinnedSpecs, plannedAddresses } from '../planner/approved.ts';
import { followPlan, type UnderWay } from '../planner/follow-plan.ts';
import { standingOf } from '../planner/standing.ts';
import { planBody } from '../views/plan/plan-text.ts';
import { savedPlanHeading } from '../views/saved-plan-text.ts';
import { type ApplyFlags, carryOut, followDespite, shownAs, unsigned, withParallelism } from './apply.ts';
import { connectCloud } from './cloud.ts';
import type { Io } from './io.ts';
import { readPlan, sha256 } from './plan-file.ts';
import { findSigner, trustedKeys } from './plan-keys.ts';
import { makePlan, refusal } from './planning.ts';
import { absolute, actor, backend, commitOf, settings } from './setup.ts';
import { showDiagnostics } from './show.ts';
import { tellSerial } from './state-check.ts';
import { warnOfTokenEnd } from './token-end.ts';
import { usage } from './usage.ts';
import { waiversOf } from './waivers.ts';

/**
 * Does what a saved plan says, and nothing else. Its signature is looked at first. Under the lock it is held against
 * state and cloud; what differs from what was approved refuses it whole, before anything is sent. The plan is the
 * consent: nobody is asked.
 */
export async function applySaved(io: Io, path: string, flags: ApplyFlags): Promise<ExitCode> {
  refuseOtherSelections(flags);
  const given = withParallelism(await settings(io, flags), flags.parallelism);
  const waivers = waiversOf(flags);
  const keys = await trustedKeys(io, flags.trustedKeys);
  const saved = await readPlan(io, path);
  const signed = findSigner(saved, keys);
  if (keys) refuseUntrusted(path, signed);
  const untrusted = unsigned(io, given, waivers, signed);
  if (untrusted) throw untrusted;
  const manifests = await ownManifests(io, saved);
  const store = await backend(io, flags, given, 'to change');
  const connection = await connectCloud(io, flags, given);
  try {
    const { driver } = connection;
    const lease = await store.lock(
      actor(io, 'apply', { plan_digest: saved.digest, waivers, ...(await commitOf(io, manifests)) }),
      flags.lockTimeout,
      io.stop,
    );
    try {
      const state = lease.state();
      const refuse = (refused: Failure, left?: Plan) =>
        followDespite(
          io,
          flags,
          refused,
          { plan: left ?? ownUnderWay(saved, state, driver.target), planDigest: saved.digest },
          lease,
          connection,
          given,
        );
      const standing = standingOf(
        saved,
        {
          state,
          location: store.location,
          target: driver.target,
          now: Date.now(),
          ...(flags.maxAge === undefined ? {} : { maxAgeMs: flags.maxAge }),
        },
        sha256,
      );
      if (standing.kind === 'stale') return await refuse(new Failure('refused', standing.reasons));
      showDiagnostics(io, [
        ...policyChanged(saved, given.config.policy),
        ...(await manifestsChanged(io, saved, manifests)),
      ]);

      const fresh = await makePlan({
        specs: pinnedSpecs(saved),
        files: manifests,
        state,
        driver,
        settings: given,
        only: plannedAddresses(saved),
        waivers,
      });
      const judged = approved(saved, standing, fresh);
      if (judged.kind === 'refused') return await refuse(new Failure('refused', judged.reasons));
      const { plan } = judged;
      if (flags.output === 'text') {
        const options = shownAs(io, flags, given, store.location);
        io.stdout.write(`${savedPlanHeading(saved, path, signed, options)}${planBody(plan, options)}\n`);
      }
      const refused = refusal(plan, flags.skipBlocked === true);
      if (refused) return await refuse(refused, plan);
      if (!hasChanges(plan) && !plan.actions.some(({ kind }) => kind === 'blocked')) {
        if (flags.output === 'text') io.stdout.write('Nothing to do.\n');
        tellSerial(io, flags.output, lease.state());
        return EXIT.done;
      }
      warnOfTokenEnd(io, connection, plan, given.config);
      return await carryOut(io, flags, { plan, planDigest: saved.digest }, lease, connection, given);
    } finally {
      await lease.release();
    }
  } finally {
    await connection.close();
  }
}

/** Who names trusted keys takes nothing else, whatever the policy asks for. */
function refuseUntrusted(path: string, signed: SignatureFinding): void {
  if (signed.kind === 'valid') return;
  throw new Failure(
    'refused',
    error('plan-not-trusted', `${path} is refused: ${NOT_TRUSTED[signed.kind]}`, {
      remedy: `sign it where it is made: vbsctl plan --out plan.json --sign KEY; or add the signer's public key to the trusted ones. What is under way is followed by: vbsctl wait`,
    }),
  );
}

/**
 * What runs of this very plan left under way. It is followed also when the plan has become stale; not, though, with
 * the credentials of another project.
 */
function ownUnderWay(saved: SavedPlan, state: State | undefined, target: Target): Plan {
  const own = [...(state?.records.values() ?? [])].filter(
    (record): record is UnderWay =>
      record.plan_digest === saved.digest && (record.status === 'intended' || record.status === 'running'),
  );
  const follows = state && sameTarget(state.target, target) ? own : [];
  return followPlan(follows, saved.state, target, saved.created_at);
}

function refuseOtherSelections(flags: ApplyFlags): void {
  const given = [
    ...(flags.filename?.length ? ['-f'] : []),
    ...(flags.target?.length ? ['--target'] : []),
    ...(flags.initState ? ['--init-state'] : []),
  ];
  if (given.length === 0) return;
  throw usage(
    `${given.join(' and ')} cannot be given together with a saved plan, which says already what is done`,
    `leave ${given.length === 1 ? 'it' : 'them'} out, or apply the manifests without a saved plan`,
  );
}

function policyChanged({ policy_sha256, created_at }: SavedPlan, policy: object): Diagnostic[] {
  if (sha256(canonicalJson(policy)) === policy_sha256) return [];
  return [
    {
      severity: 'note',
      code: 'policy-changed',
      summary: `the policy is not the one of ${created_at}, when the plan was made; today’s is what counts`,
    },
  ];
}

/** Those in the working directory: the paths are the plan file's word, and nothing outside is read on it. */
async function ownManifests(io: Io, { manifests }: SavedPlan): Promise<readonly ManifestFile[]> {
  const inside = await Promise.all(
    manifests.map(async ({ path }) => {
      if (path === '-') return false;
      return await locate(absolute(io, path), [io.cwd]).then(
        ({ inCheckout }) => inCheckout,
        () => false,
      );
    }),
  );
  return manifests.filter((_, index) => inside[index]);
}

/** The plan stands for itself; but who sees the manifests beside it should know that they say something else. */
async function manifestsChanged(
  io: Io,
  { created_at }: SavedPlan,
  manifests: readonly ManifestFile[],
): Promise<Diagnostic[]> {
  const changed: string[] = [];
  for (const { path, sha256: digest } of manifests) {
    const bytes = await readRegularFile(absolute(io, path), LIMITS.bytes).catch(() => undefined);
    if (bytes && createHash('sha256').update(bytes).digest('hex') !== digest) changed.push(path);
  }
  return changed.map((file) => ({
    severity: 'note',
    code: 'manifest-changed',
    summary: `${file} is not the one of ${created_at}, which the plan was made of; what was approved is applied`,
    where: { file },
  }));
}

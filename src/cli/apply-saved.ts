import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { canonicalJson } from '../domain/canonical-json.ts';
import type { Diagnostic } from '../domain/diagnostic.ts';
import { EXIT, type ExitCode, Failure } from '../domain/errors.ts';
import { hasChanges, type Plan } from '../domain/plan.ts';
import type { SavedPlan } from '../domain/saved-plan.ts';
import type { State } from '../domain/state.ts';
import { sameTarget, type Target } from '../domain/target.ts';
import { LIMITS } from '../manifest/limits.ts';
import { approved, pinnedSpecs } from '../planner/approved.ts';
import { followPlan, type UnderWay } from '../planner/follow-plan.ts';
import { standingOf } from '../planner/standing.ts';
import { planBody } from '../views/plan/plan-text.ts';
import { savedPlanText } from '../views/saved-plan-text.ts';
import { type ApplyFlags, carryOut, followDespite, shownAs, withParallelism } from './apply.ts';
import { connectCloud } from './cloud.ts';
import type { Io } from './io.ts';
import { readPlan, sha256 } from './plan-file.ts';
import { makePlan, refusal } from './planning.ts';
import { absolute, actor, backend, commitOf, settings } from './setup.ts';
import { showDiagnostics } from './show.ts';
import { tellSerial } from './state-check.ts';
import { warnOfTokenEnd } from './token-end.ts';
import { usage } from './usage.ts';
import { waiversOf } from './waivers.ts';

/**
 * Does what a saved plan says, and nothing else. Under the lock it is held against state and cloud; what differs
 * from what was approved refuses it whole, before anything is sent. The plan is the consent: nobody is asked.
 */
export async function applySaved(io: Io, path: string, flags: ApplyFlags): Promise<ExitCode> {
  refuseOtherSelections(flags);
  const given = withParallelism(await settings(io, flags), flags.parallelism);
  const saved = await readPlan(io, path);
  const store = await backend(io, flags, given, 'to change');
  const connection = await connectCloud(io, flags, given);
  try {
    const { driver } = connection;
    const waivers = waiversOf(flags);
    const lease = await store.lock(
      actor(io, 'apply', {
        plan_digest: saved.digest,
        waivers,
        ...(await commitOf(io, saved.plan.manifests)),
      }),
      flags.lockTimeout,
      io.stop,
    );
    try {
      const state = lease.state();
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
      if (standing.kind === 'stale') return await refuse(new Failure('refused', standing.reasons));
      showDiagnostics(io, [
        ...policyChanged(saved, given.config.policy),
        ...(await manifestsChanged(io, saved)),
      ]);

      const fresh = await makePlan({
        specs: pinnedSpecs(saved),
        files: [],
        state,
        driver,
        settings: given,
        only: [],
        waivers,
      });
      const judged = approved(saved, standing, fresh);
      if (judged.kind === 'refused') return await refuse(new Failure('refused', judged.reasons));
      const { plan } = judged;
      if (flags.output === 'text') {
        const options = shownAs(io, flags, given, store.location);
        io.stdout.write(`${savedPlanText(saved, path, options)}${planBody(plan, options)}\n`);
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

/**
 * What runs of this very plan left under way. It is followed also when the plan has become stale; not, though, with
 * the credentials of another project.
 */
function ownUnderWay({ digest, plan }: SavedPlan, state: State | undefined, target: Target): Plan {
  const own = [...(state?.records.values() ?? [])].filter(
    (record): record is UnderWay =>
      record.plan_digest === digest && (record.status === 'intended' || record.status === 'running'),
  );
  return state && sameTarget(state.target, target)
    ? followPlan(own, state, target, plan.created_at)
    : { ...plan, actions: [], moves: [] };
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

function policyChanged({ policy_sha256, plan }: SavedPlan, policy: object): Diagnostic[] {
  if (sha256(canonicalJson(policy)) === policy_sha256) return [];
  return [
    {
      severity: 'note',
      code: 'policy-changed',
      summary: `the policy is not the one of ${plan.created_at}, when the plan was made; today’s is what counts`,
    },
  ];
}

/** The plan stands for itself; but who sees the manifests beside it should know that they say something else. */
async function manifestsChanged(io: Io, { plan }: SavedPlan): Promise<Diagnostic[]> {
  const changed: string[] = [];
  for (const { path, sha256 } of plan.manifests) {
    const bytes = path === '-' ? undefined : await readManifest(absolute(io, path)).catch(() => undefined);
    if (bytes && createHash('sha256').update(bytes).digest('hex') !== sha256) changed.push(path);
  }
  return changed.map((file) => ({
    severity: 'note',
    code: 'manifest-changed',
    summary: `${file} is not the one of ${plan.created_at}, which the plan was made of; what was approved is applied`,
    where: { file },
  }));
}

/** The path is the plan file's word: a device or a pipe that it names must not hold up the run. */
async function readManifest(path: string): Promise<Buffer | undefined> {
  const found = await stat(path);
  return found.isFile() && found.size <= LIMITS.bytes ? await readFile(path) : undefined;
}

import { isoTime } from '../domain/clock.ts';
import { error } from '../domain/diagnostic.ts';
import { EXIT, type ExitCode, Failure, unreachable } from '../domain/errors.ts';
import type { Action, ExpiredAction, RestoreAction } from '../domain/plan.ts';
import { statusWord } from '../domain/record.ts';
import { importRestore, type Proof } from '../executor/import.ts';
import { connectCloud } from './cloud.ts';
import type { ManifestFlags } from './flags.ts';
import type { Io } from './io.ts';
import { makePlan } from './planning.ts';
import { actor, backend, commitOf, manifests, settings } from './setup.ts';
import { systemClock } from './system.ts';
import { usage } from './usage.ts';

export interface ImportFlags extends ManifestFlags {
  readonly jobId?: string;
  readonly succeededAt?: string;
  readonly reason?: string;
  readonly lockTimeout: number;
}

/** Writes down that a declared restore was done by hand. */
export async function importByHand(io: Io, address: string, flags: ImportFlags): Promise<ExitCode> {
  const proof = proofOf(flags, io.who);
  const given = await settings(io, flags);
  const declared = await manifests(io, flags, given);
  const store = await backend(io, flags, given, 'to change');
  const connection = await connectCloud(io, flags, given);
  try {
    const lease = await store.lock(
      actor(io, 'import', await commitOf(io, declared.files)),
      flags.lockTimeout,
      io.stop,
    );
    try {
      const state = lease.state();
      if (!state)
        throw new Failure(
          'refused',
          error('no-state', `there is no state at ${store.location}`, {
            remedy: 'create it: vbsctl init, or name it: --state',
          }),
        );
      const plan = await makePlan({
        ...declared,
        state,
        driver: connection.driver,
        // What was done was done, whatever the policy says of doing it.
        settings: { ...given, config: { ...given.config, policy: { protected_volumes: [] } } },
        only: [address],
        waivers: ['protected-restores'],
      });
      const action = plan.actions.find((one) => one.address === address);
      if (!action) throw new Error(`${address} was not planned`);
      const open = importable(action);
      if (plan.moves.length > 0) await lease.commit([{ type: 'moved', moves: plan.moves }]);
      await importRestore(lease, connection.driver, systemClock, open, proof);
      io.stdout.write(
        `${address} is now recorded as succeeded, done by hand; it will not be restored again.\n`,
      );
      return EXIT.done;
    } finally {
      await lease.release();
    }
  } finally {
    await connection.close();
  }
}

function proofOf({ jobId, succeededAt, reason }: ImportFlags, who: string): Proof {
  const at = succeededAt === undefined ? undefined : timeOf(succeededAt);
  if (jobId !== undefined)
    return {
      by: 'job',
      job_id: jobId,
      reason: reason ?? 'the cloud says that the job succeeded',
      who,
      ...(at === undefined ? {} : { succeeded_at: at }),
    };
  if (at === undefined || reason === undefined)
    throw usage(
      '--job-id or --succeeded-at with --reason is required',
      'give --job-id ID, or, if the service has forgotten the job, --succeeded-at TIME --reason "…"',
    );
  return { by: 'word', succeeded_at: at, reason, who };
}

function timeOf(text: string): string {
  const zoned = /^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}(:\d{2}(\.\d+)?)?([Zz]|[+-]\d{2}:\d{2})$/.test(text);
  const ms = zoned ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(ms))
    throw usage(
      `invalid value ${JSON.stringify(text)} for --succeeded-at: expected a time with a time zone`,
      'write it like 2026-11-23T22:00:00+01:00',
    );
  return isoTime(ms);
}

function importable(action: Action): RestoreAction | ExpiredAction {
  switch (action.kind) {
    case 'restore':
    case 'expired':
      return action;
    case 'noop':
      throw refused(
        'already-done',
        `${action.address} is recorded as done at ${action.done_at}`,
        'to restore it again, raise its generation',
      );
    case 'resume':
      throw refused(
        'under-way',
        `${action.address} is ${statusWord(action.record.status)}: vbsctl itself began it`,
        'bring it to its end: vbsctl apply',
      );
    case 'blocked':
      throw new Failure(
        'refused',
        action.reasons.map((reason) => ({ ...reason, where: { address: action.address } })),
      );
    default:
      return unreachable(action);
  }
}

function refused(code: string, summary: string, remedy: string): Failure {
  return new Failure('refused', error(code, summary, { remedy }));
}

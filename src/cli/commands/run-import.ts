import { importByHand as record } from '../../app/import.ts';
import { isoTime } from '../../domain/clock.ts';
import { EXIT, type ExitCode } from '../../domain/errors.ts';
import type { ImportProof } from '../../executor/import-restore.ts';
import type { Io } from '../io.ts';
import type { ManifestFlags } from '../options/shared.ts';
import { ports } from '../run-ports.ts';
import { actor, commitOf, loadSettings, manifests, openState } from '../setup.ts';
import { usage } from '../usage.ts';

export interface ImportFlags extends ManifestFlags {
  readonly jobId?: string;
  readonly succeededAt?: string;
  readonly reason?: string;
  readonly lockTimeout: number;
}

/** Writes down that a declared restore was done by hand. */
export async function importByHand(io: Io, address: string, flags: ImportFlags): Promise<ExitCode> {
  const proof = proofOf(flags, io.who);
  const settings = await loadSettings(io, flags);
  const declared = await manifests(io, flags, settings);
  const backend = await openState(io, flags, settings, 'write');
  await record(
    {
      address,
      declared,
      proof,
      actor: actor(io, 'import', await commitOf(io, declared.files)),
      lockTimeoutMs: flags.lockTimeout,
    },
    ports(io, flags, settings, backend),
  );
  io.stdout.write(`${address} is now recorded as succeeded, done by hand; it will not be restored again.\n`);
  return EXIT.done;
}

function proofOf({ jobId, succeededAt, reason }: ImportFlags, who: string): ImportProof {
  const at = succeededAt === undefined ? undefined : isoTime(Date.parse(succeededAt));
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
      'add --job-id ID; or, if the service no longer has the job, --succeeded-at TIME --reason "…"',
    );
  return { by: 'operator', succeeded_at: at, reason, who };
}

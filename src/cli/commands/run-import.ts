import { importByHand } from '../../app/import.ts';
import { isoTime } from '../../domain/clock.ts';
import { EXIT, type ExitCode, usage } from '../../domain/errors.ts';
import { optional } from '../../domain/optional.ts';
import type { ImportProof } from '../../executor/import-restore.ts';
import { ports } from '../command-ports.ts';
import { loadContext, readManifests } from '../context.ts';
import type { Io } from '../io.ts';
import { commitOf, lockRequest } from '../lock-request.ts';
import { openState } from '../open-state.ts';
import type { ManifestFlags } from '../options/shared.ts';

export interface ImportFlags extends ManifestFlags {
  readonly jobId?: string;
  readonly succeededAt?: string;
  readonly reason?: string;
  readonly lockTimeout: number;
}

/** Records a declared restore that was done without vbsctl. */
export async function importRestore(io: Io, address: string, flags: ImportFlags): Promise<ExitCode> {
  const proof = proofOf(flags, io.who);
  const context = await loadContext(io, flags);
  const declared = await readManifests(context);
  const backend = await openState(context, 'write');
  await importByHand(
    {
      address,
      declared,
      proof,
      ...lockRequest(io, 'import', flags, await commitOf(io, declared.files)),
    },
    ports(context, backend),
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
      ...optional('succeeded_at', at),
    };
  if (at === undefined || reason === undefined)
    throw usage(
      '--job-id or --succeeded-at with --reason is required',
      'add --job-id ID; or, if the service no longer has the job, --succeeded-at TIME --reason "…"',
    );
  return { by: 'operator', succeeded_at: at, reason, who };
}

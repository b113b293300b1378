import { formatDuration } from '../domain/duration.ts';
import type { SuccessProof } from '../domain/observation.ts';
import type { RestoreRun } from './restore-run.ts';
import { stoppableReads } from './stoppable-reads.ts';

/** How long the last look may take, with repeated reads. The success is stored after it, and what depends on it waits. */
const LAST_LOOK_MAX_MS = 30_000;

/**
 * The proof of a success, and how volume and backup looked at the end: a job proves the success alone, but people ask later
 * what the cloud showed. What cannot be read in time is kept as unreadable, with the reason.
 */
export async function withLastLook(restore: RestoreRun, proof: SuccessProof): Promise<SuccessProof> {
  if (proof.volume && proof.backup) return proof;
  const { clock, stop } = restore.run;
  const reads = stoppableReads(stop);
  clock.sleep(LAST_LOOK_MAX_MS, reads.signal).then(
    () => reads.end(),
    () => {},
  );
  try {
    const { at, volume, backup } = (await restore.readBoth(reads.signal)).seen;
    return { ...proof, at, volume, backup };
  } catch (cause) {
    if (!reads.signal.aborted) throw cause;
    const reason = stop.aborted
      ? 'the run was stopped'
      : `the cloud did not answer within ${formatDuration(LAST_LOOK_MAX_MS)}`;
    const unread = { reading: 'unreadable', reason } as const;
    return { ...proof, volume: unread, backup: unread };
  } finally {
    reads.end();
  }
}

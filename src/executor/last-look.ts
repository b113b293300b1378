import { formatDuration } from '../domain/duration.ts';
import type { SuccessProof } from '../domain/observation.ts';
import type { RestoreRun } from './restore-run.ts';

/** How long the last look may take, with repeated reads. The success is stored after it, and what depends on it waits. */
const LAST_LOOK_MAX_MS = 30_000;

/**
 * The proof of a success, and how volume and backup looked at the end: a job proves the success alone, but people ask later
 * what the cloud showed. What cannot be read in time is kept as unreadable, with the reason.
 */
export async function withLastLook(restore: RestoreRun, proof: SuccessProof): Promise<SuccessProof> {
  if (proof.volume && proof.backup) return proof;
  const { clock, stop } = restore.run;
  const reading = new AbortController();
  const onStop = () => reading.abort(stop.reason);
  if (stop.aborted) onStop();
  else stop.addEventListener('abort', onStop, { once: true });
  clock.sleep(LAST_LOOK_MAX_MS, reading.signal).then(
    () => reading.abort(),
    () => {},
  );
  try {
    const { at, volume, backup } = (await restore.readBoth(reading.signal)).seen;
    return { ...proof, at, volume, backup };
  } catch (cause) {
    if (!reading.signal.aborted) throw cause;
    const reason = stop.aborted
      ? 'the run was stopped'
      : `the cloud did not answer within ${formatDuration(LAST_LOOK_MAX_MS)}`;
    const unread = { reading: 'unreadable', reason } as const;
    return { ...proof, volume: unread, backup: unread };
  } finally {
    stop.removeEventListener('abort', onStop);
    reading.abort();
  }
}

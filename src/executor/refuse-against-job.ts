import type { Job } from '../domain/cloud.ts';
import { refused, unreachable } from '../domain/errors.ts';
import { shellOperand } from '../domain/escape/shell-word.ts';
import { jobIdOf, type Resolution, type RestoreRecord } from '../domain/record.ts';
import type { Driver } from '../drivers/driver.ts';
import { otherWork } from './judge-running.ts';

/**
 * Throws a Failure (`refused`) if the job of the restore contradicts the operator or has not ended: VBS changes neither
 * volume nor backup before a queued job begins. A job that did other work is ignored. If the job cannot be read, only
 * `not-started` is refused, after which a second request may be sent. Resolves to `gone` if the job is not found. A single
 * such answer may come from a gateway, so a caller that relies on it asks again.
 */
export async function refuseAgainstJob(
  driver: Driver,
  record: RestoreRecord,
  as: Resolution['as'],
  stop: AbortSignal,
): Promise<'gone' | undefined> {
  const id = jobIdOf(record);
  if (id === undefined) return undefined;
  const reading = await driver.job(id, stop);
  switch (reading.kind) {
    case 'gone':
      return 'gone';
    case 'unreadable':
      if (as === 'not-started')
        throw refused(
          'cannot-read',
          `job ${id} of ${record.address} cannot be read, so --as not-started cannot be checked: ${reading.failure.message}`,
          'try again when the cloud answers',
        );
      return undefined;
    case 'found':
      if (otherWork(reading.value, record) === undefined) refuseAgainst(reading.value, record, as);
      return undefined;
    default:
      return unreachable(reading);
  }
}

function refuseAgainst({ id, status, raw_status }: Job, record: RestoreRecord, as: Resolution['as']): void {
  const contradicted = `job ${id} is ${raw_status}: ${record.address} cannot be ${as}`;
  switch (status) {
    case 'init':
    case 'running':
      throw refused(
        'job-under-way',
        `job ${id} is ${raw_status}: the restore of ${record.address} has not ended`,
        record.status === 'running'
          ? `wait for its end: vbsctl wait ${shellOperand(record.address)}`
          : 'wait for the job to end, then decide',
      );
    case 'unrecognised':
      // The operator may know that the job is over, but not that it will never begin.
      if (as === 'not-started')
        throw refused(
          'job-not-understood',
          contradicted,
          'wait for the job to end; if it never does, resolve with --as failed',
        );
      return;
    case 'success':
      if (as === 'not-started') throw refused('job-succeeded', contradicted, 'resolve with --as succeeded');
      return;
    case 'fail':
      if (as === 'succeeded') throw refused('job-failed', contradicted, 'resolve with --as failed');
      return;
    default:
      unreachable(status);
  }
}

import type { Job } from '../domain/cloud.ts';
import { refused, unreachable } from '../domain/errors.ts';
import { shellOperand } from '../domain/escape/shell-word.ts';
import { jobIdOf, type Resolution, type RestoreRecord } from '../domain/record.ts';
import type { Driver } from '../drivers/driver.ts';
import { otherWork } from './judge-running.ts';

/**
 * Throws a Failure (`refused`) where the job of the restore says otherwise than the person, or has not ended: VBS moves
 * neither disk nor backup before a queued job begins. A job that did other work says nothing; one that cannot be read is no
 * objection but to `not-started`, which would clear the way for a second request. Resolves to whether the job is gone:
 * one such answer may be a gateway's, so who relies on it asks again.
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
          'cannot-look',
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
      // A person may know that it is over, but not that it never begins.
      if (as === 'not-started')
        throw refused(
          'job-not-understood',
          contradicted,
          'wait for the job to end; if it never does, say --as failed',
        );
      return;
    case 'success':
      if (as === 'not-started') throw refused('job-succeeded', contradicted, 'say --as succeeded');
      return;
    case 'fail':
      if (as === 'succeeded') throw refused('job-failed', contradicted, 'say --as failed');
      return;
    default:
      unreachable(status);
  }
}

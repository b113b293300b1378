import type { FailureReport } from '../drivers/driver.ts';
import type { RestoreRun } from './restore-run.ts';

/** A failure with the reason that the cloud gives for it elsewhere, if it gives one. */
export async function withCloudsReason(restore: RestoreRun, failure: string): Promise<string> {
  const report = await failureReport(restore);
  return report.kind === 'failed' ? `${failure}: ${report.reason}` : failure;
}

/** What the cloud reports about this restore apart from volume, backup and job. */
export async function failureReport({ run, record }: RestoreRun): Promise<FailureReport> {
  const requests = (record?.attempts ?? []).flatMap(({ request_id }) => request_id ?? []);
  const report = await run.driver.failureReason?.(requests, run.stop);
  if (report?.kind !== 'failed') return report ?? { kind: 'unavailable' };
  return { kind: 'failed', reason: `${report.reason} (request ${requests.join(', ')})` };
}

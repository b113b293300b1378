import type { FailureReport } from '../drivers/driver.ts';
import type { RestoreRun } from './run.ts';

/** A failure that the cloud showed, with what the cloud says of it elsewhere, if anything. */
export async function withCloudsReason(session: RestoreRun, shown: string): Promise<string> {
  const said = await failureReport(session);
  return said.kind === 'failed' ? `${shown}: ${said.reason}` : shown;
}

/** What the cloud says of a failure of this restore, apart from disk, backup and job. */
export async function failureReport({ run, record }: RestoreRun): Promise<FailureReport> {
  const requests = (record?.attempts ?? []).flatMap(({ request_id }) => request_id ?? []);
  const said = await run.driver.failureReason?.(requests, run.stop);
  if (said?.kind !== 'failed') return said ?? { kind: 'untold' };
  return { kind: 'failed', reason: `${said.reason} (request ${requests.join(', ')})` };
}

import type { Session } from './run.ts';

/** A failure that the cloud showed, with what the cloud says of it elsewhere, if anything. */
export async function withCloudsReason(session: Session, shown: string): Promise<string> {
  const { driver, stop } = session.run;
  const requests = (session.record?.attempts ?? []).flatMap(({ request_id }) => request_id ?? []);
  const said = await driver.failureReason?.(requests, stop);
  return said === undefined ? shown : `${shown}: ${said} (request ${requests.join(', ')})`;
}

import type { Session } from './run.ts';

/** A failure that the cloud showed, with what the cloud says of it elsewhere, if anything. */
export async function withCloudsReason(session: Session, shown: string): Promise<string> {
  const said = await cloudsReason(session);
  return said === undefined ? shown : `${shown}: ${said}`;
}

/** What the cloud says of a failure of this restore, apart from disk, backup and job; it may have nothing to say. */
export async function cloudsReason({ run, record }: Session): Promise<string | undefined> {
  const requests = (record?.attempts ?? []).flatMap(({ request_id }) => request_id ?? []);
  const said = await run.driver.failureReason?.(requests, run.stop);
  return said === undefined ? undefined : `${said} (request ${requests.join(', ')})`;
}

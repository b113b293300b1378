import type { LockHolder } from '../../domain/lock-holder.ts';
import { optional } from '../../domain/optional.ts';
import type { Secrets } from '../../domain/secrets.ts';
import { anyObject, jsonOf } from '../../domain/shape.ts';
import { displayLock, LOCK_ID } from '../lock-info.ts';

/** A lock whose id is known. */
export type IdentifiedLock = LockHolder & { readonly id: string };

/**
 * A lock as Terraform and OpenTofu write it (internal/states/statemgr/locker.go). It has all seven keys, because GitLab
 * refuses a lock that lacks one. Host and pid are in `Info` together with the id that they belong to: if GitLab refuses a
 * lock, it answers with the id of the holder, but with the `Info` and `Operation` of the request.
 */
export function encodeLock({
  id,
  operation = '',
  who = '',
  version = '',
  since = '',
  host = '',
  pid = 0,
}: IdentifiedLock): string {
  const Info = JSON.stringify({ vbsctl: id, host, pid });
  return JSON.stringify({
    ID: id,
    Operation: operation,
    Info,
    Who: who,
    Version: version,
    Created: since,
    Path: '',
  });
}

/** The holder; undefined if the answer does not name it. */
export function decodeLock(body: string, secrets?: Secrets): LockHolder | undefined {
  const value = jsonOf(body, anyObject);
  if (!value) return undefined;
  const text = (key: string) => textOf(value[key]);
  const id = text('ID');
  if (id === undefined || !LOCK_ID.test(id)) return undefined;
  const info = jsonOf(text('Info') ?? '', anyObject);
  const ours = typeof info?.vbsctl === 'string' ? info : undefined;
  const theirs = ours?.vbsctl === id ? ours : undefined;
  const holder = {
    id,
    ...optional('who', text('Who')),
    ...optional('host', textOf(theirs?.host)),
    ...optional('pid', typeof theirs?.pid === 'number' ? theirs.pid : undefined),
    ...optional('operation', ours && !theirs ? undefined : text('Operation')),
    ...optional('since', text('Created')),
    ...optional('version', theirs && text('Version')),
  };
  return displayLock(holder, secrets);
}

/** Undefined for an empty text, too: some servers write it for an unknown value. */
function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

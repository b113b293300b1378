import type { LockHolder } from '../../domain/lock-holder.ts';
import { optional } from '../../domain/optional.ts';
import type { Secrets } from '../../domain/secrets.ts';
import { jsonOf, object } from '../../domain/shape.ts';
import { bounded, LOCK_ID } from '../lock-info.ts';

/** A lock of which at least the id is known. */
export type IdentifiedLock = LockHolder & { readonly id: string };

/**
 * A lock as Terraform and OpenTofu write it (internal/states/statemgr/locker.go): seven keys, all of them, since
 * GitLab refuses a lock that lacks one. Host and pid stand in `Info`, with the id that they belong to: GitLab
 * answers a refused lock with the id of the holder and the `Info` and `Operation` of who asked.
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

/** Whose lock it is; undefined when the answer does not say. */
export function decodeLock(body: string, secrets?: Secrets): LockHolder | undefined {
  const value = jsonOf(body, object);
  if (!value) return undefined;
  const text = (key: string) => textOf(value[key]);
  const id = text('ID');
  if (id === undefined || !LOCK_ID.test(id)) return undefined;
  const info = jsonOf(text('Info') ?? '', object);
  const ours = typeof info?.vbsctl === 'string' ? info : undefined;
  const theirs = ours?.vbsctl === id ? ours : undefined;
  const told = {
    id,
    ...optional('who', text('Who')),
    ...optional('host', textOf(theirs?.host)),
    ...optional('pid', typeof theirs?.pid === 'number' ? theirs.pid : undefined),
    ...optional('operation', ours && !theirs ? undefined : text('Operation')),
    ...optional('since', text('Created')),
    ...optional('version', theirs && text('Version')),
  };
  return bounded(told, secrets);
}

/** Undefined for the empty text, too: some servers write it for what they do not know. */
function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

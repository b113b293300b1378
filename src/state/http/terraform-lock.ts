import type { Secrets } from '../../domain/secrets.ts';
import type { LockInfo } from '../backend.ts';
import { bounded, LOCK_ID } from '../lock-info.ts';
import { isObject } from '../shape.ts';

/**
 * A lock as Terraform and OpenTofu write it (internal/states/statemgr/locker.go): seven keys, all of them, since
 * GitLab refuses a lock that lacks one. Host and pid stand in `Info`, with the id that they belong to: GitLab
 * answers a refused lock with the id of the holder and the `Info` and `Operation` of who asked.
 */
export function encodeLock({ id, operation, who, version, since, host, pid }: LockInfo): string {
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

/** Whose lock it is; undefined when the answer does not say. What it does not know is empty (pid: 0). */
export function decodeLock(body: string, secrets?: Secrets): LockInfo | undefined {
  const value = parsed(body);
  if (!isObject(value)) return undefined;
  const text = (key: string) => (typeof value[key] === 'string' ? value[key] : '');
  const id = text('ID');
  if (!LOCK_ID.test(id)) return undefined;
  const info = parsed(text('Info'));
  const ours = isObject(info) && typeof info.vbsctl === 'string' ? info : undefined;
  const theirs = ours?.vbsctl === id ? ours : undefined;
  const told = {
    id,
    who: text('Who'),
    host: typeof theirs?.host === 'string' ? theirs.host : '',
    pid: typeof theirs?.pid === 'number' ? theirs.pid : 0,
    operation: ours && !theirs ? '' : text('Operation'),
    since: text('Created'),
    version: theirs ? text('Version') : '',
  };
  return bounded(told, secrets);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

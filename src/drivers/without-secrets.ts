import { looksLikeId } from '../domain/cloud.ts';
import { NAME_LENGTH_MAX, type Secrets } from '../domain/secrets.ts';
import { UnexpectedShape } from './fields.ts';

/**
 * Masks secrets in the texts of a parsed answer, and limits their length: the name of a volume goes into the plan and
 * the state. Ids, and statuses that the APIs document, decide what is done and are never changed. An id or a number
 * that repeats a secret is refused (UnexpectedShape).
 */
export function withoutSecrets<T>(value: T, secrets: Secrets | undefined): T {
  return secrets === undefined ? value : (masked(value, '', secrets) as T);
}

function masked(value: unknown, key: string, secrets: Secrets): unknown {
  if (typeof value === 'string') return maskedText(value, key, secrets);
  if (typeof value === 'number') return sameNumber(value, key, secrets);
  if (Array.isArray(value)) return value.map((each) => masked(each, key, secrets));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, masked(each, name, secrets)]));
}

const ID_KEY = /(^|_)id$/;
/** Keys of sentences, in which a short secret is masked, too. So it is in a status that no API documents. */
const MESSAGES = /^(reasons|fail_reason|text|.*status)$/;

function maskedText(text: string, key: string, secrets: Secrets): string {
  if (key.endsWith('status') && STATUSES.has(text.toLowerCase())) return text;
  // An id may contain part of a password by chance. But a complete secret is refused: a token of an old Keystone, or a
  // password in hex.
  if (ID_KEY.test(key) && looksLikeId(text) && !secrets.isIn(text)) return text;
  const bounded = text.length > NAME_LENGTH_MAX ? `${text.slice(0, NAME_LENGTH_MAX)}…` : text;
  const without = MESSAGES.test(key) ? secrets.maskMessage(bounded) : secrets.maskName(bounded);
  if (without !== text && ID_KEY.test(key))
    throw new UnexpectedShape(`${key} is too long, or repeats a credential`);
  return without;
}

function sameNumber(value: number, key: string, secrets: Secrets): number {
  if (secrets.isIn(String(value))) throw new UnexpectedShape(`${key} repeats a credential`);
  return value;
}

/**
 * Statuses of volumes, backups, servers, jobs and replication that Cinder, Nova, EVS and VBS document. They are never
 * masked, even if a password is the same word. Any other word may be a password.
 */
const STATUSES: ReadonlySet<string> = new Set(
  `
  creating available reserved attaching detaching in-use maintenance deleting awaiting-transfer error error_deleting
  backing-up restoring-backup error_backing-up error_restoring error_extending downloading uploading retyping extending
  managing unmanaging error_managing error_managing_deleting error_unmanaging rollbacking error_rollbacking migrating
  restoring deleted active build hard_reboot password paused reboot rebuild rescue resize revert_resize shelved
  shelved_offloaded shutoff soft_deleted suspended unknown verify_resize init running success fail copying inactive
  active-stopped disabled enabled not-capable failing-over failed-over failover-error
  `
    .trim()
    .split(/\s+/),
);

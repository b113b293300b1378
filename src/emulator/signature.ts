/**
 * Checks signed requests (SDK-HMAC-SHA256), as the gateway in front of every service does. It follows
 * the same documentation as `drivers/auth/sign.ts`, but shares no code with it.
 */
import { createHmac, hash, timingSafeEqual } from 'node:crypto';
import type { AccessKey } from './model.ts';
import { header, json, type Reply, type WireRequest } from './wire.ts';

/** How far the date of a signature may differ from the clock of the gateway. */
const DATE_TOLERANCE_MS = 15 * 60_000;

type Verified = { ok: true; key: AccessKey } | { ok: false; reply: Reply };

/** Whether a request is signed. */
export function isSigned(request: WireRequest): boolean {
  return header(request, 'authorization')?.startsWith('SDK-') === true;
}

/** The owner of the key that signed the request, or the gateway's refusal. */
export function verify(
  request: WireRequest,
  findKey: (id: string) => AccessKey | undefined,
  now_ms: number,
): Verified {
  const fields =
    /^SDK-HMAC-SHA256 (Access|Credential)=([^,\s]+), *SignedHeaders=([^,\s]+), *Signature=([0-9a-f]{64})$/.exec(
      header(request, 'authorization') ?? '',
    );
  const [, form, who = '', names = '', signature = ''] = fields ?? [];
  // The older form names the day, the region and the service, too: AK/20261123/eu-de/vbs/sdk_request
  const [id = '', ...scope] = form === 'Credential' ? who.split('/') : [who];
  const wellFormed = form === 'Credential' ? scope.length === 4 && scope[3] === 'sdk_request' : true;
  if (!fields || !wellFormed) return refused(request, 'Authorization header format is invalid');
  const signed = names.split(';');
  if (!signed.includes('host') || !signed.includes('x-sdk-date'))
    return refused(request, 'host and x-sdk-date must be signed');

  const date = header(request, 'x-sdk-date') ?? '';
  const date_ms = dateOf(date);
  if (date_ms === undefined) return refused(request, `x-sdk-date is malformed: ${date}`);
  if (Math.abs(now_ms - date_ms) > DATE_TOLERANCE_MS)
    return refused(request, 'calc ak sk signature fail:signature expired');

  const key = findKey(id);
  if (key === undefined) return refused(request, 'Get secretKey failed');
  if (key.expires_ms !== undefined && key.expires_ms <= now_ms)
    return refused(request, 'Get secretKey failed: the temporary access key has expired');
  if (key.security_token !== null && header(request, 'x-security-token') !== key.security_token)
    return refused(request, 'the security token does not belong to the access key');

  const scopeLine = scope.length > 0 ? [scope.join('/')] : [];
  const text = ['SDK-HMAC-SHA256', date, ...scopeLine, hash('sha256', canonical(request, signed))].join('\n');
  const expected = hmac(signingKey(key.secret, scope), text);
  return timingSafeEqual(expected, Buffer.from(signature, 'hex'))
    ? { ok: true, key }
    : refused(request, 'verify aksk signature fail');
}

/** With a scope, the key is derived from it, part by part. */
function signingKey(secret: string, scope: readonly string[]): string | Buffer {
  return scope.length === 0
    ? secret
    : scope.reduce<string | Buffer>((key, part) => hmac(key, part), `SDK${secret}`);
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

/** A refusal with the gateway's text. */
function refused(request: WireRequest, why: string): Verified {
  const error_msg = `Incorrect IAM authentication information: ${why}`;
  const { request_id } = request;
  return { ok: false, reply: json(401, { error_msg, error_code: 'APIGW.0301', request_id }) };
}

function canonical(request: WireRequest, signed: string[]): string {
  let text = `${request.method}\n`;
  for (const segment of request.path.split('/').slice(1))
    if (segment !== '') text += `/${reencoded(segment)}`;
  text += '/\n';
  const pairs: string[] = [];
  for (const name of [...new Set(request.query.keys())].sort())
    for (const value of request.query.getAll(name).sort()) pairs.push(`${escape(name)}=${escape(value)}`);
  text += `${pairs.join('&')}\n`;
  for (const name of signed) text += `${name}:${(header(request, name) ?? '').trim()}\n`;
  return `${text}\n${signed.join(';')}\n${hash('sha256', request.body)}`;
}

/** Escapes a segment of the path, which the client may have escaped already in another way. */
function reencoded(segment: string): string {
  try {
    return escape(decodeURIComponent(segment));
  } catch {
    return escape(segment);
  }
}

/** Escapes byte by byte: letters, digits and `-._~` stay, the others become `%XX`. */
function escape(text: string): string {
  let escaped = '';
  for (const byte of Buffer.from(text)) {
    const char = String.fromCharCode(byte);
    escaped += /[\w.~-]/.test(char) ? char : `%${byte.toString(16).padStart(2, '0').toUpperCase()}`;
  }
  return escaped;
}

/** `20261123T172725Z` */
function dateOf(text: string): number | undefined {
  const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text)?.slice(1).map(Number);
  if (parts === undefined) return undefined;
  const [year = 0, month = 0, day = 0, ...time] = parts;
  return Date.UTC(year, month - 1, day, ...time);
}

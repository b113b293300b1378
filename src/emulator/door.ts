/**
 * Who may talk to the emulator: programs of this machine, and not the pages in its browser. A page reaches a loopback
 * port by a host name of its own that it resolves anew (DNS rebinding), or by a form that needs no permission (CSRF).
 */
import { isIP } from 'node:net';
import { json, type Reply } from './wire.ts';

export interface Knock {
  readonly method: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly scheme: 'http' | 'https';
  /** The address of this machine that the connection came to. */
  readonly localAddress: string | undefined;
}

const OWN_NAMES = ['127.0.0.1', 'localhost', '::1'];
/** No page can send these with a body of JSON, unless the server allows it (CORS); this one never does. */
const WITH_BODY = new Set(['POST', 'PUT', 'PATCH']);

/** Why a request is turned away, as an answer; undefined when it may come in. */
export function turnAway(knock: Knock, allowedHosts: readonly string[]): Reply | undefined {
  const { method, headers } = knock;
  const given = text(headers.host);
  const host = hostName(given);
  const names = [...OWN_NAMES, ...allowedHosts.map(hostName)];
  if (host === undefined || !(names.includes(host) || isLocalAddress(host, knock.localAddress)))
    return refusal(
      403,
      `The Host header is ${shown(given)}, and the emulator answers only to ${names.join(', ')} and the address it listens on. ` +
        'For another name: vbsctl emulator --allow-host NAME.',
    );
  const origin = text(headers.origin);
  const site = text(headers['sec-fetch-site']);
  if (
    (origin !== undefined && origin !== `${knock.scheme}://${given}`) ||
    (site !== undefined && site !== 'none' && site !== 'same-origin')
  )
    return refusal(
      403,
      'The request comes from a web page of another origin; the emulator serves programs only.',
    );
  const hasBody = Number(headers['content-length'] ?? 0) > 0 || headers['transfer-encoding'] !== undefined;
  const type = text(headers['content-type']);
  if ((WITH_BODY.has(method) || hasBody) && mediaType(type) !== 'application/json')
    return refusal(
      415,
      `${method} needs the header Content-Type: application/json, and it is ${shown(type)}. ` +
        "With curl: -H 'Content-Type: application/json'.",
    );
  return undefined;
}

/** Of `Host`, without the port: it differs behind a forwarded port. Undefined for what is no host. */
function hostName(host: string | undefined): string | undefined {
  const [, name] = /^(\[[0-9a-f:.]+\]|[\w.-]+)(?::\d{1,5})?$/i.exec(host ?? '') ?? [];
  return name
    ?.replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
    .toLowerCase();
}

/** An address is no name that a page could resolve anew. IPv4 may come as `::ffff:127.0.0.1`. */
function isLocalAddress(host: string, localAddress: string | undefined): boolean {
  return isIP(host) !== 0 && localAddress?.replace(/^::ffff:(?=\d+\.)/, '').toLowerCase() === host;
}

function mediaType(type: string | undefined): string | undefined {
  return type?.split(';')[0]?.trim().toLowerCase();
}

function text(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(', ') : value;
}

function shown(value: string | undefined): string {
  return value !== undefined && /^[\w.:/;=+ [\]-]{1,100}$/.test(value)
    ? value
    : value === undefined
      ? 'missing'
      : 'another one';
}

function refusal(status: 403 | 415, message: string): Reply {
  const title = status === 403 ? 'Forbidden' : 'Unsupported Media Type';
  return json(status, { error: { code: status, message, title } });
}

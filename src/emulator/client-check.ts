/**
 * Decides which clients may use the emulator: programs of this machine, but no pages in its browser. A page can reach a
 * loopback port through a host name of its own that resolves to it (DNS rebinding), or through a form, which needs no
 * permission (CSRF).
 */
import { isIP } from 'node:net';
import { json, type Reply } from './wire.ts';

interface ClientRequest {
  readonly method: string;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly scheme: 'http' | 'https';
  /** The local address of the connection. */
  readonly localAddress: string | undefined;
}

const OWN_NAMES = ['127.0.0.1', 'localhost', '::1'];
/** A page cannot send these methods with a JSON body unless the server allows it (CORS), which this server never does. */
const WITH_BODY = new Set(['POST', 'PUT', 'PATCH']);

/** The refusal of a request; undefined if the request is allowed. */
export function refuseClient(request: ClientRequest, allowedHosts: readonly string[]): Reply | undefined {
  const { method, headers } = request;
  const given = text(headers.host);
  const host = hostName(given);
  const names = [...OWN_NAMES, ...allowedHosts.map(hostName)];
  if (host === undefined || !(names.includes(host) || isLocalAddress(host, request.localAddress)))
    return refusal(
      403,
      `The Host header is ${shown(given)}, and the emulator answers only to ${names.join(', ')} and the address it listens on. ` +
        'For another name: vbsctl emulator --allow-host NAME.',
    );
  const origin = text(headers.origin);
  const fetchSite = text(headers['sec-fetch-site']);
  if (
    (origin !== undefined && origin !== `${request.scheme}://${given}`) ||
    (fetchSite !== undefined && fetchSite !== 'none' && fetchSite !== 'same-origin')
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

/** The host name in `Host`, without the port, which differs behind a forwarded port. Undefined if it is not a host. */
function hostName(host: string | undefined): string | undefined {
  const [, name] = /^(\[[0-9a-f:.]+\]|[\w.-]+)(?::\d{1,5})?$/i.exec(host ?? '') ?? [];
  return name
    ?.replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
    .toLowerCase();
}

/** Addresses are safe, because nothing resolves them. IPv4 may have the form `::ffff:127.0.0.1`. */
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

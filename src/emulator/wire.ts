/** The data of the protocol: requests and replies as plain data, times, and the error bodies of each service. */
import { unreachable } from './unreachable.ts';

/** A request that was read completely. */
export interface WireRequest {
  method: string;
  /** The path as sent, undecoded, without the query. */
  path: string;
  query: URLSearchParams;
  /** Header names in lower case. */
  headers: Readonly<Record<string, string | string[] | undefined>>;
  body: string;
  /** Scheme, host and port that the client used, for links and the catalog. */
  base_url: string;
  request_id: string;
}

export interface Reply {
  status: number;
  headers: Record<string, string>;
  body: string;
}

export type ServiceType = 'identity' | 'vbs' | 'block-storage' | 'compute';

export function json(status: number, body: unknown, headers: Record<string, string> = {}): Reply {
  return {
    status,
    headers: { 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify(body),
  };
}

export function empty(status: number): Reply {
  return { status, headers: { 'Content-Type': 'application/json' }, body: '' };
}

/** The value of a header; the first one if there are several. */
export function header(request: WireRequest, name: string): string | undefined {
  const value = request.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** Parses the body as JSON; undefined if it is not JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** `2026-11-23T17:27:25.000000`: UTC without a zone, whole seconds (observed on Cinder 21.3). */
export function formatTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}.000000`;
}

/** `2026-11-23T17:27:25.000000Z`, as Keystone writes it. */
export function formatKeystoneTime(ms: number): string {
  return `${formatTime(ms)}Z`;
}

/** `{"error":{"code","message"}}` of VBS. */
export function vbsError(status: number, code: string, message: string): Reply {
  return json(status, { error: { message, code } });
}

/** `{"error":{"code":401,"message","title"}}` of Keystone and of its middleware before every service. */
export function keystoneError(status: number, message: string): Reply {
  return json(status, { error: { code: status, message, title: TITLES[status] ?? 'Error' } });
}

const TITLES: Record<number, string> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  413: 'Request Entity Too Large',
};

/** `{"itemNotFound":{"code","message"}}` and similar, of Cinder, EVS and Nova. */
export function blockStorageError(status: number, message: string): Reply {
  return json(status, { [FAULT_NAMES[status] ?? 'computeFault']: { code: status, message } });
}

const FAULT_NAMES: Record<number, string> = {
  400: 'badRequest',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'itemNotFound',
  405: 'badMethod',
  409: 'conflictingRequest',
  413: 'overLimit',
  429: 'overLimit',
  501: 'notImplemented',
  503: 'serviceUnavailable',
};

/** An error in the format of the requested service. */
export function serviceError(service: ServiceType, status: number, message: string, code?: string): Reply {
  switch (service) {
    case 'identity':
      return keystoneError(status, message);
    case 'vbs':
      return vbsError(status, code ?? `VBS.${status}`, message);
    case 'block-storage':
    case 'compute':
      return blockStorageError(status, message);
    default:
      return unreachable(service);
  }
}

export const UNAUTHORIZED = 'The request you have made requires authentication.';

export function unauthorized(base_url: string): Reply {
  const reply = keystoneError(401, UNAUTHORIZED);
  reply.headers['WWW-Authenticate'] = `Keystone uri="${base_url}/v3"`;
  return reply;
}

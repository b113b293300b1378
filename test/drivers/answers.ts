import { readFileSync } from 'node:fs';
import type { Answer } from '../../src/drivers/http/exchange.ts';

/** A complete answer. A body that is not a text is written as JSON. */
export function answer(status: number, body: unknown = '', headers: Record<string, string> = {}): Answer {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return { kind: 'answer', status, headers, text };
}

export interface Recorded {
  readonly name: string;
  readonly request: {
    readonly method: string;
    readonly path: string;
    readonly body: { readonly restore?: { readonly volume_id?: string } } | null;
  };
  readonly response: {
    readonly status: number;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: unknown;
  };
}

const FILE = new URL('fixtures/openstack-zed.json', import.meta.url);
/** Requests to real Keystone 22 and Cinder 21.3 servers with their answers, in the order of the recording. */
export const { exchanges } = JSON.parse(readFileSync(FILE, 'utf8')) as { exchanges: readonly Recorded[] };

/** The recorded answer of that name. */
export function recorded(name: string): Answer {
  const { status, headers, body } = exchange(name).response;
  const lower = Object.entries(headers).map(([key, value]) => [key.toLowerCase(), value]);
  return answer(status, body, Object.fromEntries(lower));
}

/** The request that it answers. */
export function recordedRequest(name: string): Recorded['request'] {
  return exchange(name).request;
}

function exchange(name: string): Recorded {
  const found = exchanges.find((candidate) => candidate.name === name);
  if (!found) throw new Error(`nothing recorded as ${name}`);
  return found;
}

/** The volume and the backup of a recorded restore. */
export function recordedRestore(name: string): { readonly volume_id: string; readonly backup_id: string } {
  const { path, body } = recordedRequest(name);
  const [, backup_id = ''] = /backups\/([^/]+)\/restore/.exec(path) ?? [];
  return { volume_id: body?.restore?.volume_id ?? '', backup_id };
}

export function recordedBody(name: string): Record<string, unknown> {
  return JSON.parse(recorded(name).text);
}

export const HTML_502 =
  '<!DOCTYPE html><html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>';

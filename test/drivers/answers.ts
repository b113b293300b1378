import { readFileSync } from 'node:fs';
import type { Answer } from '../../src/drivers/http/exchange.ts';

/** A whole answer; a body that is no text is written as JSON. */
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
/** What real Keystone 22 and Cinder 21.3 servers were asked and answered, in the order of the story. */
export const { exchanges } = JSON.parse(readFileSync(FILE, 'utf8')) as { exchanges: readonly Recorded[] };

/** What real Keystone 22 and Cinder 21.3 servers answered. */
export function recorded(name: string): Answer {
  const { status, headers, body } = exchange(name).response;
  const lower = Object.entries(headers).map(([key, value]) => [key.toLowerCase(), value]);
  return answer(status, body, Object.fromEntries(lower));
}

/** What they had been asked. */
export function recordedRequest(name: string): Recorded['request'] {
  return exchange(name).request;
}

function exchange(name: string): Recorded {
  const found = exchanges.find((candidate) => candidate.name === name);
  if (!found) throw new Error(`nothing recorded as ${name}`);
  return found;
}

/** The disk and the backup that a recorded restore was about. */
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

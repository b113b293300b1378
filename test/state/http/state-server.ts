import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * A state server for tests. As `gitlab` it behaves as GitLab's does (lib/api/terraform/state.rb and
 * Terraform::RemoteStateHandler): seven keys or 400, a version per serial and each serial once, the newest serial
 * is what GET shows, a refused lock is answered with its id and its user but with the asker's own operation. As
 * `plain` it is what the protocol asks for at the least: LOCK and UNLOCK, 423 with the holder's own JSON, 404. As `gitea`
 * it takes serials from 1 on, each once (409), and answers 423 with the whole lock (services/packages/terraform). A write
 * under another lock is 500 on GitLab. As `nameless` a refused lock names nobody.
 */
export type Flavour = 'gitlab' | 'plain' | 'gitea' | 'nameless';

export const USER = 'ada';
export const PASSWORD = 'hunter2';

interface Slot {
  readonly versions: Map<number, string>;
  latest: string | undefined;
  lock: { id: string; json: string; at: string } | undefined;
}

export class StateServer {
  readonly flavour: Flavour;
  /** State writes that were answered with a yes. */
  writes = 0;
  /** State writes, whatever the answer. */
  writesAsked = 0;
  /** The next write arrives twice; its sender gets the answer to the second copy. */
  copyNextWrite = false;
  /** Sees every state write before it is looked at. */
  onWrite: (text: string, path: string) => void = () => {};
  readonly #slots = new Map<string, Slot>();
  #server: Server | undefined;
  #port = 0;

  constructor(flavour: Flavour) {
    this.flavour = flavour;
  }

  get port(): number {
    return this.#port;
  }

  get origin(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** The same port again after a stop; what it keeps survives. */
  async start(): Promise<void> {
    const server = createServer((request, response) => {
      void this.#answer(request).then(({ status, body = '' }) => {
        response.writeHead(status, { 'Content-Type': 'application/json' });
        response.end(status === 204 ? undefined : body);
      });
    });
    this.#server = server.listen(this.#port, '127.0.0.1');
    await once(server, 'listening');
    this.#port = (server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (!server) return;
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  }

  dispose(): Promise<void> {
    return this.stop();
  }

  /** The lock goes to somebody else, as when a person unlocks and another run is faster. */
  giveLockAway(path: string): void {
    const slot = this.#slot(path);
    slot.lock = { id: 'of-another-run', json: '{}', at: new Date().toISOString() };
  }

  /** Whose lock stands there. */
  lockAt(path: string): string | undefined {
    return this.#slot(path).lock?.id;
  }

  async #answer(request: IncomingMessage): Promise<{ status: number; body?: string }> {
    const body = await textOf(request);
    const login = `Basic ${Buffer.from(`${USER}:${PASSWORD}`).toString('base64')}`;
    if (request.headers.authorization !== login)
      return { status: 401, body: '{"message":"401 Unauthorized"}' };
    if (body !== '') {
      const md5 = createHash('md5').update(body).digest('base64');
      if (request.headers['content-md5'] !== md5) return { status: 400, body: 'Content-MD5' };
      if (request.headers['content-type'] !== 'application/json') return { status: 415 };
    }
    const url = new URL(request.url ?? '/', this.origin);
    const beside = this.flavour === 'gitlab' || this.flavour === 'gitea';
    const forLock = beside && url.pathname.endsWith('/lock');
    const slot = this.#slot(forLock ? url.pathname.slice(0, -'/lock'.length) : url.pathname);
    switch (`${request.method}${forLock ? ' lock' : ''}`) {
      case 'GET':
        return slot.latest === undefined
          ? { status: beside ? 204 : 404 }
          : { status: 200, body: slot.latest };
      case 'POST':
        this.onWrite(body, url.pathname);
        this.writesAsked += 1;
        if (this.copyNextWrite) this.#write(slot, url.searchParams.get('ID'), body);
        this.copyNextWrite = false;
        return this.#write(slot, url.searchParams.get('ID'), body);
      case 'LOCK':
      case 'POST lock':
        return this.#lock(slot, body);
      case 'UNLOCK':
      case 'DELETE lock':
        return this.#unlock(slot, body);
      default:
        return { status: 405 };
    }
  }

  #slot(path: string): Slot {
    const slot = this.#slots.get(path) ?? { versions: new Map(), latest: undefined, lock: undefined };
    this.#slots.set(path, slot);
    return slot;
  }

  #write(slot: Slot, id: string | null, body: string) {
    if ((slot.lock?.id ?? '') !== (id ?? ''))
      return this.flavour === 'gitea'
        ? { status: 423, body: slot.lock?.json ?? '' }
        : { status: this.flavour === 'gitlab' ? 500 : 409, body: '{"message":"State is locked"}' };
    const { serial } = JSON.parse(body) as { serial?: unknown };
    if (this.flavour === 'gitea' && !serial)
      return { status: 400, body: '{"errors":[{"status":400,"message":"state serial is missing"}]}' };
    if (this.flavour === 'gitlab' || this.flavour === 'gitea') {
      if (typeof serial !== 'number') return { status: 422, body: '{"message":"No serial in payload"}' };
      if (slot.versions.has(serial))
        return this.flavour === 'gitlab'
          ? { status: 422, body: '{"message":"Version has already been taken"}' }
          : { status: 409, body: '{"errors":[{"status":409,"message":"version exists"}]}' };
      slot.versions.set(serial, body);
      slot.latest = slot.versions.get(Math.max(...slot.versions.keys()));
    } else {
      slot.latest = body;
    }
    this.writes += 1;
    return { status: 200 };
  }

  #lock(slot: Slot, body: string) {
    const asked = JSON.parse(body) as Record<string, unknown>;
    const keys = ['ID', 'Operation', 'Info', 'Who', 'Version', 'Created', 'Path'];
    const missing = keys.filter((key) => typeof asked[key] !== 'string');
    if (missing.length > 0) return { status: 400, body: `{"error":"${missing.join()} is missing"}` };
    const status = slot.lock ? (this.flavour === 'gitlab' ? 409 : 423) : 200;
    slot.lock ??= { id: String(asked.ID), json: body, at: new Date().toISOString() };
    if (this.flavour === 'nameless') return { status };
    if (this.flavour !== 'gitlab') return { status, body: slot.lock.json };
    const { Operation, Info, Version, Path } = asked;
    const told = { Operation, Info, Version, Path, ID: slot.lock.id, Who: USER, Created: slot.lock.at };
    return { status, body: JSON.stringify(told) };
  }

  #unlock(slot: Slot, body: string) {
    const { ID } = JSON.parse(body) as { ID: string };
    if (slot.lock?.id !== ID) return { status: 409, body: '{"message":"State is locked"}' };
    slot.lock = undefined;
    return { status: 200 };
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

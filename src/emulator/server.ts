/** The HTTP server of the emulator: reads requests, and sends what `cloud.ts` decides. */

import { randomUUID } from 'node:crypto';
import {
  createServer as createHttpServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { auditOf } from './audit.ts';
import { refuseClient } from './client-check.ts';
import { type Delivery, factsOf, mayChange, serve } from './cloud.ts';
import type { Credentials, Emulator, EmulatorOptions, RequestLog } from './emulator.ts';
import { parseFaultPlan } from './fault-plan.ts';
import { planOf, type RouteKind, startPlan } from './faults.ts';
import { expireTokens } from './keystone.ts';
import { advance, lookup, type World } from './model.ts';
import { perform } from './operator.ts';
import { seedWorld } from './seed.ts';
import { unreachable } from './unreachable.ts';
import { json, type Reply, type WireRequest } from './wire.ts';
import { memoryStore, openWorldFile, type WorldStore } from './world-file.ts';

/** Maximum size of a request; a larger one is answered with 413. No call of these services is longer. */
const BODY_BYTES_MAX = 1024 * 1024;
/** Longer than any client keeps an idle connection, so that the server closes none during a request. */
const KEEP_ALIVE_MS = 75_000;

/** Opens the world and serves it; see `startEmulator`. */
export async function serveWorld(options: EmulatorOptions): Promise<Emulator> {
  const clock = options.clock ?? Date.now;
  const newId = options.newId ?? randomUUID;
  const plan = startPlan(parseFaultPlan(options.faults ?? {}));
  const create = () => options.world ?? { ...seedWorld({ now: clock(), ...options.seed }), id: newId() };

  const store =
    options.worldFile === undefined
      ? memoryStore(create())
      : await openWorldFile(options.worldFile, create, options.signal);
  await store.write((world) => {
    world.starts += 1;
    if (JSON.stringify(planOf(world.faults)) !== JSON.stringify(planOf(plan))) world.faults = plan;
  });
  const server = new EmulatorServer(store, clock, newId, options);
  await server.listen();
  return server;
}

class EmulatorServer implements Emulator {
  readonly worldId: string;
  readonly credentials: Credentials;
  port = 0;
  readonly #store: WorldStore;
  readonly #clock: () => number;
  readonly #newId: () => string;
  readonly #options: EmulatorOptions;
  readonly #server: Server;
  readonly #requests: Record<string, number> = { total: 0 };
  /** Number of requests for each route and resource; see `FaultFacts.nth`. */
  readonly #counts = new Map<string, number>();
  readonly #closing = new AbortController();

  constructor(store: WorldStore, clock: () => number, newId: () => string, options: EmulatorOptions) {
    this.#store = store;
    this.#clock = clock;
    this.#newId = newId;
    this.#options = options;
    this.worldId = store.read((world) => world.id);
    this.credentials = store.read(credentialsOf);
    const listener = (request: IncomingMessage, response: ServerResponse) => {
      void this.#handle(request, response);
    };
    this.#server =
      options.tls === undefined ? createHttpServer(listener) : createHttpsServer(options.tls, listener);
    this.#server.keepAliveTimeout = KEEP_ALIVE_MS;
  }

  async listen(): Promise<void> {
    const { host = '127.0.0.1', port = 0 } = this.#options;
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => {
        this.#server.off('error', reject);
        resolve();
      });
    });
    this.port = (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    const { host = '127.0.0.1' } = this.#options;
    const name = host.includes(':') ? `[${host}]` : host;
    return `${this.#scheme}://${name}:${this.port}`;
  }

  get authUrl(): string {
    return `${this.url}/v3`;
  }

  env(): Record<string, string> {
    const { username, password, project_name, domain_name, region_name } = this.credentials;
    return {
      OS_AUTH_URL: this.authUrl,
      OS_IDENTITY_API_VERSION: '3',
      OS_USERNAME: username,
      OS_PASSWORD: password,
      OS_PROJECT_NAME: project_name,
      OS_USER_DOMAIN_NAME: domain_name,
      OS_PROJECT_DOMAIN_NAME: domain_name,
      OS_REGION_NAME: region_name,
      OS_INTERFACE: 'public',
    };
  }

  audit() {
    return this.#store.read((world) => {
      advance(world, this.#clock());
      return auditOf(world, this.#requests);
    });
  }

  world(): World {
    return this.#store.read((world) => {
      advance(world, this.#clock());
      return structuredClone(world);
    });
  }

  perform(action: Parameters<Emulator['perform']>[0]) {
    return this.#store.write((world) => {
      const now_ms = this.#clock();
      advance(world, now_ms);
      return perform(world, action, { now_ms, newId: this.#newId, request_id: this.#requestId() });
    });
  }

  async setFaults(plan: Parameters<Emulator['setFaults']>[0]): Promise<void> {
    const state = startPlan(parseFaultPlan(plan));
    await this.#store.write((world) => {
      world.faults = state;
    });
  }

  async expireTokens(): Promise<void> {
    await this.#store.write((world) => expireTokens(world));
  }

  async close(): Promise<void> {
    this.#closing.abort();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
    await this.#store.flush();
  }

  #requestId(): string {
    return `req-${this.#newId()}`;
  }

  async #handle(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const request_id = this.#requestId();
    response.on('error', () => {});
    try {
      const body = await readBody(incoming);
      if (body === null) {
        this.#send(
          response,
          request_id,
          json(413, { error: { code: 413, message: 'Request is too large.' } }),
        );
        return;
      }
      const log = (decided: Pick<RequestLog, 'route' | 'status' | 'fault'>) =>
        this.#options.onRequest?.({
          at_ms: this.#clock(),
          method: incoming.method ?? 'GET',
          path: incoming.url ?? '',
          ...decided,
          request_id,
        });
      const refused = this.#refuseClient(incoming);
      if (refused) {
        log({ route: 'refused', status: refused.status, fault: null });
        this.#send(response, request_id, refused);
        return;
      }
      const request = this.#wireRequest(incoming, body, request_id);
      const delivery = await this.#decide(request);
      log({ route: delivery.route, status: statusOf(delivery), fault: delivery.fault });
      await this.#deliver(delivery, incoming, response, request_id);
    } catch (error) {
      if (this.#closing.signal.aborted || incoming.socket.destroyed || response.headersSent) {
        incoming.socket.destroy();
        return;
      }
      // A change that could not be made durable did not happen, so an error is the true answer.
      const message = `The emulator failed: ${error instanceof Error ? error.message : error}`;
      this.#send(response, request_id, json(500, { error: { code: 'Emulator.0001', message } }));
    }
  }

  #refuseClient({ method = 'GET', headers, socket }: IncomingMessage): Reply | undefined {
    const { host, allowHosts = [] } = this.#options;
    return refuseClient(
      { method, headers, scheme: this.#scheme, localAddress: socket.localAddress },
      host === undefined ? allowHosts : [host, ...allowHosts],
    );
  }

  get #scheme(): 'http' | 'https' {
    return this.#options.tls === undefined ? 'http' : 'https';
  }

  #wireRequest(incoming: IncomingMessage, body: string, request_id: string): WireRequest {
    const target = incoming.url ?? '/';
    const queryAt = target.indexOf('?');
    return {
      method: incoming.method ?? 'GET',
      path: queryAt < 0 ? target : target.slice(0, queryAt),
      query: new URLSearchParams(queryAt < 0 ? '' : target.slice(queryAt + 1)),
      headers: incoming.headers,
      body,
      base_url: `${this.#scheme}://${incoming.headers.host}`,
      request_id,
    };
  }

  async #decide(request: WireRequest): Promise<Delivery> {
    const facts = this.#store.read((world) => factsOf(world, request));
    const nth = facts === null ? 0 : this.#count(facts.route, facts.resource);
    const context = { newId: this.#newId, requests: this.#requests, nth };
    const changes = this.#store.read((world) => mayChange(world, request, nth));
    if (changes)
      return this.#store.write((world) => serve(world, request, { ...context, now_ms: this.#clock() }));
    // Waits until changes are durable, because what a client has seen must not disappear.
    await this.#store.flush();
    return this.#store.read((world) => serve(world, request, { ...context, now_ms: this.#clock() }));
  }

  #count(route: RouteKind, resource: string): number {
    this.#requests[route] = (this.#requests[route] ?? 0) + 1;
    this.#requests.total = (this.#requests.total ?? 0) + 1;
    const key = `${route} ${resource}`;
    const nth = this.#counts.get(key) ?? 0;
    this.#counts.set(key, nth + 1);
    return nth;
  }

  async #deliver(
    delivery: Delivery,
    incoming: IncomingMessage,
    response: ServerResponse,
    request_id: string,
  ): Promise<void> {
    switch (delivery.kind) {
      case 'complete':
        if (delivery.reported_job_id !== null) this.#trackDelivery(response, delivery.reported_job_id);
        if (delivery.delay_ms > 0) await this.#wait(delivery.delay_ms);
        return this.#send(response, request_id, delivery.reply);
      case 'cut':
        return this.#sendHalf(response, request_id, delivery.reply);
      case 'reset':
        return reset(incoming);
      case 'hang':
        await this.#wait(delivery.for_ms);
        incoming.socket.destroy();
        return;
      case 'huge':
        return this.#sendHuge(response, request_id, delivery.status, delivery.bytes);
      default:
        return unreachable(delivery);
    }
  }

  /** Corrects `client_informed` if the client disconnects before its answer was sent. */
  #trackDelivery(response: ServerResponse, job_id: string): void {
    response.once('close', () => {
      if (response.writableFinished || this.#closing.signal.aborted) return;
      const corrected = this.#store.write((world) => {
        const job = lookup(world.jobs, job_id);
        if (job !== undefined) job.client_informed = false;
      });
      corrected.catch(() => {});
    });
  }

  #wait(ms: number): Promise<void> {
    return sleep(ms, undefined, { signal: this.#closing.signal });
  }

  #writeHead(response: ServerResponse, request_id: string, reply: Reply, length: number): void {
    response.writeHead(reply.status, {
      Date: new Date(this.#clock()).toUTCString(),
      'Content-Length': length,
      'X-Openstack-Request-Id': request_id,
      'X-Request-Id': request_id,
      'X-Compute-Request-Id': request_id,
      ...reply.headers,
    });
  }

  #send(response: ServerResponse, request_id: string, reply: Reply): void {
    if (response.destroyed) return;
    const body = Buffer.from(reply.body);
    this.#writeHead(response, request_id, reply, body.length);
    response.end(body);
  }

  #sendHalf(response: ServerResponse, request_id: string, reply: Reply): void {
    const body = Buffer.from(reply.body);
    // Even for an empty body, the head announces a byte that is never sent.
    this.#writeHead(response, request_id, reply, Math.max(body.length, 1));
    response.write(body.subarray(0, Math.floor(body.length / 2)), () => response.destroy());
    if (body.length < 2) response.flushHeaders();
  }

  async #sendHuge(
    response: ServerResponse,
    request_id: string,
    status: number,
    bytes: number,
  ): Promise<void> {
    this.#writeHead(response, request_id, { ...json(status, null) }, bytes);
    const chunk = Buffer.alloc(64 * 1024, 'a');
    for (let left = bytes; left > 0 && !response.destroyed; left -= chunk.length) {
      const room = response.write(left < chunk.length ? chunk.subarray(0, left) : chunk);
      if (!room) await drained(response);
    }
    response.end();
  }
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const onDone = () => {
      response.off('drain', onDone);
      response.off('close', onDone);
      resolve();
    };
    response.once('drain', onDone);
    response.once('close', onDone);
  });
}

/** Resets the connection (TCP) if the platform allows it; over TLS, only closes it. */
function reset(incoming: IncomingMessage): void {
  const { socket } = incoming;
  if ('encrypted' in socket) socket.destroy();
  else socket.resetAndDestroy();
}

function statusOf(delivery: Delivery): number | null {
  switch (delivery.kind) {
    case 'complete':
    case 'cut':
      return delivery.reply.status;
    case 'huge':
      return delivery.status;
    case 'reset':
    case 'hang':
      return null;
    default:
      return unreachable(delivery);
  }
}

/**
 * Reads the body as text; null if it is too long (then the rest is read and dropped, so that the client gets the
 * answer).
 */
async function readBody(incoming: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of incoming as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size <= BODY_BYTES_MAX) chunks.push(chunk);
    else chunks.length = 0;
  }
  return size > BODY_BYTES_MAX ? null : Buffer.concat(chunks).toString('utf8');
}

function credentialsOf(world: World): Credentials {
  const [credential] = Object.values(world.application_credentials);
  const [user] = Object.values(world.users);
  const [key] = Object.values(world.access_keys);
  const project = lookup(world.projects, credential?.project_id ?? user?.project_ids[0] ?? '');
  return {
    username: text(user?.name),
    password: text(user?.password),
    project_name: text(project?.name),
    project_id: text(project?.id),
    domain_name: text(user?.domain),
    region_name: text(world.region),
    application_credential_id: text(credential?.id),
    application_credential_secret: text(credential?.secret),
    access_key: text(key?.id),
    secret_key: text(key?.secret),
  };
}

/** A world file may contain anything. */
function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

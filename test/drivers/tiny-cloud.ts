import http from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Env } from '../../src/domain/env.ts';

export const PROJECT = '0e8396c4fa5d47829b8617b61c685475';

export interface ReceivedRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly token: string | undefined;
  readonly body: string;
}

export interface Reply {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The parts of Keystone, VBS and EVS that a driver needs, on one port. Every answer can be replaced. */
export class TinyCloud {
  readonly received: ReceivedRequest[] = [];
  readonly volumes = new Map<string, Record<string, unknown>>();
  readonly backups = new Map<string, Record<string, unknown>>();
  readonly jobs = new Map<string, Record<string, unknown>>();
  /** Tokens that are accepted. */
  readonly tokens = new Set<string>();
  tokenLifetimeMs = 3_600_000;
  /** Overrides fields of `token` in Keystone's answer. */
  tokenBody: Record<string, unknown> = {};
  /** Called first. If it returns undefined, the cloud answers itself. */
  replace: (request: ReceivedRequest) => Reply | undefined = () => undefined;
  readonly #server = http.createServer((request, response) => void this.#serve(request, response));

  async start(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get env(): Env {
    return {
      OS_AUTH_URL: `${this.url}/v3`,
      OS_USERNAME: 'ann',
      OS_PASSWORD: 's3cret-password',
      OS_USER_DOMAIN_NAME: 'OTC',
      OS_PROJECT_NAME: 'demo',
      OS_REGION_NAME: 'eu-de',
    };
  }

  /** Requests to paths that contain the text. */
  count(text: string): number {
    return this.received.filter(({ path }) => path.includes(text)).length;
  }

  add(volumeId: string, backupId: string): void {
    const times = { created_at: '2026-11-23T10:00:00.000000', updated_at: '2026-11-23T10:00:00.000000' };
    this.volumes.set(volumeId, {
      id: volumeId,
      name: `disk-${volumeId}`,
      status: 'available',
      size: 10,
      attachments: [],
      metadata: {},
      'os-vol-tenant-attr:tenant_id': PROJECT,
      ...times,
    });
    this.backups.set(backupId, {
      id: backupId,
      name: `backup-${backupId}`,
      status: 'available',
      size: 10,
      volume_id: volumeId,
      'os-bak-tenant-attr:tenant_id': PROJECT,
      ...times,
    });
  }

  /** Ends every restore that is running. */
  finish(): void {
    for (const job of this.jobs.values()) job.status = 'SUCCESS';
    for (const thing of [...this.volumes.values(), ...this.backups.values()]) thing.status = 'available';
  }

  async #serve(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of request) body += chunk;
    const token = request.headers['x-auth-token'];
    const seen: ReceivedRequest = {
      method: request.method ?? '',
      path: request.url ?? '',
      token: typeof token === 'string' ? token : undefined,
      body,
    };
    this.received.push(seen);
    const reply = this.replace(seen) ?? this.#answer(seen);
    response.writeHead(reply.status, { 'x-request-id': `req-${this.received.length}`, ...reply.headers });
    response.end(typeof reply.body === 'string' ? reply.body : JSON.stringify(reply.body ?? ''));
  }

  #answer({ method, path, token, body }: ReceivedRequest): Reply {
    if (path === '/v3/auth/tokens') return this.#token();
    if (token === undefined || !this.tokens.has(token))
      return { status: 401, body: { error: { code: 401, message: 'no token', title: 'Unauthorized' } } };
    const { pathname, searchParams } = new URL(path, this.url);
    const [, , project, kind = '', id = '', action] = pathname.split('/');
    if (project !== PROJECT) return notFound(pathname);
    if (method === 'POST' && action === 'restore')
      return this.#restore(id, JSON.parse(body).restore.volume_id);
    if (kind === 'jobs') return show(this.jobs.get(id), undefined, pathname);
    const things = kind === 'volumes' ? this.volumes : this.backups;
    if (id === 'detail') return page(kind, [...things.values()], searchParams);
    return show(things.get(id), kind.slice(0, -1), pathname);
  }

  #token(): Reply {
    const token = `token-of-tiny-cloud-${this.count('/auth/tokens')}`;
    this.tokens.add(token);
    const now = Date.now();
    const endpoints = (url: string) => [{ interface: 'public', region_id: 'eu-de', url }];
    return {
      status: 201,
      headers: { 'X-Subject-Token': token },
      body: {
        token: {
          issued_at: new Date(now).toISOString(),
          expires_at: new Date(now + this.tokenLifetimeMs).toISOString(),
          project: { id: PROJECT, name: 'demo' },
          catalog: [
            { type: 'vbsv2', endpoints: endpoints(`${this.url}/v2/$(tenant_id)s`) },
            { type: 'volumev2', endpoints: endpoints(`${this.url}/v2/${PROJECT}`) },
          ],
          ...this.tokenBody,
        },
      },
    };
  }

  #restore(backupId: string, volumeId: string): Reply {
    const volume = this.volumes.get(volumeId);
    const backup = this.backups.get(backupId);
    if (!volume) return refusal(404, 'VolumeBackup.0207', 'disk does not exist');
    if (!backup) return refusal(404, 'VolumeBackup.0111', 'backup does not exist');
    if (volume.status !== 'available') return refusal(400, 'VolumeBackup.0205', 'disk not available');
    if (backup.status !== 'available') return refusal(400, 'VolumeBackup.0089', 'backup not available');
    volume.status = 'restoring-backup';
    backup.status = 'restoring';
    const id = `job-${this.jobs.size + 1}`;
    const entities = { volume_id: volumeId, backup_id: backupId };
    this.jobs.set(id, { job_id: id, status: 'RUNNING', entities, error_code: null, fail_reason: null });
    return { status: 200, body: { job_id: id } };
  }
}

function refusal(status: number, code: string, message: string): Reply {
  return { status, body: { error: { code, message } } };
}

function notFound(path: string): Reply {
  return { status: 404, body: { itemNotFound: { code: 404, message: `${path} could not be found.` } } };
}

function show(thing: Record<string, unknown> | undefined, key: string | undefined, path: string): Reply {
  if (!thing) return notFound(path);
  return { status: 200, body: key === undefined ? thing : { [key]: thing } };
}

function page(kind: string, all: readonly Record<string, unknown>[], query: URLSearchParams): Reply {
  const limit = Number(query.get('limit'));
  const marker = query.get('marker');
  const from =
    marker === null ? Number(query.get('offset') ?? 0) : all.findIndex((thing) => thing.id === marker) + 1;
  return { status: 200, body: { [kind]: all.slice(from, from + limit) } };
}

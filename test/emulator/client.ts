/** An HTTP client for the emulator's tests: it follows no redirects and repeats no requests. */
import { request as httpRequest } from 'node:http';
import { type Emulator, type EmulatorOptions, startEmulator } from '../../src/emulator/index.ts';

// biome-ignore lint/suspicious/noExplicitAny: tests reach into bodies that assertions then check
export type Json = any;

export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
  /** The body as JSON; undefined when it is not. */
  body: Json;
}

export interface Call {
  method?: string;
  headers?: Record<string, string>;
  /** An object is sent as JSON, a text as it is. */
  body?: unknown;
}

/** @throws the error of the connection, or of a body that ended early */
export function call(url: string, { method = 'GET', headers = {}, body }: Call = {}): Promise<Answer> {
  const text = typeof body === 'string' ? body : body === undefined ? undefined : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      url,
      { method, agent: false, headers: { 'Content-Type': 'application/json', ...headers } },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', reject);
        response.on('end', () => {
          const answer = Buffer.concat(chunks).toString();
          const { statusCode = 0, headers: received } = response;
          resolve({ status: statusCode, headers: received, text: answer, body: asJson(answer) });
        });
      },
    );
    request.on('error', reject);
    request.end(text);
  });
}

function asJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** 2026-11-23T22:00:00Z, with some milliseconds to be cut off. */
export const START = Date.UTC(2026, 10, 23, 22, 0, 0, 250);

export const DATA_VOLUME = 'c96e4a94-927a-425c-8795-63f9964cfebd';
export const LOG_VOLUME = '2748f2f2-4394-4e6e-af8d-8dd34496c024';
export const DATA_BACKUP = '0a5c1f5e-6a53-4b8e-9d3b-0c6a2f6f7f11';

/** A running emulator, its clock, and a client that has a token. */
export class EmulatorHarness {
  readonly emulator: Emulator;
  readonly #clock: { now: number };
  token: string;

  private constructor(emulator: Emulator, clock: { now: number }, token: string) {
    this.emulator = emulator;
    this.#clock = clock;
    this.token = token;
  }

  static async open(options: EmulatorOptions = {}): Promise<EmulatorHarness> {
    const clock = { now: START };
    const emulator = await startEmulator({ clock: () => clock.now, ...options });
    const harness = new EmulatorHarness(emulator, clock, '');
    harness.token = await harness.login();
    return harness;
  }

  get now(): number {
    return this.#clock.now;
  }

  advance(ms: number): void {
    this.#clock.now += ms;
  }

  get project(): string {
    return this.emulator.credentials.project_id;
  }

  async login(): Promise<string> {
    const answer = await this.auth(passwordAuth(this.emulator));
    return String(answer.headers['x-subject-token'] ?? '');
  }

  auth(body: unknown): Promise<Answer> {
    return call(`${this.emulator.authUrl}/auth/tokens`, { method: 'POST', body });
  }

  /** `{project}` in the path stands for the own project. */
  call(path: string, { headers = {}, ...rest }: Call = {}): Promise<Answer> {
    const url = this.emulator.url + path.replace('{project}', this.project);
    return call(url, { ...rest, headers: { 'X-Auth-Token': this.token, ...headers } });
  }

  restore(backup_id: string, volume_id: string): Promise<Answer> {
    const body = { restore: { volume_id } };
    return this.call(`/vbs/v2/{project}/cloudbackups/${backup_id}/restore`, { method: 'POST', body });
  }

  job(id: string): Promise<Answer> {
    return this.call(`/vbs/v1/{project}/jobs/${id}`);
  }

  async volume(id: string): Promise<Json> {
    return (await this.call(`/evs/v2/{project}/volumes/${id}`)).body.volume;
  }

  async backup(id: string): Promise<Json> {
    return (await this.call(`/vbs/v2/{project}/backups/${id}`)).body.backup;
  }

  idOf(volume_name: string): string {
    const found = Object.values(this.emulator.world().volumes).find(({ name }) => name === volume_name);
    return found?.id ?? '';
  }

  /** Backups of a volume, newest first. */
  backupsOf(volume_name: string): string[] {
    const volume_id = this.idOf(volume_name);
    return Object.values(this.emulator.world().backups)
      .filter((backup) => backup.volume_id === volume_id)
      .sort((one, other) => other.created_ms - one.created_ms)
      .map(({ id }) => id);
  }

  audited(volume_id: string) {
    const found = this.emulator.audit().volumes.find(({ id }) => id === volume_id);
    if (found === undefined) throw new Error(`no volume ${volume_id}`);
    return found;
  }

  close(): Promise<void> {
    return this.emulator.close();
  }
}

export function passwordAuth({ credentials }: Emulator): Json {
  const domain = { name: credentials.domain_name };
  return {
    auth: {
      identity: {
        methods: ['password'],
        password: { user: { name: credentials.username, domain, password: credentials.password } },
      },
      scope: { project: { name: credentials.project_name, domain } },
    },
  };
}

/** The rejection of a promise; fails if it resolves. */
export async function rejection(promise: Promise<unknown>): Promise<Json> {
  try {
    await promise;
  } catch (error) {
    return error;
  }
  throw new Error('expected a rejection');
}

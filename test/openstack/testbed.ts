import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { call } from '../emulator/client.ts';
import type { Disk } from './workspace.ts';

const run = promisify(execFile);

/** Far more than 40 disks take on a busy machine. */
const SCRIPT_LIMIT_MS = 5 * 60_000;

/** A disk of the testbed: what it is filled with can be seen from outside. */
export interface SeededDisk extends Disk {
  readonly name: string;
  readonly file: string;
  /** Of the disk when it was backed up. */
  readonly sha256: string;
}

/** The real Keystone and Cinder on this machine: their knobs, their daemons, and the truth about the disks. */
export class Testbed {
  readonly #scripts = need('VBSCTL_TESTBED');
  readonly #folder = need('TESTBED_RUN');

  constructor() {
    process.env.OS_CLIENT_CONFIG_FILE = join(this.#folder, 'clouds.yaml');
  }

  /**
   * A backup daemon that is new hangs, now and then, when several orders come at once. So it gets one alone, and
   * after it was killed the tests give it one at a time.
   */
  static async warm(): Promise<Testbed> {
    const testbed = new Testbed();
    await testbed.seed(1);
    return testbed;
  }

  /** New disks with a backup each, overwritten since. */
  async seed(count: number): Promise<SeededDisk[]> {
    return JSON.parse(await this.#script('seed', [String(count)]));
  }

  /** Starts what is not running; `settings` count for what is started. */
  async up(settings: Readonly<Record<string, string>> = {}): Promise<void> {
    await this.#script('up', [], settings);
  }

  /** Keystone anew, alone, with these settings. */
  async restartKeystone(settings: Readonly<Record<string, string>>): Promise<void> {
    await this.#kill('keystone', 'SIGTERM');
    // At its end `up` fills the catalog, which is full, and takes longer than the shortest tokens live. That
    // Keystone is up, a token shows.
    await this.up(settings).catch(() => undefined);
    await this.#token('testbed');
  }

  async #script(name: string, args: readonly string[], settings = {}): Promise<string> {
    const env = { ...process.env, ...settings };
    const path = join(this.#scripts, name);
    return (await run(path, args, { env, maxBuffer: 16 << 20, timeout: SCRIPT_LIMIT_MS })).stdout;
  }

  /** Seconds that each restore takes from now on. */
  restoreDelay(seconds: number): void {
    this.#knob('restore_delay', String(seconds));
  }

  /** Backups or disks whose restores fail. */
  failRestores(ids: readonly string[]): void {
    this.#knob('restore_fail', ids.join(' '));
  }

  resetKnobs(): void {
    for (const name of ['restore_delay', 'restore_fail'])
      rmSync(join(this.#folder, 'knobs', name), { force: true });
  }

  #knob(name: string, value: string): void {
    writeFileSync(join(this.#folder, 'knobs', name), value);
  }

  /** As a crash would. */
  killBackupService(): Promise<void> {
    return this.#kill('cinder-backup', 'SIGKILL');
  }

  async #kill(daemon: string, signal: NodeJS.Signals): Promise<void> {
    const pid = Number(readFileSync(join(this.#folder, 'pid', daemon), 'utf8'));
    process.kill(pid, signal);
    while (isAlive(pid)) await sleep(50);
  }

  isRestored(disk: SeededDisk): boolean {
    return createHash('sha256').update(readFileSync(disk.file)).digest('hex') === disk.sha256;
  }

  /** How often Cinder's backup daemon set about writing over this disk, by its own log. */
  starts(volume_id: string): number {
    const log = readFileSync(join(this.#folder, 'log', 'cinder-backup.log'), 'utf8');
    return log
      .split('\n')
      .filter((line) => line.includes('Restore backup started') && line.includes(volume_id)).length;
  }

  async attach(volume_id: string): Promise<void> {
    await this.#act('testbed', volume_id, {
      'os-attach': { instance_uuid: '11111111-2222-4333-8444-555555555555', mountpoint: '/dev/vdb' },
    });
    await this.#until(volume_id, 'in-use');
  }

  async detach(volume_id: string): Promise<void> {
    await this.#act('testbed', volume_id, { 'os-detach': {} });
    await this.#until(volume_id, 'available');
  }

  /** What an administrator does with a disk that a failed restore left in error. */
  async makeAvailable(volume_id: string): Promise<void> {
    await this.#act('admin', volume_id, { 'os-reset_status': { status: 'available' } });
    await this.#until(volume_id, 'available');
  }

  /** Waits until Cinder itself says that its backup daemon is down: a minute without a heartbeat. */
  async untilBackupServiceIsDown(): Promise<void> {
    for (;;) {
      const { services } = await this.#call('admin', 'GET', '/os-services?binary=cinder-backup');
      if (services.every(({ state }: { state: string }) => state === 'down')) return;
      await sleep(1_000);
    }
  }

  /** Where the catalog says that a service of this type is: scheme, host and port. */
  async origin(type: string): Promise<URL> {
    const { catalog } = await this.#token('testbed');
    return new URL(new URL(urlOf(catalog, type)).origin);
  }

  async #until(volume_id: string, status: string): Promise<void> {
    for (;;) {
      const { volume } = await this.#call('testbed', 'GET', `/volumes/${volume_id}`);
      if (volume.status === status) return;
      await sleep(100);
    }
  }

  #act(cloud: string, volume_id: string, body: object): Promise<unknown> {
    // An administrator reaches a disk of another project by its id alone.
    return this.#call(cloud, 'POST', `/volumes/${volume_id}/action`, body);
  }

  /** A client of its own, so that what is tested does not vouch for itself. */
  // biome-ignore lint/suspicious/noExplicitAny: answers that the tests only pick from
  async #call(cloud: string, method: string, path: string, body?: object): Promise<any> {
    const { token, catalog } = await this.#token(cloud);
    const answer = await call(urlOf(catalog, 'volumev3') + path, {
      method,
      headers: { 'X-Auth-Token': token },
      body,
    });
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
    return answer.body;
  }

  async #token(cloud: string): Promise<{ token: string; catalog: readonly Service[] }> {
    const { auth } = JSON.parse(readFileSync(join(this.#folder, 'clouds.yaml'), 'utf8')).clouds[cloud];
    const domain = { id: 'default' };
    const user = { name: auth.username, domain, password: auth.password };
    const { status, headers, body, text } = await call(`${auth.auth_url}/auth/tokens`, {
      method: 'POST',
      body: {
        auth: {
          identity: { methods: ['password'], password: { user } },
          scope: { project: { name: auth.project_name, domain } },
        },
      },
    });
    if (status !== 201) throw new Error(`no token for ${cloud}: ${status} ${text}`);
    return { token: String(headers['x-subject-token']), catalog: body.token.catalog };
  }
}

interface Service {
  readonly type: string;
  readonly endpoints: readonly { readonly interface: string; readonly url: string }[];
}

function urlOf(catalog: readonly Service[], type: string): string {
  const { endpoints = [] } = catalog.find((service) => service.type === type) ?? {};
  const url = endpoints.find((endpoint) => endpoint.interface === 'public')?.url;
  if (url === undefined) throw new Error(`the catalog has no ${type}`);
  return url;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

function need(name: string): string {
  const value = process.env[name];
  if (value === undefined) throw new Error(`${name} is not set: these tests are run by npm run e2e`);
  return value;
}

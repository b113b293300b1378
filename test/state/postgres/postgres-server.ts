import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chownSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { ended, findProgram, freePort, serverFolder, untilReady } from '../servers.ts';

/** Where Debian has the server's programs; elsewhere they are in PATH. */
const DEBIAN = '/usr/lib/postgresql';
const FOLDERS = existsSync(DEBIAN) ? readdirSync(DEBIAN).map((version) => join(DEBIAN, version, 'bin')) : [];
const INITDB = findProgram('VBSCTL_TEST_INITDB', ['initdb'], FOLDERS);
const POSTGRES = findProgram('VBSCTL_TEST_POSTGRES', ['postgres'], FOLDERS);
export const PGBOUNCER = findProgram('VBSCTL_TEST_PGBOUNCER', ['pgbouncer'], ['/usr/sbin']);

export const HAS_POSTGRES = INITDB !== undefined && POSTGRES !== undefined;
export const NO_POSTGRES = 'no PostgreSQL server: install it (Debian: apt-get install postgresql)';
export const NO_PGBOUNCER = 'no PgBouncer: install it (Debian: apt-get install pgbouncer)';

/** PostgreSQL does not run as root. */
const RUN_AS = process.getuid?.() === 0 ? (idsOf('postgres') ?? idsOf('nobody')) : undefined;

function idsOf(user: string): { readonly uid: number; readonly gid: number } | undefined {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith(`${user}:`));
  const [, , uid, gid] = line?.split(':') ?? [];
  return uid === undefined || gid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) };
}

export class PostgresServer {
  port = 0;
  #child: ChildProcess | undefined;
  #pool: ChildProcess | undefined;
  #folder: Awaited<ReturnType<typeof serverFolder>> | undefined;

  /** `tls`: its certificate and key, with which it speaks TLS to who asks. */
  async start(tls?: { readonly cert: string; readonly key: string }): Promise<void> {
    if (INITDB === undefined || POSTGRES === undefined) throw new Error(NO_POSTGRES);
    if (!this.#folder) {
      this.port = await freePort();
      this.#folder = await serverFolder();
      if (RUN_AS) chownSync(this.#folder.path, RUN_AS.uid, RUN_AS.gid);
      const args = [
        '-D',
        this.#data,
        '-U',
        'vbsctl',
        '-A',
        'trust',
        '--no-sync',
        '--no-locale',
        '-E',
        'UTF8',
      ];
      const { status, stderr } = spawnSync(INITDB, args, { cwd: '/', encoding: 'utf8', ...RUN_AS });
      if (status !== 0) throw new Error(stderr);
    }
    const settings = ['-h', '127.0.0.1', '-p', String(this.port), '-k', '', '-F'];
    if (tls) settings.push(...this.#tlsSettings(tls));
    this.#child = spawn(POSTGRES, ['-D', this.#data, ...settings], { cwd: '/', stdio: 'ignore', ...RUN_AS });
    await untilReady(this.#child, () => this.ask('select 1'));
  }

  #tlsSettings(tls: { readonly cert: string; readonly key: string }): string[] {
    return ['cert', 'key'].flatMap((name) => {
      const file = join(this.#data, `server.${name}`);
      writeFileSync(file, tls[name as keyof typeof tls], { mode: 0o600 });
      if (RUN_AS) chownSync(file, RUN_AS.uid, RUN_AS.gid);
      return ['-c', `ssl_${name}_file=${file}`, '-c', 'ssl=on'];
    });
  }

  get #data(): string {
    return join(this.#folder?.path ?? '', 'data');
  }

  async ask(sql: string): Promise<unknown[]> {
    const client = new Client({ host: '127.0.0.1', port: this.port, user: 'vbsctl', database: 'postgres' });
    client.on('error', () => {});
    await client.connect();
    try {
      return (await client.query(sql)).rows;
    } finally {
      await client.end();
    }
  }

  /** A PgBouncer in front of it; its port. */
  async startPool(mode: 'transaction' | 'session' | 'statement', size = 20): Promise<number> {
    if (PGBOUNCER === undefined) throw new Error(NO_PGBOUNCER);
    const port = await freePort();
    const file = join(this.#folder?.path ?? '', `${mode}.ini`);
    writeFileSync(
      file,
      `[databases]\npostgres = host=127.0.0.1 port=${this.port} user=vbsctl\n[pgbouncer]\nlisten_addr = 127.0.0.1\n` +
        `listen_port = ${port}\nauth_type = any\npool_mode = ${mode}\ndefault_pool_size = ${size}\nunix_socket_dir =\n`,
    );
    this.#pool = spawn(PGBOUNCER, [file], { cwd: '/', stdio: 'ignore', ...RUN_AS });
    await untilReady(this.#pool, async () => {
      const client = new Client({ host: '127.0.0.1', port, user: 'vbsctl', database: 'postgres' });
      client.on('error', () => {});
      await client.connect();
      await client.end();
    });
    return port;
  }

  async stopPool(): Promise<void> {
    this.#pool?.kill('SIGKILL');
    if (this.#pool) await ended(this.#pool);
  }

  /** As a restart does it: whoever is connected is cut off. */
  async stop(): Promise<void> {
    this.#child?.kill('SIGINT');
    if (this.#child) await ended(this.#child);
  }

  async dispose(): Promise<void> {
    await this.stop();
    await this.#folder?.remove();
  }
}

import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { run as runProgram } from '../../src/cli/program.ts';
import { type Emulator, startEmulator } from '../../src/emulator/index.ts';
import { expectGolden } from '../views/golden.ts';
import { paperIo } from './program.ts';

/**
 * What the command line says to bad input, to a cloud that refuses, and to a state that cannot be used: every text as a
 * user sees it, in golden files. `UPDATE_GOLDEN=1 npx mocha test/cli/messages.test.ts` writes them anew.
 */

const MANIFEST_HEAD = 'apiVersion: vbsctl.dev/v1\nkind: RestoreSet\nmetadata: {name: night}\nspec:\n';
const STARTED_IN = process.cwd();
const CONFIG_HEAD = `apiVersion: vbsctl.dev/v1
kind: Config
retry: {settle: 1s, min_delay: 10ms, max_delay: 20ms, give_up_after: 1s}
poll: {min_interval: 10ms, max_interval: 20ms}
`;

/** A user at work: a folder, an emulated cloud, and a transcript of commands with their answers. */
class Session {
  readonly folder = mkdtempSync(join(tmpdir(), 'vbsctl-messages-'));
  readonly #cloud: Emulator;
  #transcript = '';

  private constructor(cloud: Emulator) {
    this.#cloud = cloud;
  }

  static async open(jobDurationMs = 100): Promise<Session> {
    const session = new Session(await startEmulator({ seed: { jobDurationMs, queueMs: 10 } }));
    session.write('vbsctl.yaml', CONFIG_HEAD);
    session.write('home/.keep', '');
    // The place of a local state is taken from the process.
    process.chdir(session.folder);
    return session;
  }

  get transcript(): string {
    return this.#transcript;
  }

  async close(): Promise<void> {
    process.chdir(STARTED_IN);
    await this.#cloud.close();
    rmSync(this.folder, { recursive: true });
  }

  get cloud(): Emulator {
    return this.#cloud;
  }

  write(name: string, text: string): void {
    mkdirSync(dirname(join(this.folder, name)), { recursive: true });
    writeFileSync(join(this.folder, name), text);
  }

  read(name: string): string {
    return readFileSync(join(this.folder, name), 'utf8');
  }

  /** Restores, one a line, each as a YAML flow map. */
  declare(...restores: string[]): void {
    this.write(
      'restores.yaml',
      `${MANIFEST_HEAD}  restores:\n${restores.map((each) => `    - ${each}\n`).join('')}`,
    );
  }

  async run(...args: string[]): Promise<void> {
    await this.runWith({}, ...args);
  }

  async runWith(env: Readonly<Record<string, string | undefined>>, ...args: string[]): Promise<void> {
    const paper = paperIo();
    const io = {
      ...paper,
      // One line a paragraph: where lines break depends on the length of ids and paths.
      stderr: { ...paper.stderr, isTty: true, columns: 10_000 },
      cwd: this.folder,
      home: join(this.folder, 'home'),
      env: { NO_COLOR: '1', VBSCTL_CONFIG: 'vbsctl.yaml', ...this.#cloud.env(), ...env },
    };
    const code = await run(args, io);
    const set = Object.entries(env).map(([name, value]) => `${name}=${value ?? ''} `);
    const words = args.map((arg) => (/^[\w./:=@*,-]+$/.test(arg) ? arg : `'${arg}'`)).join(' ');
    this.#transcript += this.#stable(
      `$ ${set.join('')}vbsctl ${words}\n${io.out.join('')}${io.err.join('')}(exit ${code})\n\n`,
    );
  }

  /** Without what differs from run to run. */
  #stable(text: string): string {
    return (
      text
        .replaceAll(this.folder, '/home/ada/night')
        .replaceAll(this.#cloud.url, 'http://127.0.0.1:8787')
        .replace(/emulator:[\w-]+/g, 'emulator:ID')
        .replace(/\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?Z/g, 'TIME')
        .replace(/\d{4}-\d{2}-\d{2}(?:[ T]\d{2}:\d{2}(?::\d{2})?)?/g, 'DATE')
        .replace(
          /\b\d+(?:\.\d+)?(?:ms|s|m|h|d)(?: \d+[smh])?(?= (?:ago|old|after|since|later|earlier)\b)/g,
          'AGE',
        )
        .replace(/just now/g, 'AGE ago')
        // How much is seen of a restore on its way depends on the machine.
        .replace(/^TIME · .*\n/gm, '')
        // The age before it is longer on a slow machine, and breaks the line.
        .replace(/(?<=\bfrom)\n(?=restores\.yaml$)/gm, ' ')
        .replace(/(--minimum-serial \d+:)[0-9a-f]{16}\b/g, '$1HASH')
        .replace(/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, 'ID')
        .replace(/\b[0-9a-f]{32,64}\b/g, 'ID')
        .replace(/(?<=within |after |in | {2})\d+(?:\.\d+)?m?s\b/g, 'AGE')
        .replace(/\d+ requests/g, 'N requests')
        .replace(/(?<=\S) {2,}/g, '  ')
    );
  }
}

const PAY_DATA = 'c96e4a94-927a-425c-8795-63f9964cfebd';
const PAY_BACKUP = '0a5c1f5e-6a53-4b8e-9d3b-0c6a2f6f7f11';
const GOOD = `{name: db, volume_id: ${PAY_DATA}, backup_id: ${PAY_BACKUP}}`;

// The same module instances as the commands, which are imported dynamically: a Failure is recognized by its class.
let run: typeof runProgram;
before(async () => {
  ({ run } = await import('../../src/cli/program.ts'));
});

describe('each message of the command line', () => {
  let session: Session;
  beforeEach(async () => {
    session = await Session.open();
  });
  afterEach(() => session.close());

  function reads(name: string, story: () => Promise<void>): void {
    it(`reads as reviewed: ${name}`, async () => {
      await story();
      expectGolden(name, session.transcript, import.meta.url);
    });
  }

  reads('command-lines', async () => {
    const on = (line: string) => session.run(...line.split(' ').filter((word) => word !== ''));
    session.declare(GOOD);
    for (const line of [
      '',
      'state',
      'aply',
      'state lst',
      'plan --taget night/db',
      'plan --out',
      'plan --output xml',
      'plan --output plan.json',
      'plan restores.yaml',
      'plan --sign key.pem',
      'plan --out plan.json --offline',
      'apply --parallelism 0',
      'apply --parallelism many',
      'apply --lock-timeout soon',
      'apply --max-age 24h',
      'apply plan.json -f restores.yaml --target night/db',
      'apply --target night/none',
      'apply --target night',
      'apply -f nowhere.yaml',
      'apply -yes',
      'plan --config nowhere.yaml',
      'show',
      'show nowhere.json',
      'get',
      'get backups pay-db-data',
      'get volumes pay-db-data',
      'get backups --before yesterday',
      'get backups --before 2026-11-23',
      'get backups --volume nowhere',
      'get backups --volume pay-db-dat',
      'get backups --server web-*',
      'get volumes --server pay-db1',
      'generate',
      'generate --latest',
      'generate --latest --as-of 2026-11-23T22:00:00Z --all',
      'generate --latest --all --server web1',
      'generate --server web1 --as-of 2001-01-01T00:00:00Z',
      'generate --latest --name nothing-*',
      'generate --latest --server pay-db1',
      'generate --latest --all --set Night',
      'resolve night/db',
      'resolve night/db --as done --reason x',
      'resolve night/db --as failed',
      'import night/db',
      'import night/db 70a583b2',
      'import night/db --succeeded-at yesterday --reason x',
      'wait --timeout -5',
      'unlock',
      'state mv night/db',
      'state accept --reason=',
      'state history --since tomorrow',
      'state push nowhere.json',
      'state migrate',
      'emulator --port 70000',
      'emulator --faults nowhere.json',
      'emulator --faults vbsctl.yaml',
      'emulator --detach nobody --world world.json',
      'completion tcsh',
      'help nothing',
      'help stat',
      'help state nothing',
      'destroy',
      'restore',
      'login',
      'force-unlock',
      'plan -destroy',
      'plan -refresh=false',
      'plan -var a=b',
      'apply -lock=false',
      'apply -input=false',
      'apply --force',
      'apply --dry-run',
      'plan --no-color',
      'validate --out x',
    ])
      await on(line);
  });

  reads('environments', async () => {
    session.declare(GOOD);
    const none = {
      OS_AUTH_URL: undefined,
      OS_USERNAME: undefined,
      OS_PASSWORD: undefined,
      OS_PROJECT_NAME: undefined,
    };
    await session.runWith(none, 'plan');
    await session.runWith({ OS_CLOUD: 'nowhere' }, 'plan');
    await session.runWith({ OS_PASSWORD: 'wrong' }, 'plan');
    await session.runWith({ OS_PASSWORD: undefined }, 'plan');
    await session.runWith({ OS_USERNAME: undefined }, 'plan');
    await session.runWith({ OS_PROJECT_NAME: 'nowhere' }, 'plan');
    await session.runWith({ OS_AUTH_URL: 'cloud.example.com' }, 'plan');
    await session.runWith({ OS_AUTH_URL: 'http://127.0.0.1:1/v3' }, 'plan');
    await session.runWith({ OS_REGION_NAME: 'nowhere' }, 'plan');
    await session.runWith({ OS_INSECURE: 'maybe' }, 'plan');
    await session.runWith({ OS_AUTH_TYPE: 'magic' }, 'plan');
    await session.runWith({ OS_CACERT: '/nowhere/ca.pem' }, 'plan');
    await session.runWith({ OS_CLOUD: 'nowhere' }, 'auth', 'show');
    await session.runWith({ OS_PASSWORD: 'wrong' }, 'auth', 'check');
    await session.runWith({ OS_AUTH_URL: 'http://127.0.0.1:1/v3' }, 'auth', 'check');
    await session.run('auth', 'check');
    await session.runWith({ VBSCTL_MINIMUM_SERIAL: 'x' }, 'plan', '--offline');
    await session.runWith({ VBSCTL_MINIMUM_SERIAL: '5' }, 'plan', '--offline');
    await session.runWith(
      { VBSCTL_SIGNING_KEY: '/nowhere/key.pem' },
      'plan',
      '--out',
      'plan.json',
      '--sign',
      'key.pem',
    );
    await session.runWith({ VBSCTL_TRUSTED_KEYS: '/nowhere' }, 'apply', 'plan.json');
    for (const place of [
      'postgres://user:secret@db.example.com/state',
      'https://user:secret@state.example.com/prod',
      'ftp://state.example.com/prod',
      's3://bucket',
      'https://',
      '.',
      'nowhere/state.json',
    ])
      await session.run('state', 'list', '--state', place);
    await session.runWith({ CI: 'true' }, 'apply', '--auto-approve');
    session.write('vbsctl.yaml', `${CONFIG_HEAD}cloud: other\nstate: https://state.example.com/prod\n`);
    await session.runWith({ CI: 'true', VBSCTL_CONFIG: undefined }, 'plan');
    await session.runWith({ VBSCTL_CONFIG: undefined }, 'plan');
    session.write('vbsctl.yaml', `${CONFIG_HEAD}required_version: ">=9.0.0"\n`);
    await session.run('plan');
    await session.run('init', '--config');
  });

  reads('plans', async () => {
    session.declare(GOOD);
    await session.run('apply');
    await session.run('apply', '--auto-approve');
    await session.run('init');
    await session.run('init');
    await session.run('apply');
    session.declare(
      `{name: gone, volume_id: 11111111-1111-4111-8111-111111111111, backup_id: ${PAY_BACKUP}}`,
      `{name: lost, volume_id: 2748f2f2-4394-4e6e-af8d-8dd34496c024, backup_id: 11111111-1111-4111-8111-111111111112}`,
      `{name: nameless, volume: {name: nowhere}, backup_id: ${PAY_BACKUP}}`,
      '{name: old, volume: {name: ci-boot}, backup: {as_of: 2001-01-01T00:00:00Z}}',
      '{name: within, volume: {name: ci-cache}, backup: {as_of: latest, within: 1s}}',
      `{name: expected, volume_id: ${PAY_DATA}, backup_id: ${PAY_BACKUP}, expect: {volume_name: other, size: 1, server: web1}}`,
      '{name: small, volume: {name: pay-db-log}, backup_id: 0a5c1f5e-6a53-4b8e-9d3b-0c6a2f6f7f11}',
      '{name: attached, volume: {name: web-boot}, backup: {as_of: latest}}',
    );
    await session.run('plan');
    await session.run('apply', '--auto-approve');
    session.declare(GOOD);
    await session.run('plan', '--out', 'plan.json');
    await session.run('show', 'plan.json');
    await session.run('apply', 'plan.json', '--max-age', '1ms');
    await session.run('apply', 'plan.json', '--trusted-keys', 'home');
    session.write('other.json', session.read('plan.json').replace(/"serial": *\d+/, '"serial": 7'));
    await session.run('apply', 'other.json');
    await session.run('apply', 'restores.yaml');
    session.write('half.json', session.read('plan.json').slice(0, 200));
    await session.run('apply', 'half.json');
    await session.run('apply', 'plan.json');
    await session.run('apply', 'plan.json');
    await session.run('plan');
    await session.run('apply', '--auto-approve');
    await session.run('status');
    await session.run('wait');
  });

  reads('policies', async () => {
    session.declare(
      `{name: db, volume_id: ${PAY_DATA}, backup_id: ${PAY_BACKUP}}`,
      '{name: log, volume: {name: pay-db-log}, backup: {as_of: latest}}',
    );
    await session.run('init');
    for (const policy of [
      'max_restores: 1',
      'max_backup_age: 1s',
      'protected_volumes: [pay-*]',
      'require_labels: [ticket]',
      'require_expect: true',
      'require_valid_until: true',
      'require_signed_plans: true',
      'allowed_sets: [payments]',
    ]) {
      session.write('vbsctl.yaml', `${CONFIG_HEAD}policy: {${policy}}\n`);
      await session.run('apply', '--auto-approve');
    }
  });

  reads('states', async () => {
    await session.close();
    // Long enough that it still runs when its status is asked for, also on a busy machine.
    session = await Session.open(10_000);
    session.declare(GOOD);
    await session.run('state', 'list');
    await session.run('status');
    await session.run('resolve', 'night/db', '--as', 'failed', '--reason', 'looked');
    await session.run('init');
    await session.run('state', 'list');
    await session.run('apply', '--auto-approve', '--no-wait');
    await session.run('status', 'night/db');
    await session.run('wait', 'night/none');
    await session.run('wait');
    await session.run('state', 'list');
    await session.run('state', 'show', 'night/none');
    await session.run('resolve', 'night/db', '--as', 'failed', '--reason', 'x');
    await session.run('resolve', 'night/none', '--as', 'failed', '--reason', 'x');
    await session.run('import', 'night/db', '--job-id', 'x');
    await session.run('unlock', '3f0c2a9e-5d1b-4c86-9a57-2f6e1d0b7c44');
    await session.run('state', 'lock-info');
    await session.run('state', 'verify');
    await session.run('state', 'history');
    await session.run('state', 'mv', 'night/none', 'night/x');
    await session.run('state', 'mv', 'night/db', 'night/db');
    await session.run('state', 'mv', 'night/db', 'x');
    await session.run('state', 'mv', 'night/db', 'night/x');
    await session.run('state', 'rm', 'night/none');
    await session.run('state', 'rm', '--dry-run', 'night/x');
    const good = session.read('vbsctl.state.json');
    session.write('copy.json', good);
    await session.run('state', 'rm', 'night/x');
    await session.run('state', 'push', 'copy.json');
    await session.run(
      'state',
      'push',
      '--dry-run',
      '--allow-older-serial',
      '--allow-forgotten-restores',
      'copy.json',
    );
    await session.run('state', 'push', 'restores.yaml');
    await session.run('plan', '--minimum-serial', '99');
    await session.run('state', 'migrate', '--to', 'moved.json', '--dry-run');
    await session.run('state', 'migrate', '--to', 'moved.json');
    await session.run('plan');
    await session.run('state', 'migrate', '--undo');
    await session.run('state', 'migrate', '--state', 'moved.json', '--to', 'vbsctl.state.json');
    session.write('vbsctl.state.json', good);
    await session.run('plan');
    await session.run('state', 'verify');
    await session.run('state', 'accept', '--reason', 'checked', '--dry-run');
    await session.run('state', 'accept', '--reason', 'checked');
    session.write('vbsctl.state.json', good.replace('"succeeded"', '"failed"'));
    await session.run('plan');
    await session.run('state', 'verify');
    await session.run('state', 'accept', '--reason', 'checked', '--auto-approve');
    session.write('vbsctl.state.json', '{"a": ');
    await session.run('plan');
    session.write('vbsctl.state.json', '[]');
    await session.run('plan');
    session.write('vbsctl.state.json', good.replace(/"format": *\d+/, '"format": 99'));
    await session.run('plan');
    session.write('vbsctl.state.json', '');
    await session.run('plan');
    rmSync(join(session.folder, 'vbsctl.state.json'));
    await session.run('apply', '--auto-approve');
    appendFileSync(join(session.folder, 'restores.yaml'), '   - broken');
    await session.run('status');
  });
});

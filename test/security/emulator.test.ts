import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect } from 'chai';
import { seedWorld } from '../../src/emulator/index.ts';
import { PROGRAM, startProgram } from '../e2e/program.ts';
import { CRASH, printed, Sandbox } from './sandbox.ts';

/** What a page in a browser of this machine can send, against the served emulator. */
describe('a served emulator', () => {
  let sandbox: Sandbox;
  let stop: () => Promise<void>;
  let port: number;
  before(async () => {
    sandbox = new Sandbox();
    const args = ['emulator', '--port', '0', '--quiet', '--allow-host', 'emulator.test'];
    const child = spawn(process.execPath, [PROGRAM, ...args], {
      cwd: sandbox.cwd,
      env: { PATH: process.env.PATH, HOME: sandbox.home },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const closed = new Promise<void>((resolve) => child.once('close', () => resolve()));
    stop = () => {
      child.kill('SIGTERM');
      return closed;
    };
    port = await new Promise<number>((resolve, reject) => {
      child.once('close', () => reject(new Error('the emulator ended')));
      createInterface(child.stdout).on('line', (line) => {
        const [, found] = /^export OS_AUTH_URL=http:\/\/127\.0\.0\.1:(\d+)/.exec(line) ?? [];
        if (found !== undefined) resolve(Number(found));
      });
    });
  });
  after(async () => {
    await stop();
    sandbox.close();
  });

  interface Told {
    readonly status: number;
    readonly headers: http.IncomingHttpHeaders;
    readonly text: string;
  }

  function ask(
    method: string,
    path: string,
    headers: Readonly<Record<string, string>>,
    body?: string,
  ): Promise<Told> {
    return new Promise((resolve, reject) => {
      const request = http.request(
        { host: '127.0.0.1', port, method, path, headers: { ...headers, ...lengthOf(body) }, agent: false },
        (response) => {
          let text = '';
          response.on('data', (chunk) => {
            text += chunk;
          });
          response.on('end', () =>
            resolve({ status: response.statusCode ?? 0, headers: response.headers, text }),
          );
        },
      );
      request.on('error', reject).end(body);
    });
  }

  /** Node sends the body of a DELETE without its length. */
  const lengthOf = (body: string | undefined) =>
    body ? { 'Content-Length': String(Buffer.byteLength(body)) } : {};
  const JSON_BODY = { 'Content-Type': 'application/json' };
  const world = async () => (await ask('GET', '/__emulator/world', {})).text;

  for (const Host of [
    'attacker.example',
    'attacker.example:8787',
    '127.0.0.1.attacker.example',
    'localhost.attacker.example',
    'attacker.example.',
    '127.0.0.2',
    '0x7f000001',
    '[::2]',
    'localhost@attacker.example',
  ])
    for (const [method, path] of [
      ['GET', '/__emulator/world'],
      ['POST', '/__emulator/settings'],
      ['POST', '/v3/auth/tokens'],
      ['DELETE', '/__emulator/faults'],
    ] as const)
      it(`refuses ${method} ${path} from a page at "${Host}"`, async () => {
        const before = await world();
        const { status, text, headers } = await ask(
          method,
          path,
          { Host, ...JSON_BODY },
          method === 'POST' ? '{}' : '',
        );
        expect(status).to.equal(403);
        expect(text).to.contain('--allow-host');
        expect(headers).not.to.have.property('access-control-allow-origin');
        expect(await world()).to.equal(before);
      });

  for (const [name, headers] of [
    ['of a form', { 'Content-Type': 'application/x-www-form-urlencoded' }],
    ['of a form of files', { 'Content-Type': 'multipart/form-data; boundary=x' }],
    ['of text', { 'Content-Type': 'text/plain' }],
    ['of text that claims to be JSON', { 'Content-Type': 'text/plain; application/json' }],
    ['without a content type', {}],
  ] as const)
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE'])
      it(`refuses ${method} ${name}`, async () => {
        const before = await world();
        const path = '/__emulator/detach-server';
        const { status, text } = await ask(method, path, headers, '{"server": "pay-db1"}');
        expect(status).to.equal(415);
        expect(text).to.contain('Content-Type: application/json');
        expect(await world()).to.equal(before);
      });

  it('refuses a POST without a body from a page', async () => {
    expect((await ask('POST', '/__emulator/expire-tokens', {})).status).to.equal(415);
  });

  for (const headers of [
    { Origin: 'http://attacker.example' },
    { Origin: 'null' },
    { Origin: 'http://localhost:3000' },
    { 'Sec-Fetch-Site': 'cross-site' },
    { 'Sec-Fetch-Site': 'same-site' },
  ])
    it(`refuses a page of another origin (${JSON.stringify(headers)})`, async () => {
      for (const method of ['GET', 'POST', 'DELETE', 'OPTIONS']) {
        const told = await ask(method, '/__emulator/faults', { ...headers, ...JSON_BODY }, '');
        expect(told.status).to.equal(403);
        expect(Object.keys(told.headers).join()).not.to.contain('access-control');
      }
    });

  it('still serves programs under each of its names', async () => {
    for (const Host of [
      '127.0.0.1',
      `127.0.0.1:${port}`,
      `localhost:${port}`,
      'LOCALHOST.',
      '[::1]',
      'emulator.test',
    ]) {
      const { status, text } = await ask('GET', '/v3', { Host });
      expect(status, Host).to.equal(200);
      expect(text).to.contain(`http://${Host}/v3`);
    }
    const charset = { 'Content-Type': 'application/json; charset=utf-8' };
    expect((await ask('POST', '/__emulator/faults', charset, '{"rules": []}')).status).to.equal(200);
    expect((await ask('DELETE', '/__emulator/faults', {})).status).to.equal(200);
    const detached = await sandbox.run(
      { OS_AUTH_URL: `http://127.0.0.1:${port}/v3` },
      'emulator',
      '--detach',
      'pay-db1',
    );
    expect(detached.stdout).to.contain(`In the emulator at http://127.0.0.1:${port}.`);
  });
});

/** A world that came with a checkout, named by --world. */
describe('a hostile world file', () => {
  let sandbox: Sandbox;
  beforeEach(() => {
    sandbox = new Sandbox();
  });
  afterEach(() => sandbox.close());

  /** What is printed to be pasted, up to its last line. */
  async function block(world: object): Promise<string> {
    sandbox.write('world.json', JSON.stringify(world));
    const args = ['emulator', '--port', '0', '--quiet', '--world', 'world.json'];
    const running = startProgram(args, sandbox.cwd, { HOME: sandbox.home }, (line) => {
      if (line.startsWith('# To see what happened in the cloud')) running.kill('SIGTERM');
    });
    const done = await running.done;
    expect(printed(done)).not.to.match(CRASH);
    return done.stdout;
  }

  for (const attack of [
    'x\ntouch pasted\n#',
    'x\r\ntouch pasted\r\n#',
    '$(touch pasted)',
    '; touch pasted',
    "'; touch pasted; '",
    '\u2028touch pasted',
  ])
    it(`cannot run a command when its exports are pasted: ${JSON.stringify(attack)}`, async () => {
      const texts: object = JSON.parse(JSON.stringify(seedWorld()), (key, value) =>
        ['name', 'domain', 'password', 'secret', 'region', 'id'].includes(key) ? attack : value,
      );
      const shown = await block(texts);
      expect(shown).to.match(/^# {3}export OS_ACCESS_KEY=/m);
      for (const line of shown.trimEnd().split('\n')) expect(line).to.match(/^(# |# {3}|export OS_\w+=)/);
      // As pasted, and with the commands of the comments taken out.
      for (const pasted of [shown, shown.replace(/^# {3}(?=export)/gm, '')])
        execFileSync('sh', ['-c', pasted], { cwd: sandbox.cwd });
      expect(existsSync(join(sandbox.cwd, 'pasted'))).to.equal(false);
    });

  for (const odd of [7, null, {}, [], [{}]])
    it(`may have any value in a text field: ${JSON.stringify(odd)}`, async () => {
      const world: object = JSON.parse(JSON.stringify(seedWorld()), (key, value) =>
        ['password', 'secret', 'domain', 'region'].includes(key) ? odd : value,
      );
      expect(await block(world)).to.include("export OS_REGION_NAME=''\n");
    });
});

/** A world that came with a checkout, its outline right and its entries not. */
describe('a damaged world file', () => {
  let sandbox: Sandbox;
  beforeEach(() => {
    sandbox = new Sandbox();
  });
  afterEach(() => sandbox.close());

  const deep = '['.repeat(100_000) + ']'.repeat(100_000);
  const serve = ['--port', '0', '--quiet'];
  const detach = ['--detach', 'crm-db1'];
  for (const [args, part, json] of [
    [serve, 'faults', '{}'],
    [serve, 'faults', '{"rules":5}'],
    [serve, 'faults', '{"rules":[null],"seeded":null}'],
    [serve, 'settings', `{"x":${deep}}`],
    [serve, 'users', '{"a":{}}'],
    [detach, 'scheduled_events', '[null]'],
    [detach, 'scheduled_events', '[{"at_ms":0}]'],
    [detach, 'scheduled_events', '[{"at_ms":0,"event":"vbsctl status"}]'],
    [detach, 'scheduled_events', '[{"at_ms":0,"event":"restore_ends","job_id":"x"}]'],
    [detach, 'scheduled_events', '[{"at_ms":0,"event":"restore_arrives"}]'],
    [detach, 'servers', '{"a":null}'],
    [detach, 'volumes', '{"a":{}}'],
    [detach, 'volumes', '{"a":{"attachments":[null]}}'],
  ] as const)
    it(`is reported: ${args[0]} ${part} ${json.slice(0, 60)}`, async () => {
      const text = JSON.stringify({ ...seedWorld(), application_credentials: {}, [part]: '' }).replace(
        `"${part}":""`,
        `"${part}":${json}`,
      );
      const file = sandbox.write('world.json', text);
      const done = await sandbox.run({}, 'emulator', ...args, '--world', 'world.json');
      expect(done.code, printed(done)).to.equal(1);
      expect(printed(done)).not.to.match(CRASH).and.not.include('vbsctl status');
      expect(printed(done).replace(/\s+/g, ' ')).to.include('is damaged: an entry is missing or malformed');
      if (part === 'faults') expect(readFileSync(file, 'utf8') === text, 'untouched').to.equal(true);
    });

  it('may have any name for a disk', async () => {
    const { servers, ...world } = seedWorld();
    const [server] = Object.values(servers).filter(({ name }) => name === 'crm-db1');
    const name = { toString: 1 };
    const volumes = { a: { name, attachments: [{ server_id: server?.id }] } };
    sandbox.write('world.json', JSON.stringify({ ...world, servers, volumes }));
    const done = await sandbox.run({}, 'emulator', '--detach', 'crm-db1', '--world', 'world.json');
    expect(printed(done)).to.include('Detached from crm-db1: (no name).');
  });
});

/** Whatever program of this machine listens where OS_AUTH_URL points. */
describe('the detection of a served emulator', () => {
  const PATHS = '{"paths":["POST detach-server"]}';
  let sandbox: Sandbox;
  let server: http.Server;
  let replies: { get: string; post: string; getStatus?: number; postStatus?: number };
  let posts = 0;
  before(async () => {
    server = http.createServer((request, response) => {
      request.resume();
      const isPost = request.method === 'POST';
      if (isPost) posts++;
      response.writeHead((isPost ? replies.postStatus : replies.getStatus) ?? 200);
      response.end(isPost ? replies.post : replies.get);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  beforeEach(() => {
    sandbox = new Sandbox();
    posts = 0;
  });
  afterEach(() => sandbox.close());
  const url = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const detach = () => sandbox.run({ OS_AUTH_URL: `${url()}/v3` }, 'emulator', '--detach', 'pay-db1');

  for (const [status, post] of [
    [200, '{"done":true,"detached":"x"}'],
    [200, '{"done":true,"detached":{"length":1}}'],
    [200, '{"done":true,"detached":[1,{}]}'],
    [200, '{"done":true,"detached":null}'],
    [200, '{"done":"yes","detached":[]}'],
    [200, '{"done":false,"reason":"missing","message":"::add-mask::x"}'],
    [200, '{"detached":["x"]}'],
    [200, 'null'],
    [200, '[]'],
    [200, '7'],
    [200, ''],
    [200, '::add-mask::restored'],
    [200, '['.repeat(500_000)],
    [201, '{"done":true,"detached":[]}'],
    [404, 'no such page'],
    [500, '{"error":{"message":"::add-mask::x"}}'],
  ] as const)
    it(`rejects a server that answers ${status} ${post.slice(0, 60)}`, async () => {
      replies = { get: PATHS, post, postStatus: status };
      const done = await detach();
      expect(done.code, printed(done)).to.equal(1);
      expect(printed(done).replace(/\s+/g, ' '))
        .to.include(`the program at ${url()} is not an emulator (HTTP ${status})`)
        .and.not.match(CRASH)
        .and.not.include('add-mask');
    });

  for (const [status, get] of [
    [200, 'null'],
    [200, '"POST detach-server"'],
    [200, '{"paths":"POST detach-server"}'],
    [200, '{"paths":{"0":"POST detach-server"}}'],
    [404, PATHS],
    [200, '<html>'],
  ] as const)
    it(`rejects a server that describes itself as ${status} ${get}`, async () => {
      replies = { get, getStatus: status, post: '{"done":true,"detached":[]}' };
      const done = await detach();
      expect(done.code, printed(done)).to.equal(0);
      expect(done.stdout).to.include('no emulator answers there, and nothing was done to it');
      expect(posts).to.equal(0);
    });
});

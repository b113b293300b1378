import { execFileSync } from 'node:child_process';
import { readFileSync, renameSync, symlinkSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { brotliCompressSync, constants, deflateSync, gzipSync } from 'node:zlib';
import { expect } from 'chai';
import { Secrets } from '../../src/domain/secrets.ts';
import type { State } from '../../src/domain/state.ts';
import { type Emulator, startEmulator } from '../../src/emulator/index.ts';
import { encodeSnapshot } from '../../src/state/codec.ts';
import { extendChain } from '../../src/state/history-chain.ts';
import { postgresLocation } from '../../src/state/postgres/postgres-location.ts';
import { ConnectionLost, PostgresSession } from '../../src/state/postgres/postgres-session.ts';
import { commands } from '../cli/program.ts';
import { type Finished, startProgram } from '../e2e/program.ts';
import { chained } from '../state/samples.ts';
import { int16, int32, message } from './fake-postgres.ts';
import { HOSTILE_TEXTS } from './hostile-texts.ts';
import { logCommandsIn } from './log-commands.ts';
import { tells, WRITINGS } from './reflections.ts';
import { CRASH, expectNoLookalike, LOOKALIKE, printed, Sandbox } from './sandbox.ts';

const base64url = (text: string) => Buffer.from(text).toString('base64url');
const hex = (text: string) => Buffer.from(text).toString('hex');
const escaped = (text: string) => hex(text).replace(/../g, '\\x$&');

/** What a state server may answer, against the built program. */
describe('a state server that echoes what it was sent', () => {
  const PASSWORD = 'Glp"at\\-x<Y>z&4\'2/Kp+Qr';
  let sandbox: Sandbox;
  let closing: (() => void)[];
  beforeEach(() => {
    sandbox = new Sandbox();
    closing = [];
  });
  afterEach(() => {
    for (const close of closing) close();
    sandbox.close();
  });

  async function serve(answer: (request: http.IncomingMessage) => Answered): Promise<string> {
    const server = http.createServer((request, response) => {
      request.resume().on('end', () => {
        const { status, body, type = 'application/json' } = answer(request);
        response.writeHead(status, { 'Content-Type': type });
        response.end(body);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closing.push(() => {
      server.closeAllConnections();
      server.close();
    });
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}/s`;
  }

  interface Answered {
    readonly status: number;
    readonly body: string;
    readonly type?: string;
  }

  /** Unit tests have the rest (domain/secrets). */
  const SOME = Object.entries(WRITINGS).filter(([how]) =>
    [
      'plain',
      'quoted by number',
      'as libpq quotes',
      'in an address',
      'in capitals',
      'base64 of a login',
    ].includes(how),
  );
  /** Forms within each other that nothing but the decoded text tells. */
  const NESTED: readonly (readonly [string, (text: string) => string])[] = [
    ['base64 of hex', (text) => base64url(hex(text))],
    ['base64 of base64', (text) => base64url(`u:${base64url(`v:${text}`)}`)],
    ['backslashes of backslashes of backslashes', (text) => escaped(escaped(escaped(text)))],
  ];
  const HTTP_ENV = { TF_HTTP_USERNAME: 'ci', TF_HTTP_PASSWORD: PASSWORD, TF_HTTP_RETRY_MAX: '0' };

  it('cannot show the password of an HTTP server in any form', async () => {
    for (const status of [400, 401, 500])
      for (const [how, write] of Object.entries(WRITINGS)) {
        if (status !== 400 && !['plain', 'base64 of a login', 'quoted by number'].includes(how)) continue;
        const address = await serve(({ headers }) => ({
          status,
          body: `${headers.authorization} ${write(PASSWORD)}`,
        }));
        const done = await sandbox.run(HTTP_ENV, 'state', 'list', '--state', address);
        expect(done.code, printed(done)).to.equal(1);
        expect(printed(done)).to.include(`answered ${status}`);
        expect(printed(done)).not.to.match(CRASH);
        expect(tells(printed(done), PASSWORD), `${how}\n${printed(done)}`).to.equal(undefined);
      }
  });

  const { state } = chained('line-1', 1);
  const encoded = (changed: State) => encodeSnapshot({ state: changed, chain: extendChain(changed, []) });
  const inRecord = (text: string) => {
    const [[address, record] = [], ...more] = [...state.records];
    if (address === undefined || record === undefined) throw new Error('no record');
    return encoded({
      ...state,
      records: new Map([[address, { ...record, names: { ...record.names, volume_name: text } }], ...more]),
    });
  };
  const inHistory = (text: string) =>
    encoded({
      ...state,
      history: state.history.map((entry) => ({ ...entry, actor: { ...entry.actor, who: text } })),
    });
  const store = (body: string) => {
    let locked = false;
    return serve(({ method }) => {
      const status = method === 'LOCK' && locked ? 423 : 200;
      if (method === 'LOCK' || method === 'UNLOCK') locked = method === 'LOCK';
      return { status, body: method === 'GET' ? body : '' };
    });
  };

  it('cannot show a password in base64 within an address or id, between invisible characters, or cut in an escape', async () => {
    const base64 = (text: string) => Buffer.from(text).toString('base64');
    const odd = 'pa"ss/wo&rd<1>2';
    const body = '{"password":"pa\\"ss/wo\\u0026rd\\u003c1\\u003e2"}';
    const numbers = [...'kWq8zLmPv3T'].map((c) => `\\u00${c.charCodeAt(0).toString(16)}`).join('');
    const marks = [0xfe0f, 0x034f, 0x3164, 0x2800, 0x115f, 0x180b, 0xe0100].map((code) =>
      String.fromCodePoint(code),
    );
    for (const [password, text] of [
      [odd, `bad request for http://h/cb/${base64(body)}`],
      [odd, `bad body id-${base64(body)}`],
      [odd, `bad body +${Buffer.from(body).toString('base64url')}`],
      ['Aa1!Aa1!', `bad ${base64(base64('Aa1!Aa1!')).replace(/=+$/, '')} and`],
      ...marks.map((mark) => ['x7!@#$%^&*', `bad ${[...'x7!@#$%^&*'].join(mark)}`] as const),
      ...[1, 2, 3, 4, 5].map((cut) => ['kWq8zLmPv3TnBx7', `bad ${numbers.slice(0, -cut)}…`] as const),
      ['kWq8zLmPv3TnBx7', 'bad value %6B%57%71%38%7A%4...'],
      ['kWq8zLmPv3TnBx7', 'bad value &#107;&#87;&#113;&#56;&#12...'],
    ] as const) {
      const address = await serve(() => ({ status: 403, body: text }));
      const env = { TF_HTTP_USERNAME: 'vbs', TF_HTTP_PASSWORD: password, TF_HTTP_RETRY_MAX: '0' };
      const done = await sandbox.run(env, 'state', 'pull', '--state', address);
      expect(printed(done), text).to.match(/repeats\s+a\s+credential;\s+not\s+shown|\*\*\*/);
      expect(printed(done), text).to.not.include(text.slice(4, 14));
    }
  });

  it('cannot show a password of which it escapes some characters, or put it into the state', async () => {
    const unicode = (char: string) => `\\u00${char.charCodeAt(0).toString(16).toUpperCase()}`;
    const octal = (char: string) => `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`;
    for (const [password, text] of [
      // As .NET writes JSON. A digit follows the escape.
      ['Kp+7=q/9wZ', 'Kp+7=q/9wZ'.replace('+', unicode)],
      ['Kp+7=q/9wZ', 'Kp+7=q/9wZ'.replace('+', '%u002b')],
      ['Kp😀7=q/9wZ', 'Kp\\U0001f6007=q/9wZ'],
      // As Go writes it.
      ['x>e9=Kq7', 'x>e9=Kq7'.replace('>', unicode)],
      ['tr0ub4dor&3=secret', 'tr0ub4dor&3=secret'.replace('&', unicode)],
      ['tr0ub4dor"&3=secret', 'tr0ub4dor"&3=secret'.replace('"', '\\"').replace('&', octal)],
      // One escape within another, of the same character.
      ['Kp+7=q/9wZ', 'Kp\\=3053\\067=3Dq/9wZ'],
      ['Kp+7=q/9wZ', 'Kp\\&#117;002b7=q/9wZ'],
      ['Kp+7=q/9wZ', 'Kp\\u00%32%42%37=q/9wZ'],
    ] as const) {
      const env = { TF_HTTP_USERNAME: 'vbs', TF_HTTP_PASSWORD: password, TF_HTTP_RETRY_MAX: '0' };
      const address = await serve(() => ({ status: 403, body: `wrong password ${text} for vbs` }));
      const message = await sandbox.run(env, 'state', 'pull', '--state', address);
      expect(printed(message), text)
        .to.match(/repeats\s+a\s+credential;\s+not\s+shown|password\s+\*\*\*\s+for/)
        .and.not.include(text.slice(-3));
      const read = await sandbox.run(env, 'state', 'pull', '--state', await store(inRecord(`login ${text}`)));
      expect(read.code, `${text}\n${printed(read)}`).to.equal(5);
      expect(printed(read)).to.match(/the\s+state\s+repeats\s+a\s+credential/);
    }
  });

  it('cannot show the login of a proxy, however its address is written, or put it into the state', async () => {
    const token = 'pxtoken_9f8e7d6c5b4a';
    for (const [HTTPS_PROXY, text = token] of [
      [`${token}@127.0.0.1:3128`],
      [`${token}:@127.0.0.1:3128`],
      [`http://${token}@127.0.0.1:3128`],
      [`user%3A${token}@127.0.0.1:3128`],
      [`${token}:x@127.0.0.1:3128`],
      [`ann:${token}@127.0.0.1:3128`],
      [`http://ann:${token}@127.0.0.1:3128`, Buffer.from(`ann:${token}`).toString('base64')],
    ] as const) {
      const env = { HTTPS_PROXY, TF_HTTP_RETRY_MAX: '0' };
      const address = await serve(() => ({ status: 403, body: `denied: ${text}!` }));
      const message = await sandbox.run(env, 'status', '--state', address);
      expect(printed(message), HTTPS_PROXY).to.include('denied: ***!');
      const read = await sandbox.run(env, 'state', 'pull', '--state', await store(inRecord(`seen ${text}`)));
      expect(read.code, `${HTTPS_PROXY}\n${printed(read)}`).to.equal(5);
      expect(printed(read)).to.not.include(text);
    }
  });

  it('cannot show the end of a password that begins like another', async () => {
    const mine = 'Company-Prod-2026-statestore-B2xyz';
    const env = {
      OS_AUTH_URL: 'https://iam.example/v3',
      OS_USERNAME: 'u',
      OS_PASSWORD: 'Company-Prod-2026-cloudaccess-A1abc',
      TF_HTTP_USERNAME: 'vbs',
      TF_HTTP_PASSWORD: mine,
      TF_HTTP_RETRY_MAX: '0',
    };
    for (const text of [mine, mine.slice(0, 30), env.OS_PASSWORD]) {
      const address = await serve(() => ({ status: 403, body: `wrong password ${text} for vbs` }));
      const done = await sandbox.run(env, 'state', 'pull', '--state', address);
      expect(printed(done)).to.include('wrong password *** for vbs');
    }
  });

  it('is refused if it put the password into the state', async () => {
    for (const [how, write] of [...SOME, ...NESTED])
      for (const within of [inRecord, inHistory]) {
        const address = await store(within(write(PASSWORD)));
        for (const args of [
          ['state', 'list'],
          ['state', 'show', 'pay/run'],
          ['state', 'pull'],
          ['state', 'history', '-o', 'json'],
          ['state', 'migrate', '--to', './copy.json'],
          ['state', 'rm', 'pay/run'],
          ['state', 'verify'],
        ]) {
          const done = await sandbox.run(HTTP_ENV, ...args, '--state', address);
          const about = `${how}, ${within.name}: ${args.join(' ')}\n${printed(done)}`;
          expect(printed(done), about)
            .to.match(/the\s+state\s+repeats\s+a\s+credential/)
            .and.not.match(CRASH);
          expect(done.code, about).to.equal(5);
          for (const text of [printed(done), ...sandbox.files().map(([, kept]) => kept)]) {
            expect(tells(text, PASSWORD), about).to.equal(undefined);
            expect(text, about).to.not.include(write(PASSWORD));
          }
        }
      }
    // Some servers take a token as the user name, beside any password.
    const TOKEN = hex('a-token-of-Gitea');
    for (const env of [{ TF_HTTP_PASSWORD: 'x-oauth-basic' }, {}]) {
      const token = { TF_HTTP_RETRY_MAX: '0', TF_HTTP_USERNAME: TOKEN, ...env };
      const done = await sandbox.run(token, 'state', 'list', '--state', await store(inRecord(TOKEN)));
      expect(done.code, printed(done)).to.equal(5);
      expect(printed(done)).to.not.include(TOKEN);
    }
    // Runs write `who` from the login of their machine: with a password, a shorter user name is no secret.
    const deployed = await store(inHistory('deployer@ci-runner-1'));
    const named = { ...HTTP_ENV, TF_HTTP_USERNAME: 'deployer' };
    for (const address of [deployed, deployed.replace('://', '://deployer@')])
      expect((await sandbox.run(named, 'state', 'history', '--state', address)).code, address).to.equal(0);
    for (const [how, write] of [
      ...SOME,
      ['letter by letter', (text: string) => [...text].join('-')],
    ] as const) {
      const told = JSON.stringify(write(PASSWORD));
      for (const body of [
        `{"format":1,"lineage":"l","serial":${told}}`,
        `{"format":1,"lineage":"l",\n${told}: no}`,
        `{"format":1,"lineage":"l","serial":1,"created_at":"${'x'.repeat(30)}","target":${told}}`,
      ])
        for (const args of [
          ['state', 'list'],
          ['state', 'rm', 'pay/run'],
        ]) {
          const done = await sandbox.run(HTTP_ENV, ...args, '--state', await store(body));
          expect(done.code, printed(done)).to.equal(5);
          expect(printed(done)).to.match(/the\s+state\s+is\s+not\s+valid|not\s+shown/);
          expect(tells(printed(done), PASSWORD), `${how}\n${printed(done)}`).to.equal(undefined);
          expect(printed(done)).to.not.include([...PASSWORD].join('-').slice(0, 12));
        }
    }
    const done = await sandbox.run(HTTP_ENV, 'state', 'pull', '--state', await store(inRecord('no secret')));
    expect(done.code, printed(done)).to.equal(0);
    expect(done.stdout).to.include('no secret');
  });

  /** Every command that has a state, as it reads one. */
  const READS: Readonly<Record<string, readonly string[]>> = {
    init: [],
    plan: ['--out', 'plan.json'],
    apply: ['--auto-approve'],
    import: ['pay/new', '--succeeded-at', '2026-11-01T00:00:00Z', '--reason', 'by hand'],
    status: [],
    wait: [],
    resolve: ['pay/run', '--as', 'failed', '--reason', 'seen'],
    'state list': [],
    'state show': ['pay/run'],
    'state history': [],
    'state verify': [],
    'state accept': ['--reason', 'seen', '--auto-approve'],
    'state rm': ['pay/done'],
    'state mv': ['pay/done', 'pay/other'],
    'state pull': [],
    'state push': ['good.json'],
    'state migrate': ['--to', './copy.json'],
  };
  const READS_NONE = ['unlock', 'state lock-info'];

  it('is refused by every command if it put a credential of the cloud into the state', async () => {
    const withState = [...commands()].filter(([, { options }]) =>
      options.some(({ long }) => long === '--state'),
    );
    expect(withState.map(([name]) => name).sort()).to.deep.equal(
      [...Object.keys(READS), ...READS_NONE].sort(),
    );
    const cloud = await startEmulator({ seed: { volumes: 1, password: PASSWORD } });
    closing.push(() => void cloud.close());
    const { OS_AUTH_URL, OS_USERNAME, OS_PROJECT_NAME, OS_USER_DOMAIN_NAME, OS_REGION_NAME } = cloud.env();
    const file = (password: string) =>
      JSON.stringify({
        clouds: {
          prod: {
            region_name: OS_REGION_NAME,
            auth: {
              auth_url: OS_AUTH_URL,
              username: OS_USERNAME,
              project_name: OS_PROJECT_NAME,
              user_domain_name: OS_USER_DOMAIN_NAME,
              password,
            },
          },
        },
      });
    sandbox.write('good.json', encoded(state));
    const { volumes, backups } = cloud.world();
    sandbox.write(
      'restores.yaml',
      `apiVersion: vbsctl.dev/v1\nkind: RestoreSet\nmetadata: {name: pay}\nspec:\n  restores:\n    - {name: new, volume_id: ${Object.keys(volumes)[0]}, backup_id: ${Object.keys(backups)[0]}}\n`,
    );
    const named = {
      OS_CLOUD: 'prod',
      OS_CLIENT_CONFIG_FILE: sandbox.writeHome('clouds.yaml', file(PASSWORD)),
    };
    const before = sandbox.files().length;
    for (const env of [cloud.env(), named])
      for (const [name, args] of Object.entries(READS)) {
        const address = await store(inRecord(PASSWORD));
        const done = await sandbox.run(
          { ...env, TF_HTTP_RETRY_MAX: '0' },
          ...[...name.split(' '), ...args, '--state', address],
        );
        const about = `${name}\n${printed(done)}`;
        expect(printed(done), about)
          .to.match(/the\s+state\s+repeats\s+a\s+credential/)
          .and.not.match(CRASH);
        expect(done.code, about).to.equal(5);
        expect(tells(printed(done), PASSWORD), about).to.equal(undefined);
        const kept = sandbox.files().filter(([path]) => !/clouds\.yaml|good\.json|restores\.yaml/.test(path));
        expect(kept.map(([, text]) => tells(text, PASSWORD)).filter(Boolean), about).to.deep.equal([]);
      }
    expect(sandbox.files().length).to.equal(before);
    // The credentials are looked for twice, and a pipe can be read once.
    const pipe = join(sandbox.home, 'pipe.yaml');
    execFileSync('mkfifo', [pipe]);
    const none = await serve(({ method }) => ({ status: method === 'GET' ? 404 : 200, body: '' }));
    const [planned] = await Promise.all([
      sandbox.run({ OS_CLOUD: 'prod', OS_CLIENT_CONFIG_FILE: pipe }, 'plan', '--state', none),
      writeFile(pipe, file(PASSWORD)),
    ]);
    expect(planned.code, printed(planned)).to.equal(0);
  });

  it('is refused if it repeats a credential of a cloud that cannot be used, or that the checkout replaces', async () => {
    const cloudsYaml = (entry: object) =>
      JSON.stringify({ clouds: { prod: { regions: ['eu-de'], ...entry } } });
    const own = join(sandbox.home, '.config/openstack');
    const withPassword = cloudsYaml({ auth: { auth_url: 'https://iam.example/v3', password: PASSWORD } });
    sandbox.writeHome('.config/openstack/clouds.yaml', withPassword);
    sandbox.writeHome('hostname', 'x');
    const pull = async (env: Readonly<Record<string, string>> = {}, ...args: readonly string[]) =>
      sandbox.run(
        { TF_HTTP_RETRY_MAX: '0', ...env },
        ...['state', 'pull', '--state', await store(inRecord(PASSWORD)), ...args],
      );
    const refused = (done: Finished, about: string) => {
      expect(printed(done), about).to.match(/the\s+state\s+repeats\s+a\s+credential/);
      expect(done.code, about).to.equal(5);
      expect(tells(printed(done), PASSWORD), about).to.equal(undefined);
    };
    const prod = { OS_CLOUD: 'prod' };
    for (const [name, text] of [
      ['clouds.yaml', '{clouds: {prod: {}}}'],
      ['clouds.yaml', '{clouds: {b: {}}}'],
      ['clouds.yaml', 'clouds: ['],
      ['clouds.yaml', undefined],
      ['vbsctl.yaml', 'apiVersion: vbsctl.dev/v1\nkind: Config\ncloud: other\n'],
      ['vbsctl.yaml', 'apiVersion: vbsctl.dev/v1\nkind: Config\ncloud: emulator\n'],
    ] as const) {
      if (text === undefined) symlinkSync(join(sandbox.home, 'hostname'), join(sandbox.cwd, name));
      else sandbox.write(name, text);
      refused(await pull(), `${name}: ${text}`);
      refused(await pull(prod), `${name}: ${text}, with OS_CLOUD`);
      sandbox.remove(name);
    }
    refused(await pull({ ...prod, OS_REGION_NAME: 'eu-nl' }), 'another region');
    const token = await pull({ OS_CLOUD: 'none', HW_SECURITY_TOKEN: PASSWORD });
    refused(token, 'a variable that is not used');
    const elsewhere = await pull({ OS_CLOUD: 'another' });
    expect(elsewhere.code, printed(elsewhere)).to.equal(0);

    renameSync(join(own, 'clouds.yaml'), join(own, 'secure.yaml'));
    sandbox.writeHome('.config/openstack/clouds.yaml', cloudsYaml({ profile: 'p' }));
    refused(await pull(prod), 'secure.yaml');
    renameSync(join(own, 'secure.yaml'), join(own, 'clouds-public.yaml'));
    refused(await pull(prod), 'a profile');

    // What cannot be read may hold the credential.
    sandbox.writeHome('.config/openstack/secure.yaml', `${withPassword}]`);
    for (const [env, file] of [
      [{}, 'secure.yaml'],
      [{ OS_CLIENT_CONFIG_FILE: '/absent.yaml' }, '/absent.yaml'],
    ] as const) {
      const unread = await pull(env);
      expect(unread.code, printed(unread)).to.equal(1);
      expect(printed(unread)).to.include(file).and.include('would have to be refused');
      expect(tells(printed(unread), PASSWORD)).to.equal(undefined);
    }
  });

  it('cannot show the signature of its lock address', async () => {
    const SIGNATURE = 'LOCKSECRET0123456789';
    const address = await serve(({ method, url, headers }) => ({
      status: method === 'GET' ? 404 : 400,
      body: `bad ${method} ${url} ${headers.authorization}`,
    }));
    for (const lock of [`${address}?sig=${SIGNATURE}`, address.replace('://', `://${SIGNATURE}@`)])
      for (const name of ['TF_HTTP_LOCK_ADDRESS', 'TF_HTTP_UNLOCK_ADDRESS']) {
        const done = await sandbox.run(
          { VBSCTL_STATE: address, TF_HTTP_RETRY_MAX: '0', [name]: lock },
          ...['unlock', 'x'],
        );
        const locked = await sandbox.run(
          { VBSCTL_STATE: address, TF_HTTP_RETRY_MAX: '0', [name]: lock },
          'init',
        );
        for (const each of [done, locked])
          expect(tells(printed(each), SIGNATURE), printed(each)).to.equal(undefined);
      }
  });

  it('cannot show the password in a lock in any form', async () => {
    for (const [how, write] of SOME) {
      const told = write(PASSWORD);
      const lock = { ID: '4711', Who: told, Operation: told, Created: told, Version: told, Info: told };
      const address = await serve(() => ({ status: 423, body: JSON.stringify(lock) }));
      for (const args of [
        ['state', 'lock-info'],
        ['unlock', 'x'],
      ]) {
        const done = await sandbox.run(HTTP_ENV, ...args, '--state', address);
        expect(printed(done), printed(done)).to.include('4711').and.not.match(CRASH);
        expect(tells(printed(done), PASSWORD), `${how}\n${printed(done)}`).to.equal(undefined);
      }
    }
  });

  it('cannot print a command or a line by its errors and locks', async () => {
    for (let n = 0; n < HOSTILE_TEXTS.length; n += 4) {
      const [text = '', Who = '', Operation = '', Created = ''] = HOSTILE_TEXTS.slice(n, n + 4);
      const lock = { ID: text || 'x', Who, Operation, Created, Version: Who, Info: Operation };
      const address = await serve(({ method }) =>
        method === 'LOCK'
          ? { status: 423, body: JSON.stringify(lock) }
          : { status: 400, body: [text, Who, Operation, Created].join(' ') },
      );
      for (const args of [
        ['state', 'list'],
        ['state', 'lock-info'],
        ['unlock', text || 'x'],
      ]) {
        if (args[1]?.startsWith('-')) continue;
        const env = { ...HTTP_ENV, CI: 'true', GITHUB_ACTIONS: 'true' };
        const done = await sandbox.run(env, ...args.filter((arg) => !arg.includes('\0')), '--state', address);
        expect(logCommandsIn(printed(done)), printed(done)).to.deep.equal([]);
        expect(printed(done)).not.to.match(CRASH);
        expect(printed(done)).not.to.match(/^ *→ vbsctl apply/m);
      }
    }
  });

  it('cannot print a line of its own by a lock or a refusal', async () => {
    const Info = JSON.stringify({ vbsctl: '4711', host: LOOKALIKE, pid: 4 });
    const lock = {
      ID: '4711',
      Who: LOOKALIKE,
      Operation: LOOKALIKE,
      Created: LOOKALIKE,
      Version: LOOKALIKE,
      Info,
    };
    const address = await serve(({ method }) =>
      method === 'LOCK' ? { status: 423, body: JSON.stringify(lock) } : { status: 400, body: LOOKALIKE },
    );
    for (const args of [
      ['state', 'lock-info'],
      ['state', 'pull'],
      ['state', 'rm', 'pay/db'],
    ])
      expectNoLookalike(await sandbox.run(HTTP_ENV, ...args, '--state', address));
  });

  it('cannot show the session token of S3', async () => {
    const address = await serve(({ headers }) => ({
      status: 403,
      body: `<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>got ${WRITINGS['in HTML']?.(String(headers['x-amz-security-token']))}</Message></Error>`,
      type: 'application/xml',
    }));
    const env = {
      AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE',
      AWS_SECRET_ACCESS_KEY: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
      AWS_SESSION_TOKEN: PASSWORD.repeat(3),
      AWS_EC2_METADATA_DISABLED: 'true',
    };
    const state = `s3://b/k?endpoint=${new URL(address).origin}&region=x&path_style=true`;
    const done = await sandbox.run(env, 'state', 'list', '--state', state);
    expect(done.code, printed(done)).to.equal(1);
    expect(printed(done), printed(done)).to.include('AccessDenied');
    expect(tells(printed(done), PASSWORD), printed(done)).to.equal(undefined);
  });

  it('cannot show a session token of S3 that was renewed between requests', async () => {
    let fetched = 0;
    const tokens = await serve(() => ({
      status: 200,
      body: JSON.stringify({
        AccessKeyId: 'ASIAIOSFODNN7EXAMPLE',
        SecretAccessKey: `wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLE${++fetched}`,
        Token: `${fetched}-${PASSWORD.repeat(3)}-${fetched}`,
        Expiration: new Date(Date.now() + 2_000).toISOString(),
      }),
    }));
    const sent: string[] = [];
    const address = await serve(({ headers }) => {
      const token = String(headers['x-amz-security-token']);
      if (sent.push(token) === 1) return { status: 503, body: '' };
      return {
        status: 403,
        body: `<?xml version="1.0"?><Error><Code>InvalidToken</Code><Message>got ${WRITINGS['in HTML']?.(token)}</Message></Error>`,
        type: 'application/xml',
      };
    });
    const env = { AWS_CONTAINER_CREDENTIALS_FULL_URI: tokens };
    const state = `s3://b/k?endpoint=${new URL(address).origin}&region=x&path_style=true`;
    const done = await sandbox.run(env, 'state', 'list', '--state', state);
    expect(done.code, printed(done)).to.equal(1);
    expect(printed(done)).to.include('InvalidToken');
    expect(new Set(sent), 'another token each time').to.have.length(2);
    expect(tells(printed(done), sent[1] ?? ''), printed(done)).to.equal(undefined);
    expect(tells(printed(done), PASSWORD), printed(done)).to.equal(undefined);
  });

  it('cannot show the signature of an S3 request in any form', async () => {
    const signatures: string[] = [];
    for (const [how, write] of SOME) {
      const address = await serve(({ headers }) => {
        const authorization = String(headers.authorization);
        const signature = /Signature=([0-9a-f]+)/.exec(authorization)?.[1] ?? '';
        signatures.push(signature);
        return {
          status: 403,
          body: `<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>got ${WRITINGS['in HTML']?.(write(signature))} of ${write(authorization)}</Message></Error>`,
          type: 'application/xml',
        };
      });
      const env = {
        AWS_ACCESS_KEY_ID: 'AKIAIOSFODNN7EXAMPLE',
        AWS_SECRET_ACCESS_KEY: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
        AWS_EC2_METADATA_DISABLED: 'true',
      };
      const state = `s3://b/k?endpoint=${new URL(address).origin}&region=x&path_style=true`;
      const done = await sandbox.run(env, 'state', 'list', '--state', state);
      expect(done.code, printed(done)).to.equal(1);
      for (const signature of signatures.splice(0)) {
        expect(signature).to.match(/^[0-9a-f]{64}$/);
        expect(tells(printed(done), signature), `${how}\n${printed(done)}`).to.equal(undefined);
      }
    }
  });

  /** A PostgreSQL that takes the password and ends with an error that repeats it. */
  async function refusing(code: string, write: (password: string) => string): Promise<string> {
    const server = net.createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => {
        socket.write(Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 3])); // AuthenticationCleartextPassword
        socket.once('data', (told) => {
          const password = told.toString('latin1', 5).replace(/\0/g, '');
          const fields = `SFATAL\0VFATAL\0C${code}\0Mno way in with ${write(password)}\0\0`;
          const head = Buffer.alloc(5);
          head.write('E');
          head.writeInt32BE(4 + Buffer.byteLength(fields, 'latin1'), 1);
          socket.end(Buffer.concat([head, Buffer.from(fields, 'latin1')]));
        });
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closing.push(() => server.close());
    return `postgres://ann@127.0.0.1:${(server.address() as AddressInfo).port}/db?sslmode=disable`;
  }

  it('cannot show the password of PostgreSQL', async () => {
    const state = await refusing('28P01', (password) => password);
    const simple = PASSWORD.replace(/[\\:]/g, '_');
    sandbox.write('pgpass', `*:*:*:*:${simple}\n`);
    const { chmodSync } = await import('node:fs');
    chmodSync(`${sandbox.cwd}/pgpass`, 0o600);
    for (const env of [{ PGPASSWORD: simple }, { PGPASSFILE: `${sandbox.cwd}/pgpass` }]) {
      const done = await sandbox.run(env, 'state', 'list', '--state', state);
      expect(done.code, printed(done)).to.equal(1);
      expect(printed(done)).to.include('no way in with ***');
      expect(tells(printed(done), simple), printed(done)).to.equal(undefined);
    }
    for (const [how, write] of SOME) {
      const done = await sandbox.run(
        { PGPASSWORD: PASSWORD },
        'state',
        'list',
        '--state',
        await refusing('28P01', write),
      );
      expect(done.code, printed(done)).to.equal(1);
      expect(tells(printed(done), PASSWORD), `${how}\n${printed(done)}`).to.equal(undefined);
    }
  });

  // The program itself asks a server that is away for a minute before it says so.
  it('cannot show a password of PostgreSQL while the server is down', async () => {
    for (const password of ['s3cret7', 'hunter2-and-more'])
      for (const write of [
        (text: string) => text,
        (text: string) => [...text].join(' '),
        WRITINGS['as libpq quotes'] ?? String,
      ]) {
        const url = new URL(await refusing('53300', write));
        const saved = process.env.PGPASSWORD;
        process.env.PGPASSWORD = password;
        try {
          const lost = await PostgresSession.open(postgresLocation(url), 'here', new Secrets()).then(
            () => undefined,
            (cause: unknown) => cause,
          );
          expect(lost).to.be.instanceOf(ConnectionLost);
          expect((lost as Error).message.replace(/\s/g, '')).not.to.include(password);
        } finally {
          if (saved === undefined) delete process.env.PGPASSWORD;
          else process.env.PGPASSWORD = saved;
        }
      }
  });
});

/** What a state server may do to have two runs at once, to be sent what is not its own, or to use up a machine. */
describe('a state server that violates the protocol', () => {
  let sandbox: Sandbox;
  let cloud: Emulator;
  let closing: (() => void)[];
  beforeEach(async () => {
    sandbox = new Sandbox();
    closing = [];
    cloud = await startEmulator({ seed: { volumes: 1, jobDurationMs: 100, queueMs: 10 } });
    const { volumes, backups } = cloud.world();
    sandbox.write(
      'r.yaml',
      `apiVersion: vbsctl.dev/v1\nkind: RestoreSet\nmetadata: {name: s}\nspec:\n  restores:\n    - {name: a, volume_id: ${Object.keys(volumes)[0]}, backup_id: ${Object.keys(backups)[0]}}\n`,
    );
    sandbox.write(
      'vbsctl.yaml',
      'apiVersion: vbsctl.dev/v1\nkind: Config\nretry: {settle: 1s, min_delay: 50ms}\npoll: {min_interval: 50ms, max_interval: 200ms}\n',
    );
  });
  afterEach(async () => {
    for (const close of closing) close();
    sandbox.close();
    await cloud.close();
  });

  const APPLY = ['apply', '-f', 'r.yaml', '--auto-approve', '--init-state'];
  const FAST = { TF_HTTP_RETRY_MAX: '0', VBSCTL_STATE_TIMEOUT: '3s', VBSCTL_CONFIG: 'vbsctl.yaml' };
  const run = (env: Readonly<Record<string, string>>, ...args: readonly string[]) =>
    sandbox.run({ ...cloud.env(), ...FAST, ...env }, ...args);
  const said = (finished: Finished) => printed(finished).replace(/\s+/g, ' ');
  const starts = () =>
    cloud.audit().volumes.reduce((sum, { restores_accepted }) => sum + restores_accepted, 0);

  interface Asked {
    readonly method: string;
    readonly path: string;
    readonly id: string | undefined;
    readonly headers: http.IncomingHttpHeaders;
  }

  /** Listens on loopback; `seen` is every request, in order. */
  async function serve(
    answer: (asked: Asked, response: http.ServerResponse, body: string) => void,
  ): Promise<{ origin: string; seen: Asked[] }> {
    const seen: Asked[] = [];
    const server = http.createServer((request, response) => {
      const chunks: Buffer[] = [];
      request
        .on('data', (chunk: Buffer) => chunks.push(chunk))
        .on('end', () => {
          const body = Buffer.concat(chunks).toString();
          const id = /"ID":"([^"]+)"/.exec(body)?.[1];
          const { method = '', url = '', headers } = request;
          const asked: Asked = { method, path: url, id, headers };
          seen.push(asked);
          response.on('error', () => {});
          answer(asked, response, body);
        });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closing.push(() => {
      server.closeAllConnections();
      server.close();
    });
    return { origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, seen };
  }

  /** A server that stores; `lock` answers LOCK (or POST …/lock) with a status. */
  async function store(lock: (holder: string | undefined, id: string) => number) {
    let text = '';
    const held: { id?: string } = {};
    const served = await serve(({ method, path, id }, response, body) => {
      if (method === 'GET') response.writeHead(text ? 200 : 404).end(text);
      else if (method === 'LOCK' || path.endsWith('/lock')) {
        const status = lock(held.id, id ?? '');
        if (status < 300) held.id = id ?? '';
        response.writeHead(status).end(status === 423 ? JSON.stringify({ ID: held.id }) : '');
      } else if (method === 'UNLOCK') {
        if (held.id === id) held.id = undefined as never;
        response.writeHead(200).end();
      } else {
        text = body;
        response.writeHead(200).end();
      }
    });
    return { ...served, held, text: () => text };
  }

  for (const status of [200, 201, 204])
    it(`is refused before anything starts if it answers ${status} to every lock`, async () => {
      const server = await store(() => status);
      const state = ['--state', `${server.origin}/s`];
      const [one, two] = await Promise.all([run({}, ...APPLY, ...state), run({}, ...APPLY, ...state)]);
      for (const finished of [one, two]) {
        expect(finished.code, said(finished)).to.be.oneOf(status === 200 ? [5] : [1, 5]);
        expect(said(finished)).to.match(
          /does not exclude others: it granted the lock twice|cannot lock the state/,
        );
      }
      expect([starts(), server.text()]).to.deep.equal([0, '']);
      // Each lock that was granted is given back.
      const ids = (method: string) =>
        server.seen.filter((each) => each.method === method).map(({ id }) => id);
      if (status === 200) expect(ids('UNLOCK').sort()).to.deep.equal(ids('LOCK').sort());
    });

  for (const [name, answer] of [
    ['423 with the holder', 423],
    ['409', 409],
    ['400', 400],
    ['405', 405],
  ] as const)
    it(`is used if it answers a second lock with ${name}`, async () => {
      const server = await store((holder) => (holder === undefined ? 200 : answer));
      const finished = await run({}, ...APPLY, '--state', `${server.origin}/s`);
      expect(finished.code, said(finished)).to.equal(0);
      expect(starts()).to.equal(1);
      expect(server.held.id).to.equal(undefined);
    });

  for (const answer of [302, 401, 403, 404])
    it(`is refused if it answers a second lock with ${answer}`, async () => {
      const server = await store((holder) => (holder === undefined ? 200 : answer));
      const finished = await run({}, ...APPLY, '--state', `${server.origin}/s`);
      expect(finished.code, said(finished)).to.equal(1);
      expect(said(finished)).to.include('lock the state a second time');
      expect([starts(), server.text(), server.held.id]).to.deep.equal([0, '', undefined]);
    });

  it('keeps the lock of another run during the test of a second lock', async () => {
    const server = await store((holder) => (holder === undefined ? 200 : 423));
    server.held.id = 'of-another-run';
    const finished = await run({}, ...APPLY, '--state', `${server.origin}/s`);
    expect(finished.code, said(finished)).to.equal(4);
    expect(server.seen.filter(({ method }) => method === 'UNLOCK')).to.deep.equal([]);
    expect(server.held.id).to.equal('of-another-run');
  });

  it('is refused with both addresses if the lock belongs to another state', async () => {
    const server = await store((holder) => (holder === undefined ? 200 : 423));
    const states = `${server.origin}/api/v4/projects/7/terraform/state`;
    for (const env of [
      { TF_HTTP_LOCK_ADDRESS: `${states}/production/lock` },
      { TF_HTTP_LOCK_ADDRESS: `${states}/production/lock`, TF_HTTP_ADDRESS: `${states}/production` },
      { TF_HTTP_UNLOCK_ADDRESS: `${states}/production/lock` },
    ])
      for (const args of [['init'], APPLY, ['plan', '-f', 'r.yaml'], ['state', 'list'], ['unlock', 'x']]) {
        const finished = await run(env, ...args, '--state', `${states}/restores`);
        expect(finished.code, `${args[0]}: ${said(finished)}`).to.equal(5);
        expect(said(finished)).to.include(`${states}/restores`).and.include(`${states}/production/lock`);
      }
    expect(server.seen).to.deep.equal([]);
  });

  describe('an answer larger than the memory', () => {
    const BLANKS = 400 * 1024 ** 2;
    /** Peak of the child, MB: written when it ends. */
    async function peakOf(env: Readonly<Record<string, string>>, ...args: string[]) {
      sandbox.write(
        'peak.cjs',
        // Not maxRSS: that of the process that started this one counts there, too.
        `const fs = require('node:fs');
process.on('exit', () => {
  let peak = process.resourceUsage().maxRSS;
  try { peak = /VmHWM:\\s+(\\d+)/.exec(fs.readFileSync('/proc/self/status', 'utf8'))[1]; } catch {}
  fs.writeFileSync(process.env.PEAK_FILE, String(peak));
});`,
      );
      const file = `${sandbox.cwd}/peak`;
      const finished = await startProgram(args, sandbox.cwd, {
        ...cloud.env(),
        ...FAST,
        HOME: sandbox.home,
        VBSCTL_STATE_TIMEOUT: '60s',
        NODE_OPTIONS: `--require=${sandbox.cwd}/peak.cjs`,
        PEAK_FILE: file,
        ...env,
      }).done;
      return { finished, mb: Number(readFileSync(file, 'utf8')) / 1024 };
    }

    const blanks = Buffer.alloc(BLANKS, ' ');
    const member = gzipSync(blanks.subarray(0, 1024 ** 2));
    for (const [encoding, bomb] of [
      ['gzip', () => Buffer.concat(Array.from({ length: 2048 }, () => member))],
      ['x-gzip', () => Buffer.concat(Array.from({ length: 2048 }, () => member))],
      ['deflate', () => deflateSync(blanks, { level: 1 })],
      ['br', () => brotliCompressSync(blanks, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } })],
    ] as const)
      it(`is refused if it is a ${encoding} bomb as a state, lock or error`, async () => {
        const body = bomb();
        for (const [what, status] of [
          ['GET', 200],
          ['LOCK', 200],
          ['GET', 400],
        ] as const) {
          const { origin } = await serve(({ method }, response) => {
            if (method === what) response.writeHead(status, { 'Content-Encoding': encoding }).end(body);
            else response.writeHead(method === 'GET' ? 404 : 200).end();
          });
          const args = what === 'LOCK' ? APPLY : ['state', 'list'];
          const { finished, mb } = await peakOf(
            { VBSCTL_STATE_SIZE_LIMIT: '64MiB' },
            ...args,
            '--state',
            `${origin}/s`,
          );
          expect(finished.code, said(finished)).to.equal(1);
          expect(said(finished))
            .to.match(/is larger than (64 MiB|256 KiB)/)
            .and.not.match(CRASH);
          expect(mb, `${what} ${status}`).to.be.lessThan(450);
        }
        expect(starts()).to.equal(0);
      });

    for (const [name, chunk] of [
      ['large pieces', ' '.repeat(65_536)],
      ['single bytes', ' '],
    ] as const)
      it(`is refused if it is endless, in ${name}`, async () => {
        const { origin } = await serve((_, response) => {
          response.writeHead(200);
          const more = () => {
            while (!response.destroyed && response.write(chunk));
            if (!response.destroyed) setImmediate(more);
          };
          response.once('close', () => response.destroy());
          more();
        });
        const { finished, mb } = await peakOf(
          { VBSCTL_STATE_SIZE_LIMIT: '8MiB', VBSCTL_STATE_TIMEOUT: '5s' },
          'state',
          'list',
          '--state',
          `${origin}/s`,
        );
        expect(finished.code, said(finished)).to.equal(1);
        expect(said(finished)).to.match(/larger than 8 MiB|no answer in time/);
        expect(mb).to.be.lessThan(450);
      });

    it('is refused from PostgreSQL before and after the login', async () => {
      for (const login of [false, true]) {
        const server = net.createServer((socket) => {
          socket.on('error', () => {});
          const text = Buffer.alloc(64 * 1024, 'x');
          const row = login
            ? message('D', Buffer.concat([int16(1), int32(text.length), text]))
            : message('N', Buffer.concat([Buffer.from('M'), text, Buffer.alloc(2)]));
          const endless = () => {
            while (!socket.destroyed && socket.write(row));
            if (!socket.destroyed) setImmediate(endless);
          };
          socket.once('data', () => {
            if (!login) return endless();
            socket.write(Buffer.from('R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I', 'latin1'));
            socket.once('data', endless);
          });
        });
        await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
        closing.push(() => server.close());
        const state = `postgres://u@127.0.0.1:${(server.address() as AddressInfo).port}/d`;
        const { finished, mb } = await peakOf(
          { VBSCTL_STATE_SIZE_LIMIT: '8MiB' },
          'state',
          'list',
          '--state',
          state,
        );
        expect(finished.code, said(finished)).to.equal(1);
        expect(said(finished)).to.match(/the answer of PostgreSQL is larger than 8 MiB/);
        expect(mb).to.be.lessThan(450);
      }
    });

    it('is refused from a bucket as an object, lock or error', async () => {
      const env = { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b', AWS_EC2_METADATA_DISABLED: 'true' };
      for (const status of [200, 403]) {
        const { origin } = await serve((_, response) => {
          response.writeHead(status, { ETag: '"x"' });
          const more = () => {
            while (!response.destroyed && response.write(' '.repeat(65_536)));
            if (!response.destroyed) setImmediate(more);
          };
          response.once('close', () => response.destroy());
          more();
        });
        const { finished, mb } = await peakOf(
          { ...env, VBSCTL_STATE_SIZE_LIMIT: '8MiB', VBSCTL_STATE_TIMEOUT: '10s' },
          'state',
          'list',
          '--state',
          `s3://b/k?endpoint=${origin}&region=x`,
        );
        expect(finished.code, said(finished)).to.equal(1);
        expect(said(finished))
          .to.match(/larger than|no answer|aborted/i)
          .and.not.match(CRASH);
        expect(mb).to.be.lessThan(450);
      }
    });

    it('is refused from a bucket after a write or removal', async () => {
      const env = { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b', AWS_EC2_METADATA_DISABLED: 'true' };
      for (const endless of ['PUT', 'DELETE']) {
        let tries = 0;
        const { origin } = await serve(({ method }, response) => {
          if (method !== endless) {
            // An object that was made is there; the second and the third of the self-test are refused.
            if (method === 'PUT') return response.writeHead(tries++ === 0 ? 200 : 412, { ETag: '"x"' }).end();
            return response.writeHead(tries > 0 ? 200 : 404, { ETag: '"x"' }).end('1');
          }
          response.writeHead(200, { ETag: '"x"' });
          const chunk = Buffer.alloc(1024 ** 2, 'A');
          const more = () => {
            while (!response.destroyed && response.write(chunk));
            if (!response.destroyed) setImmediate(more);
          };
          more();
        });
        const { finished, mb } = await peakOf(
          { ...env, VBSCTL_STATE_TIMEOUT: '5s' },
          'init',
          '--state',
          `s3://b/k?endpoint=${origin}&region=x`,
        );
        expect(finished.code, said(finished)).to.equal(1);
        expect(said(finished))
          .to.match(/larger than/)
          .and.not.match(CRASH);
        expect(mb).to.be.lessThan(450);
      }
    });
  });

  describe('a bucket that does not remove a lock', () => {
    const ENV = { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b', AWS_EC2_METADATA_DISABLED: 'true' };
    const words = { who: 'ann@host', host: 'host', pid: 7, operation: 'apply', since: 'now', version: '1' };
    const lock = { info: { id: 'the-lock', ...words }, ttl_ms: 0, takeover_after_ms: 0, renewed: 'now' };
    const keeping = (answer: (response: http.ServerResponse) => void) =>
      serve(({ method }, response) => {
        if (method === 'DELETE') answer(response);
        else response.writeHead(200, { ETag: '"x"' }).end(JSON.stringify(lock));
      });

    for (const status of [200, 204, 404, 412])
      it(`makes unlock report that the lock is still there after ${status}`, async () => {
        const { origin, seen } = await keeping((response) => response.writeHead(status).end());
        const finished = await run(
          ENV,
          'unlock',
          'the-lock',
          '--state',
          `s3://b/k?endpoint=${origin}&region=x`,
        );
        expect(finished.code, said(finished)).to.equal(1);
        expect(said(finished))
          .to.include('the lock the-lock is still there after several removals')
          .and.not.match(CRASH);
        const ofLock = seen.filter(({ method, path }) => method === 'DELETE' && path.startsWith('/b/k.lock'));
        expect(ofLock).to.have.length(5);
      });

    it('lets a stop end unlock if it never answers', async () => {
      let asked = () => {};
      const removal = new Promise<void>((resolve) => {
        asked = resolve;
      });
      const { origin } = await keeping(() => asked());
      const child = sandbox.start(
        { ...cloud.env(), ...FAST, ...ENV, VBSCTL_STATE_TIMEOUT: '10m' },
        'unlock',
        'the-lock',
        '--state',
        `s3://b/k?endpoint=${origin}&region=x`,
      );
      await removal;
      child.kill('SIGTERM');
      expect((await child.done).code).to.equal(130);
    });
  });

  it('cannot redirect the password to another host', async () => {
    const other = await serve((_, response) => response.writeHead(200).end());
    const { origin } = await serve((_, response) =>
      response.writeHead(307, { Location: `${other.origin}/s` }).end(),
    );
    for (const args of [['state', 'list'], APPLY, ['init']]) {
      const finished = await run(
        { TF_HTTP_USERNAME: 'ci', TF_HTTP_PASSWORD: 'S3CRET-S3CRET' },
        ...args,
        '--state',
        `${origin}/s`,
      );
      expect(finished.code, said(finished)).to.equal(1);
      expect(said(finished)).to.include('redirects are not followed');
    }
    expect(other.seen).to.deep.equal([]);
  });

  it('is reported in time for a wrong Content-Length, a cut and a slow answer', async () => {
    for (const answer of [
      (response: http.ServerResponse) =>
        response.writeHead(200, { 'Content-Length': '1000' }).end('{}', () => response.socket?.destroy()),
      (response: http.ServerResponse) =>
        response.socket?.end('HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{"format": 1}'),
      (response: http.ServerResponse) =>
        response.socket?.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n{'),
      (response: http.ServerResponse) => response.socket?.end('\0\0\0'),
      (response: http.ServerResponse) => response.socket?.destroy(),
      (response: http.ServerResponse) => {
        response.writeHead(200);
        const timer = setInterval(() => response.write(' '), 100);
        response.once('close', () => clearInterval(timer));
      },
    ]) {
      const { origin } = await serve((_, response) => answer(response));
      const finished = await run({}, 'state', 'list', '--state', `${origin}/s`);
      // What came whole and is no state is refused as any other that is damaged.
      expect(finished.code, said(finished)).to.equal(said(finished).includes('not valid JSON') ? 5 : 1);
      expect(said(finished)).to.not.match(CRASH);
    }
  });

  it('lets a stop end the wait for an answer', async () => {
    const server = await serve((_, response) => void response.writeHead(200).write(' '));
    for (const args of [
      ['plan', '-f', 'r.yaml'],
      APPLY,
      ['state', 'list'],
      ['status'],
      ['state', 'lock-info'],
    ]) {
      const before = server.seen.length;
      const child = startProgram([...args, '--state', `${server.origin}/s`], sandbox.cwd, {
        ...cloud.env(),
        ...FAST,
        VBSCTL_STATE_TIMEOUT: '1h',
        HOME: sandbox.home,
      });
      while (server.seen.length === before) await new Promise((resolve) => setImmediate(resolve));
      child.kill('SIGTERM');
      const finished = await child.done;
      expect(finished.code, `${args.join(' ')}: ${said(finished)}`).to.equal(130);
    }
  });

  it('is shown without its login and signature', async () => {
    const server = await store((holder) => (holder === undefined ? 200 : 423));
    const secret = `http://T0KEN-T0KEN@${new URL(server.origin).host}/s?sig=S1GN-S1GN&code=AMZ-AMZ-AMZ`;
    const hidden = /T0KEN-T0KEN|S1GN-S1GN|AMZ-AMZ-AMZ/;
    for (const args of [
      ['plan', '-f', 'r.yaml'],
      ['status'],
      ['init'],
      ['plan', '-f', 'r.yaml'],
      ['apply', '-f', 'r.yaml', '--auto-approve'],
      ['status'],
      ['state', 'list'],
      ['state', 'lock-info'],
      ['state', 'lock-info', '-o', 'json'],
      ['state', 'verify', '-o', 'json'],
      ['state', 'rm', 'no/such'],
      ['unlock', 'none'],
      ['state', 'push', 'missing.json'],
      ['state', 'migrate', '--to', 'here.json'],
      ['plan', '-f', 'r.yaml'],
      ['state', 'history', '-o', 'json'],
      ['state', 'pull'],
    ]) {
      const finished = await run({}, ...args, '--state', secret);
      expect(printed(finished), args.join(' ')).to.not.match(hidden).and.not.match(CRASH);
    }
    expect(
      server.seen.some(({ path }) => path.includes('S1GN-S1GN')),
      'it is used all the same',
    ).to.equal(true);
    expect(server.text(), 'the mark of the migration').to.include('moved_to').and.not.match(hidden);
  });

  it('is reported clearly for unusual addresses', async () => {
    for (const [state, why] of [
      ['s3://b/k%ZZ', /holds a % that is no escape.*write %25/],
      ['s3://bucket/100%.json', /holds a % that is no escape/],
      ['postgres://u@127.0.0.1/d%b', /holds a % that is no escape/],
      ['postgres://u%@127.0.0.1/d', /holds a % that is no escape/],
      ['postgres://u@127.0.0.1/d?state=%FF', /holds a % that is no escape/],
      ['http://[', /is not a URL/],
      ['https://u:S3CRET-S3CRET@127.0.0.1/s', /holds a password/],
    ] as const) {
      const finished = await run({}, 'state', 'list', '--state', state);
      expect(finished.code, said(finished)).to.equal(1);
      expect(said(finished)).to.match(why).and.not.match(CRASH).and.not.include('S3CRET');
    }
  });

  it('causes one warning for each setting that weakens TLS', async () => {
    const finished = await run(
      { TF_HTTP_SKIP_CERT_VERIFICATION: 'true', NODE_TLS_REJECT_UNAUTHORIZED: '0' },
      'state',
      'list',
      '--state',
      'https://127.0.0.1:1/s',
    );
    expect(finished.stderr.match(/the certificate of the state server is not checked/g)).to.have.length(1);
    expect(finished.stderr.match(/NODE_TLS_REJECT_UNAUTHORIZED=0 disables/g)).to.have.length(1);
  });
});

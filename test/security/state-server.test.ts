import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { expect } from 'chai';
import { CRASH, printed, Scene } from './attack.ts';
import { HOSTILE_TEXTS } from './hostile-texts.ts';
import { logCommandsIn } from './log-commands.ts';
import { tells, WRITINGS } from './reflections.ts';

/** What a state server may answer, against the built program. */
describe('a state server that repeats what it was sent', function () {
  this.timeout(60_000);
  const PASSWORD = 'Glp"at\\-x<Y>z&4\'2/Kp+Qr';
  let scene: Scene;
  let closing: (() => void)[];
  beforeEach(() => {
    scene = new Scene();
    closing = [];
  });
  afterEach(() => {
    for (const close of closing) close();
    scene.close();
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

  const HTTP_ENV = { TF_HTTP_USERNAME: 'ci', TF_HTTP_PASSWORD: PASSWORD, TF_HTTP_RETRY_MAX: '0' };

  it('shows no password of an HTTP server, however it is written', async () => {
    for (const status of [400, 401, 500])
      for (const [how, write] of Object.entries(WRITINGS)) {
        if (status !== 400 && !['plain', 'base64 of a login', 'quoted by number'].includes(how)) continue;
        const address = await serve(({ headers }) => ({
          status,
          body: `${headers.authorization} ${write(PASSWORD)}`,
        }));
        const done = await scene.run(HTTP_ENV, 'state', 'list', '--state', address);
        expect(done.code, printed(done)).to.equal(1);
        expect(printed(done)).to.include(`answered ${status}`);
        expect(printed(done)).not.to.match(CRASH);
        expect(tells(printed(done), PASSWORD), `${how}\n${printed(done)}`).to.equal(undefined);
      }
  });

  it('cannot act in a log, nor forge a line, by what it says and by the lock that it tells of', async () => {
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
        const done = await scene.run(env, ...args.filter((arg) => !arg.includes('\0')), '--state', address);
        expect(logCommandsIn(printed(done)), printed(done)).to.deep.equal([]);
        expect(printed(done)).not.to.match(CRASH);
        expect(printed(done)).not.to.match(/^ *→ vbsctl apply/m);
      }
    }
  });

  it('shows no session token of S3', async () => {
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
    const done = await scene.run(env, 'state', 'list', '--state', state);
    expect(done.code, printed(done)).to.equal(1);
    expect(printed(done), printed(done)).to.include('AccessDenied');
    expect(tells(printed(done), PASSWORD), printed(done)).to.equal(undefined);
  });

  it('shows no password of PostgreSQL, from the environment or a file', async () => {
    const server = net.createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => {
        socket.write(Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 3])); // AuthenticationCleartextPassword
        socket.once('data', (told) => {
          const fields = `SFATAL\0VFATAL\0C28P01\0Mno way in with ${told.toString('latin1', 5).replace(/\0/g, '')}\0\0`;
          const head = Buffer.alloc(5);
          head.write('E');
          head.writeInt32BE(4 + Buffer.byteLength(fields, 'latin1'), 1);
          socket.end(Buffer.concat([head, Buffer.from(fields, 'latin1')]));
        });
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closing.push(() => server.close());
    const state = `postgres://ann@127.0.0.1:${(server.address() as AddressInfo).port}/db?sslmode=disable`;
    const simple = PASSWORD.replace(/[\\:]/g, '_');
    scene.write('pgpass', `*:*:*:*:${simple}\n`);
    const { chmodSync } = await import('node:fs');
    chmodSync(`${scene.cwd}/pgpass`, 0o600);
    for (const env of [{ PGPASSWORD: simple }, { PGPASSFILE: `${scene.cwd}/pgpass` }]) {
      const done = await scene.run(env, 'state', 'list', '--state', state);
      expect(done.code, printed(done)).to.equal(1);
      expect(printed(done)).to.include('no way in with ***');
      expect(tells(printed(done), simple), printed(done)).to.equal(undefined);
    }
  });
});

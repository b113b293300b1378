import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import https from 'node:https';
import net, { type AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { expect } from 'chai';
import { createAxiosHttp } from '../../src/drivers/http/axios-http.ts';
import { proxyFromEnv } from '../../src/network/proxy.ts';
import { gateWrites } from '../../src/network/write-gate.ts';
import { bundled } from '../bundled.ts';
import { type PrivateAuthority, privateAuthority } from './private-authority.ts';
import { type ProxyProcess, startProxy } from './proxy-process.ts';

/** A cloud that counts connections and bytes of the requests, decrypted where they were encrypted. */
interface Cloud {
  readonly url: string;
  connections: number;
  received: Buffer[];
  /** Resolves when the first connection ended. */
  readonly ended: Promise<void>;
  /** Resolves when a whole request was received. */
  readonly whole: Promise<void>;
  close(): void;
}

const LOGIN = 'ann:s3cret';

const text = ({ received }: Cloud): string => Buffer.concat(received).toString();

describe('the check right before a write', () => {
  let authority: PrivateAuthority | undefined;
  let proxy: ProxyProcess | undefined;
  const clouds: Cloud[] = [];
  const children: ChildProcess[] = [];
  before(async () => {
    authority = privateAuthority();
    proxy = await startProxy(LOGIN);
  });
  after(() => {
    authority?.remove();
    proxy?.stop();
  });
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
    for (const cloud of clouds.splice(0)) cloud.close();
  });

  const proxyUrl = () => `http://${LOGIN}@127.0.0.1:${proxy?.port}`;

  /** `tls`: the newest version of it that the cloud speaks. */
  async function serve(tls?: 'TLSv1.2' | 'TLSv1.3'): Promise<Cloud> {
    let end = () => {};
    let complete = () => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    const whole = new Promise<void>((resolve) => {
      complete = resolve;
    });
    const cloud: Cloud = { url: '', connections: 0, received: [], ended, whole, close: () => {} };
    const onSocket = (socket: net.Socket) => {
      cloud.connections++;
      socket.on('error', () => {}).on('close', end);
      socket.on('data', (bytes: Buffer) => {
        cloud.received.push(bytes);
        if (!text(cloud).endsWith('}')) return;
        socket.end('HTTP/1.1 202 Accepted\r\nContent-Length: 2\r\n\r\n{}');
        complete();
      });
    };
    const server = tls
      ? (await import('node:tls')).createServer({ ...authority?.tls, maxVersion: tls }, onSocket)
      : net.createServer(onSocket);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const made = Object.assign(cloud, {
      url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}/`,
      close: () => server.close(),
    });
    clouds.push(made);
    return made;
  }

  const WAYS = [
    ['plain', undefined, false],
    ['TLS 1.2', 'TLSv1.2', false],
    ['TLS 1.3', 'TLSv1.3', false],
    ['TLS 1.3 through a proxy', 'TLSv1.3', true],
  ] as const;

  for (const [way, tls, isProxied] of WAYS)
    describe(way, () => {
      beforeEach(function () {
        if (tls && !authority) this.skip();
      });

      const post = (cloud: Cloud, maySend: () => boolean, onWritten: () => void = () => {}) =>
        createAxiosHttp({
          connect_timeout_ms: 5_000,
          request_timeout_ms: 5_000,
          max_response_bytes: 1_000_000,
          version: '1.2.3',
          ...(authority ? { ca: authority.ca } : {}),
          ...(isProxied ? { proxyFor: proxyFromEnv({ HTTPS_PROXY: proxyUrl() }) } : {}),
        }).send({ method: 'POST', url: cloud.url, headers: {}, body: '{"restore":1}', maySend, onWritten });

      it('is made once, after connecting and in the same step as the write of the whole request', async () => {
        const cloud = await serve(tls);
        const order: string[] = [];
        const exchange = await post(
          cloud,
          () => {
            order.push('asked');
            queueMicrotask(() => order.push('a step later'));
            process.nextTick(() => order.push('a step later'));
            return true;
          },
          () => order.push('written'),
        );
        expect(exchange).to.include({ kind: 'answer', status: 202 });
        expect(order).to.deep.equal(['asked', 'written', 'a step later', 'a step later']);
        // Head and body in one.
        expect(cloud.received).to.have.length(1);
        expect(text(cloud)).to.match(/^POST \/ HTTP\/1\.1\r\n[\s\S]*\r\n\r\n{"restore":1}$/);
      });

      it('sends no byte if it refuses', async () => {
        const cloud = await serve(tls);
        let written = 0;
        const exchange = await post(
          cloud,
          () => false,
          () => written++,
        );
        expect(exchange).to.include({ kind: 'no_connection', code: 'NOT_SENT' });
        await cloud.ended;
        expect([cloud.connections, text(cloud), written]).to.deep.equal([1, '', 0]);
      });

      /** The process that freezes itself; resolves when it did. */
      async function frozenSender(when: 'before' | 'after', cloud: Cloud) {
        const script = bundled(new URL('frozen-sender.ts', import.meta.url));
        const child = spawn(
          process.execPath,
          [script, when, cloud.url, ...(tls ? [authority?.caFile ?? ''] : [])],
          {
            stdio: ['ignore', 'pipe', 'inherit'],
            env: {
              PATH: process.env.PATH,
              ...(isProxied ? { HTTPS_PROXY: proxyUrl() } : {}),
            },
          },
        );
        children.push(child);
        if (!child.stdout) throw new Error('no stdout');
        const lines = createInterface(child.stdout);
        expect(await once(lines, 'line')).to.deep.equal(['frozen']);
        return {
          /** How its exchange ends. It says that it is frozen right before it is, so it may have to be woken again. */
          async wake(): Promise<string> {
            const waking = setInterval(() => child.kill('SIGCONT'), 20);
            const [line] = (await once(lines, 'line').finally(() => clearInterval(waking))) as [string];
            return line;
          },
        };
      }

      it('sends nothing if the process was frozen during the check', async () => {
        const cloud = await serve(tls);
        const sender = await frozenSender('before', cloud);
        expect(await sender.wake()).to.equal('no_connection NOT_SENT');
        await cloud.ended;
        expect([cloud.connections, text(cloud)]).to.deep.equal([1, '']);
      });

      it('has let the whole request through if the process is frozen right after the write', async () => {
        const cloud = await serve(tls);
        const sender = await frozenSender('after', cloud);
        await cloud.whole;
        expect(text(cloud)).to.match(/{"restore":1}$/);
        expect(await sender.wake()).to.equal('answer 202');
      });
    });

  for (const secure of [false, true])
    it(`is made for each request of a reused connection (${secure ? 'TLS' : 'plain'})`, async function () {
      if (secure && !authority) this.skip();
      const listener: http.RequestListener = (request, response) => {
        urls.push(request.url ?? '');
        request.resume().on('end', () => response.end('{}'));
      };
      const urls: string[] = [];
      const ports = new Set<number | undefined>();
      const server = secure
        ? https.createServer({ ...authority?.tls }, listener)
        : http.createServer(listener);
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const { port } = server.address() as AddressInfo;
      const agent = secure
        ? new https.Agent({ keepAlive: true, ca: authority?.ca })
        : new http.Agent({ keepAlive: true });
      const asked: string[] = [];
      const post = (path: string, may: boolean) =>
        new Promise<number | string>((resolve) => {
          const request = (secure ? https : http).request(
            { host: '127.0.0.1', port, path, method: 'POST', agent },
            (response) => response.resume().on('end', () => resolve(response.statusCode ?? 0)),
          );
          request.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''));
          request.once('socket', (socket) => {
            const gate = () =>
              gateWrites(socket, {
                maySend: () => {
                  asked.push(path);
                  ports.add(socket.localPort);
                  return may;
                },
              });
            // With Node's own agent the first socket is not connected yet.
            if (socket.connecting) socket.once(secure ? 'secureConnect' : 'connect', gate);
            else gate();
          });
          request.end('{}');
        });
      try {
        expect(await post('/warm-up', true)).to.equal(200);
        expect(await post('/first', true)).to.equal(200);
        expect(await post('/second', false)).to.equal('NOT_SENT');
        expect(asked.filter((path) => path !== '/warm-up')).to.deep.equal(['/first', '/second']);
        expect(urls).to.deep.equal(['/warm-up', '/first']);
        expect(ports.size).to.equal(1);
      } finally {
        agent.destroy();
        server.closeAllConnections();
        server.close();
      }
    });
});

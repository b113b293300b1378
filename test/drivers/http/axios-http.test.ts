import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import net, { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { createAxiosHttp } from '../../../src/drivers/http/axios-http.ts';
import type { Exchange, Http, HttpRequest } from '../../../src/drivers/http/exchange.ts';

const SETTINGS = {
  connect_timeout_ms: 2_000,
  request_timeout_ms: 5_000,
  max_response_bytes: 1_000_000,
  version: '1.2.3',
};

describe('the HTTP client over axios', () => {
  const open: net.Server[] = [];
  const sockets = new Set<net.Socket>();
  afterEach(async () => {
    for (const server of open.splice(0)) {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    }
  });

  async function listen(server: net.Server): Promise<number> {
    open.push(server);
    server.on('connection', (socket) => sockets.add(socket.on('error', () => {})));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as AddressInfo).port;
  }
  const serve = async (handler: http.RequestListener) =>
    `http://127.0.0.1:${await listen(http.createServer(handler))}/`;
  const serveRaw = async (onConnection: (socket: net.Socket) => void) =>
    `http://127.0.0.1:${await listen(net.createServer(onConnection).on('error', () => {}))}/`;

  const get = (url: string, more: { signal?: AbortSignal; network?: Http } = {}): Promise<Exchange> =>
    (more.network ?? createAxiosHttp(SETTINGS)).send({
      method: 'GET',
      url,
      headers: {},
      ...(more.signal ? { signal: more.signal } : {}),
    });
  const post = (url: string, more: Partial<HttpRequest> & { network?: Http } = {}): Promise<Exchange> => {
    const { network = createAxiosHttp(SETTINGS), ...rest } = more;
    return network.send({ method: 'POST', url, headers: {}, body: '{"a":1}', ...rest } as HttpRequest);
  };

  it('returns a complete answer with lower-case headers for any status', async () => {
    const url = await serve((_, response) => {
      response.writeHead(503, { 'X-Request-Id': 'req-1', 'Content-Type': 'text/html' });
      response.end('<html>späť</html>');
    });
    const exchange = await get(url);
    expect(exchange).to.deep.include({ kind: 'answer', status: 503, text: '<html>späť</html>' });
    expect(exchange.kind === 'answer' && exchange.headers['x-request-id']).to.equal('req-1');
  });

  it('sends the given request with a user agent, and accepts no encoding', async () => {
    const seen: { headers: http.IncomingHttpHeaders; body: string }[] = [];
    const url = await serve(async (request, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      seen.push({ headers: request.headers, body });
      response.end('{}');
    });
    await post(url, { headers: { 'X-Auth-Token': 't' } });
    expect(seen[0]?.body).to.equal('{"a":1}');
    expect(seen[0]?.headers).to.include({
      'user-agent': 'vbsctl/1.2.3',
      'content-type': 'application/json',
      'accept-encoding': 'identity',
      'x-auth-token': 't',
    });
  });

  it('does not follow a redirect', async () => {
    let requests = 0;
    const url = await serve((_, response) => {
      requests++;
      response.writeHead(307, { location: url }).end();
    });
    expect(await post(url)).to.include({ kind: 'answer', status: 307 });
    expect(requests).to.equal(1);
  });

  it('ignores the proxies of the environment', async () => {
    const url = await serve((_, response) => response.end('direct'));
    const before = process.env.http_proxy;
    process.env.http_proxy = 'http://127.0.0.1:1';
    try {
      expect(await get(url)).to.include({ text: 'direct' });
    } finally {
      if (before === undefined) delete process.env.http_proxy;
      else process.env.http_proxy = before;
    }
  });

  it('returns no_connection if the connection is refused', async () => {
    const gone = net.createServer();
    const port = await listen(gone);
    await new Promise((resolve) => open.pop()?.close(resolve));
    const exchange = await post(`http://127.0.0.1:${port}/`);
    expect(exchange).to.deep.equal({
      kind: 'no_connection',
      code: 'ECONNREFUSED',
      message: `127.0.0.1:${port}: connection refused (ECONNREFUSED)`,
    });
  });

  it('returns no_connection for an unknown host', async () => {
    const exchange = await post('http://no-such-host.invalid/');
    expect(exchange.kind).to.equal('no_connection');
  });

  it('returns no_connection if the TLS handshake does not end in time', async () => {
    const url = await serveRaw(() => {});
    const network = createAxiosHttp({ ...SETTINGS, connect_timeout_ms: 60 });
    const exchange = await post(url.replace('http:', 'https:'), { network });
    expect(exchange).to.include({ kind: 'no_connection', code: 'CONNECT_TIMEOUT' });
  });

  it('returns no_connection for plain HTTP at an https address', async () => {
    const url = await serve((_, response) => response.end());
    const exchange = await post(url.replace('http:', 'https:'));
    expect(exchange.kind).to.equal('no_connection');
  });

  it('returns broken if the connection is reset before an answer', async () => {
    const url = await serveRaw((socket) => socket.once('data', () => socket.resetAndDestroy()));
    expect(await post(url)).to.include({ kind: 'broken', timeout: false });
  });

  it('returns broken if the connection is closed at once, since something may have been written', async () => {
    const url = await serveRaw((socket) => socket.destroy());
    expect(await post(url)).to.include({ kind: 'broken', timeout: false });
  });

  it('returns broken if the connection is reset during the answer', async () => {
    const url = await serveRaw((socket) =>
      socket.once('data', () => {
        socket.write('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"job_id":');
        setImmediate(() => socket.resetAndDestroy());
      }),
    );
    expect(await post(url)).to.include({ kind: 'broken', timeout: false });
  });

  it('returns broken for a body shorter than announced', async () => {
    const url = await serveRaw((socket) =>
      socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"job_id":"j"}')),
    );
    expect(await post(url)).to.include({ kind: 'broken', timeout: false });
  });

  it('returns broken for a chunked body without its end', async () => {
    const url = await serveRaw((socket) =>
      socket.once('data', () =>
        socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n'),
      ),
    );
    expect(await post(url)).to.include({ kind: 'broken', timeout: false });
  });

  it('returns broken for an answer that is not HTTP', async () => {
    const url = await serveRaw((socket) => socket.once('data', () => socket.end('SSH-2.0-x\r\n')));
    expect(await post(url)).to.include({ kind: 'broken', timeout: false });
  });

  it('returns broken by timeout without an answer', async () => {
    const url = await serve(() => {});
    const network = createAxiosHttp({ ...SETTINGS, request_timeout_ms: 60 });
    expect(await post(url, { network })).to.include({
      kind: 'broken',
      timeout: true,
      code: 'REQUEST_TIMEOUT',
    });
  });

  it('returns broken by timeout for an answer that trickles for ever', async () => {
    const url = await serve((_, response) => {
      const timer = setInterval(() => response.write(' '), 5);
      response.on('close', () => clearInterval(timer));
    });
    const network = createAxiosHttp({ ...SETTINGS, request_timeout_ms: 120 });
    expect(await post(url, { network })).to.include({ kind: 'broken', timeout: true });
  });

  it('returns broken with the limit for an answer that is too large', async () => {
    const url = await serve((_, response) => {
      response.on('error', () => {});
      response.end(Buffer.alloc(200_000, 'x'));
    });
    const network = createAxiosHttp({ ...SETTINGS, max_response_bytes: 10_000 });
    const exchange = await get(url, { network });
    expect(exchange).to.include({ kind: 'broken', code: 'RESPONSE_TOO_LARGE', timeout: false });
    expect(exchange.kind === 'broken' && exchange.message).to.contain('10000 bytes');
  });

  it('reuses connections for reads, and opens a new one for each POST', async () => {
    const ports: (number | undefined)[] = [];
    const url = await serve((request, response) => {
      ports.push(request.socket.remotePort);
      response.end('{}');
    });
    const network = createAxiosHttp(SETTINGS);
    await get(url, { network });
    await get(url, { network });
    await post(url, { network });
    await post(url, { network });
    expect(ports[0]).to.equal(ports[1]);
    expect(new Set(ports).size).to.equal(3);
  });

  it('checks at the last moment whether a POST may leave, and else sends nothing', async () => {
    let requests = 0;
    let connections = 0;
    const server = http.createServer((_, response) => {
      requests++;
      response.end('{}');
    });
    server.on('connection', () => connections++);
    const url = `http://127.0.0.1:${await listen(server)}/`;
    const exchange = await post(url, { maySend: () => false });
    expect(exchange).to.include({ kind: 'no_connection', code: 'NOT_SENT' });
    expect(connections).to.equal(1);
    expect(requests).to.equal(0);
    expect(await post(url, { maySend: () => true })).to.include({ kind: 'answer', status: 200 });
  });

  it('rejects an aborted read with the reason of the abort', async () => {
    const controller = new AbortController();
    const url = await serve(() => controller.abort(new Error('enough')));
    const running = await get(url, { signal: controller.signal }).catch((reason) => reason);
    expect(running).to.have.property('message', 'enough');
    const before = await get(url, { signal: controller.signal }).catch((reason) => reason);
    expect(before).to.have.property('message', 'enough');
  });

  describe('over TLS', () => {
    let folder: string | undefined;
    let key = '';
    let cert = '';
    before(function () {
      folder = mkdtempSync(join(tmpdir(), 'vbsctl-tls-'));
      const file = (name: string) => join(folder ?? '', name);
      try {
        execFileSync(
          'openssl',
          ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
            .concat(['-keyout', file('key.pem'), '-out', file('cert.pem'), '-days', '2'])
            .concat(['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1']),
          { stdio: 'ignore' },
        );
      } catch {
        console.log('  skipped: TLS, for there is no openssl to make a certificate with');
        this.skip();
      }
      key = readFileSync(file('key.pem'), 'utf8');
      cert = readFileSync(file('cert.pem'), 'utf8');
    });
    after(() => {
      if (folder) rmSync(folder, { recursive: true });
    });
    const serveTls = async (handler: http.RequestListener) =>
      `https://127.0.0.1:${await listen(https.createServer({ key, cert }, handler) as unknown as net.Server)}/`;

    it('returns no_connection for an untrusted certificate, and sends nothing', async () => {
      let requests = 0;
      const url = await serveTls((_, response) => {
        requests++;
        response.end();
      });
      const exchange = await post(url);
      expect(exchange).to.include({ kind: 'no_connection', code: 'DEPTH_ZERO_SELF_SIGNED_CERT' });
      expect(exchange.kind === 'no_connection' && exchange.message).to.contain('self-signed');
      expect(requests).to.equal(0);
    });

    it('trusts the given authority', async () => {
      const url = await serveTls((_, response) => response.end('safe'));
      const network = createAxiosHttp({ ...SETTINGS, ca: cert });
      expect(await post(url, { network })).to.include({ kind: 'answer', text: 'safe' });
      expect(await get(url, { network })).to.include({ kind: 'answer', text: 'safe' });
    });

    it('accepts any certificate if insecure is set', async () => {
      const url = await serveTls((_, response) => response.end('whoever'));
      const network = createAxiosHttp({ ...SETTINGS, insecure: true });
      expect(await post(url, { network })).to.include({ kind: 'answer', text: 'whoever' });
    });

    it('sends the client certificate to a server that asks for it', async () => {
      const server = https.createServer({ key, cert, ca: cert, requestCert: true }, (_, response) =>
        response.end(),
      );
      const url = `https://127.0.0.1:${await listen(server as unknown as net.Server)}/`;
      const without = await post(url, { network: createAxiosHttp({ ...SETTINGS, ca: cert }) });
      expect(without.kind).not.to.equal('answer');
      const network = createAxiosHttp({ ...SETTINGS, ca: cert, cert, key });
      expect(await post(url, { network })).to.include({ kind: 'answer', status: 200 });
    });

    it('returns no_connection for a certificate of another name', async () => {
      const url = await serveTls((_, response) => response.end());
      const network = createAxiosHttp({ ...SETTINGS, ca: cert });
      expect(await post(url.replace('127.0.0.1', 'localhost'), { network })).to.include({
        kind: 'no_connection',
        code: 'ERR_TLS_CERT_ALTNAME_INVALID',
      });
    });
  });
});

import type net from 'node:net';
import type { AddressInfo } from 'node:net';
import tls from 'node:tls';
import { expect } from 'chai';
import { createAxiosHttp } from '../../src/drivers/http/axios-http.ts';
import { proxyFromEnv } from '../../src/network/proxy.ts';
import { type PrivateAuthority, privateAuthority } from './private-authority.ts';
import { type ProxyProcess, startProxy } from './proxy-process.ts';

const LOGIN = 'ann:s3cret';

describe('TLS connections', () => {
  let authority: PrivateAuthority | undefined;
  let another: PrivateAuthority | undefined;
  let proxy: ProxyProcess | undefined;
  const servers: net.Server[] = [];
  before(async function () {
    authority = privateAuthority();
    another = privateAuthority();
    if (!authority || !another) return this.skip();
    proxy = await startProxy(LOGIN);
  });
  after(() => {
    authority?.remove();
    another?.remove();
    proxy?.stop();
  });
  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
  });

  async function serve(onSecure: (socket: tls.TLSSocket) => void): Promise<string> {
    const server = tls.createServer({ ...authority?.tls }, (socket) =>
      onSecure(socket.on('error', () => {})),
    );
    servers.push(server.on('tlsClientError', () => {}));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return `https://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  }

  const settings = () => ({
    connect_timeout_ms: 3_000,
    request_timeout_ms: 3_000,
    max_response_bytes: 1_000_000,
    version: '1.2.3',
    ca: authority?.ca ?? '',
  });
  const through = () => ({
    proxyFor: proxyFromEnv({ HTTPS_PROXY: `http://${LOGIN}@127.0.0.1:${proxy?.port}` }),
  });
  const post = (network: ReturnType<typeof createAxiosHttp>, url: string) =>
    network.send({ method: 'POST', url, headers: {}, body: '{}', maySend: () => true });

  for (const [how, end] of [
    ['closes', (socket) => socket.destroy()],
    ['ends', (socket) => socket.end()],
  ] as [string, (socket: tls.TLSSocket) => void][])
    it(`are reported once if a server ${how} the connection right after the handshake`, async () => {
      const url = await serve(end);
      const networks = [createAxiosHttp(settings()), createAxiosHttp({ ...settings(), ...through() })];
      const exchanges = await Promise.all(
        networks.flatMap((network) => Array.from({ length: 10 }, () => post(network, url))),
      );
      for (const exchange of exchanges) expect(exchange.kind).to.be.oneOf(['broken', 'no_connection']);
    });

  for (const [way, more] of [
    ['directly', () => ({})],
    ['through a proxy', through],
  ] as const)
    it(`are not made with a client key that does not match its certificate, ${way}`, async () => {
      const url = await serve((socket) => socket.end());
      const network = createAxiosHttp({
        ...settings(),
        ...more(),
        cert: authority?.tls.cert ?? '',
        key: another?.tls.key ?? '',
      });
      expect((await post(network, url)).kind).to.equal('no_connection');
    });
});

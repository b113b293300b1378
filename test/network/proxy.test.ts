import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { Failure } from '../../src/domain/errors.ts';
import { createAxiosHttp } from '../../src/drivers/http/axios-http.ts';
import { describeProxy, proxyFromEnv, proxySecrets } from '../../src/network/proxy.ts';
import { type PrivateAuthority, privateAuthority } from './private-authority.ts';
import { type ProxyProcess, startProxy } from './proxy-process.ts';

describe('the settings of a proxy', () => {
  const via = (host: string, env: Record<string, string>, port = 443) => proxyFromEnv(env)(host, port);
  const HTTPS_PROXY = 'http://proxy.example:3128';

  it('apply to no host without HTTPS_PROXY, and to every host with it', () => {
    expect(via('iam.example', {})).to.equal(undefined);
    expect(via('iam.example', { HTTPS_PROXY })).to.deep.equal({ host: 'proxy.example', port: 3128 });
    expect(via('iam.example', { https_proxy: 'other:80', HTTPS_PROXY })).to.deep.equal({
      host: 'other',
      port: 80,
    });
  });

  it('include the login in its address', () => {
    const proxy = via('iam.example', { HTTPS_PROXY: 'http://ann:p%40ss@proxy.example:3128/' });
    expect(proxy?.authorization).to.equal(`Basic ${Buffer.from('ann:p@ss').toString('base64')}`);
  });

  for (const [address, login] of [
    ['http://u:P%ZZ@h', 'u:P%ZZ'],
    ['http://u:100%@h', 'u:100%'],
    ['http://:only@h', ':only'],
    ['http://only@h', 'only:'],
    ['u:p@h:3128', 'u:p'],
    ['HTTP://u:%e2%82%ac@h', 'u:€'],
  ] as const)
    for (const variable of ['https_proxy', 'HTTPS_PROXY'])
      it(`have the login that curl reads from ${variable}=${address}`, () => {
        const proxy = via('iam.example', { [variable]: address });
        expect(proxy?.authorization).to.equal(`Basic ${Buffer.from(login).toString('base64')}`);
      });

  for (const [address, ...expected] of [
    ['http://ann:p%40ss@h', 'p%40ss', 'p@ss'],
    ['ann:p%40ss@h:3128', 'p%40ss', 'p@ss'],
    ['token@h', 'token'],
    ['token:@h', 'token'],
    ['http://t%6Fken@h', 't%6Fken', 'token'],
    ['ann%3Ap%40ss@h', 'ann%3Ap%40ss', 'ann:p@ss', 'p@ss'],
    ['ann:token-of-a-user@h', 'token-of-a-user'],
    ['token-of-20-characters:x-oauth-basic@h', 'token-of-20-characters', 'x-oauth-basic'],
    [':only@h', 'only'],
    ['http://ann:pa/s#s@w@h', 'pa/s#s@w'],
    ['socks5://ann:pass@h', 'pass'],
    ['http://h:3128'],
    ['h'],
    [''],
  ] as const)
    it(`include these secrets in ${address}: ${expected.join(' ')}`, () => {
      for (const variable of ['https_proxy', 'HTTPS_PROXY', 'http_proxy', 'HTTP_PROXY']) {
        const found = new Set(proxySecrets({ [variable]: address }));
        const sent = /socks5|#/.test(address) ? undefined : via('x', { https_proxy: address });
        for (const each of [...expected, ...(sent?.authorization?.split(' ').slice(1) ?? [])])
          expect([...found]).to.include(each);
        expect([...found]).to.not.include('ann');
      }
    });

  const rows: [string, string, number, boolean][] = [
    ['*', 'iam.example', 443, true],
    ['example', 'iam.example', 443, true],
    ['.example', 'iam.example', 443, true],
    ['*.example', 'iam.example', 443, true],
    ['am.example', 'iam.example', 443, false],
    ['IAM.example', 'iam.EXAMPLE', 443, true],
    ['iam.example:8443', 'iam.example', 443, false],
    ['iam.example:8443', 'iam.example', 8443, true],
    ['10.0.0.0/8', '10.1.2.3', 443, true],
    ['10.0.0.0/8', '11.1.2.3', 443, false],
    ['127.0.0.1', '127.0.0.1', 443, true],
    ['::1', '[::1]', 443, true],
    ['a, b ,iam.example', 'iam.example', 443, true],
    ['', 'iam.example', 443, false],
    ['10.0.0.0/99', '10.1.2.3', 443, false],
    ['10.0.0.0/', '11.1.2.3', 443, false],
    ['10.0.0.0/8.5', '10.1.2.3', 443, false],
    ['0.0.0.0/0', '11.1.2.3', 443, true],
    ['fe80::1%eth0', 'iam.example', 443, false],
    ['[::1]', '[::1]', 443, true],
    ['[::1]:8443', '[::1]', 443, false],
    ['[::1]:8443', '[::1]', 8443, true],
    ['fd00::/8', '[fd00::7]', 443, true],
    ['iam.example.', 'iam.example', 443, true],
    ['iam.example', 'iam.example.', 443, true],
    [':443', 'iam.example', 443, false],
    ['.', 'iam.example.', 443, false],
    ['http://iam.example', 'iam.example', 443, false],
  ];
  for (const [NO_PROXY, host, port, exempt] of rows)
    it(`${exempt ? 'do not apply' : 'apply'} to ${host}:${port} with NO_PROXY=${NO_PROXY || '(empty)'}`, () => {
      expect(via(host, { HTTPS_PROXY, NO_PROXY }, port) === undefined).to.equal(exempt);
    });

  it('are described without the login', () => {
    const env = { HTTPS_PROXY: 'http://ann:s3cret@proxy.example:3128', NO_PROXY: 'near.example' };
    const told = (address: string) => describeProxy(env, address);
    expect(told('https://iam.example/v3')).to.deep.equal({
      value: 'proxy.example:3128, with a login',
      from: 'HTTPS_PROXY',
    });
    expect(told('https://iam.near.example/v3')).to.deep.equal({ value: 'none', from: 'NO_PROXY' });
    expect(told('http://iam.example/v3')).to.equal(undefined);
    expect(describeProxy({}, 'https://iam.example/v3')).to.equal(undefined);
  });

  for (const bad of [
    'socks5://ann:s3cret@proxy:1080',
    'socks://ann:s3cret@proxy:1080',
    'https://ann:s3cret@proxy',
    'http://ann:s3cret/@proxy',
    'http://ann:1/s3cret@proxy',
    'http://ann:s3cret#@proxy',
    'http://ann:s3cret@proxy:99999',
    'ann:s3cret@',
    'http://',
    '://',
  ])
    for (const variable of ['https_proxy', 'HTTPS_PROXY'])
      it(`are refused by the name of the variable only: ${variable}=${bad.replace('s3cret', '…')}`, () => {
        let failure: unknown;
        try {
          proxyFromEnv({ [variable]: bad });
        } catch (error) {
          failure = error;
        }
        expect(failure).to.be.instanceOf(Failure);
        const said = JSON.stringify((failure as Failure).diagnostics);
        expect(said).to.contain(`${variable} `).and.contain('%25');
        expect(said).not.to.contain('s3cret');
      });
});

describe('a connection through a CONNECT proxy to a server with a private certificate authority', () => {
  const LOGIN = 'ann:s3cret';
  let authority: PrivateAuthority | undefined;
  let server: https.Server;
  let requests = 0;
  let proxy: ProxyProcess | undefined;

  before(async function () {
    authority = privateAuthority();
    if (!authority) return this.skip();
    server = https.createServer(authority.tls, (_, response) => {
      requests++;
      response.end('{}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    proxy = await startProxy(LOGIN);
  });
  after(async () => {
    proxy?.stop();
    server?.closeAllConnections();
    server?.close();
    authority?.remove();
  });
  beforeEach(() => {
    requests = 0;
    targets().length = 0;
  });

  const targets = () => proxy?.targets ?? [];
  const proxyPort = () => proxy?.port ?? 0;
  const port = () => (server.address() as AddressInfo).port;
  const network = (HTTPS_PROXY: string, ca = authority?.ca ?? '') =>
    createAxiosHttp({
      connect_timeout_ms: 2_000,
      request_timeout_ms: 5_000,
      max_response_bytes: 1_000_000,
      version: '1.2.3',
      proxyFor: proxyFromEnv({ HTTPS_PROXY }),
      ...(ca === '' ? {} : { ca }),
    });
  const post = (HTTPS_PROXY: string, ca?: string, maySend = () => true) =>
    network(HTTPS_PROXY, ca).send({
      method: 'POST',
      url: `https://127.0.0.1:${port()}/`,
      headers: {},
      body: '{}',
      maySend,
    });
  const withLogin = () => `http://${LOGIN}@127.0.0.1:${proxyPort()}`;

  it('uses TLS from end to end', async () => {
    expect(await post(withLogin())).to.include({ kind: 'answer', status: 200, text: '{}' });
    expect(targets()).to.deep.equal([`127.0.0.1:${port()}`]);
    expect(requests).to.equal(1);
  });

  it('uses one tunnel for many reads', async () => {
    const http = network(withLogin());
    for (let n = 0; n < 3; n++)
      expect(await http.send({ method: 'GET', url: `https://127.0.0.1:${port()}/`, headers: {} })).to.include(
        {
          status: 200,
        },
      );
    expect(targets()).to.have.length(1);
  });

  const refused: [string, () => Promise<unknown>, string][] = [
    ['407', () => post(`http://127.0.0.1:${proxyPort()}`), 'PROXY_AUTHENTICATION'],
    ['407 to a wrong login', () => post(`http://ann:wrong@127.0.0.1:${proxyPort()}`), 'PROXY_AUTHENTICATION'],
    ['a proxy that is not there', () => post('http://127.0.0.1:1'), 'PROXY_UNREACHABLE'],
    [
      'a target that the proxy does not reach',
      () => network(withLogin()).send({ method: 'GET', url: 'https://127.0.0.1:1/', headers: {} }),
      'PROXY_REFUSED',
    ],
    ['a proxy that is none', () => post(`http://127.0.0.1:${port()}`), 'PROXY_REFUSED'],
    ['an authority that is not trusted', () => post(withLogin(), ''), 'UNABLE_TO_VERIFY_LEAF_SIGNATURE'],
    ['an intent out of date', () => post(withLogin(), undefined, () => false), 'NOT_SENT'],
  ];
  for (const [name, send, code] of refused)
    it(`sends no byte of the request: ${name}`, async () => {
      const exchange = await send();
      expect(exchange).to.include({ kind: 'no_connection', code });
      expect(JSON.stringify(exchange)).not.to.contain('s3cret');
      expect(requests).to.equal(0);
    });
});

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import https from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect } from 'chai';
import { Failure } from '../../../src/domain/errors.ts';
import { createAxiosHttp } from '../../../src/drivers/http/axios-http.ts';
import { proxyFromEnv } from '../../../src/drivers/http/proxy.ts';

describe('which hosts go through a proxy', () => {
  const via = (host: string, env: Record<string, string>, port = 443) => proxyFromEnv(env)(host, port);
  const HTTPS_PROXY = 'http://proxy.example:3128';

  it('none without HTTPS_PROXY, all with it', () => {
    expect(via('iam.example', {})).to.equal(undefined);
    expect(via('iam.example', { HTTPS_PROXY })).to.deep.equal({ host: 'proxy.example', port: 3128 });
    expect(via('iam.example', { https_proxy: 'other:80', HTTPS_PROXY })).to.deep.equal({
      host: 'other',
      port: 80,
    });
  });

  it('with the login that its address holds', () => {
    const proxy = via('iam.example', { HTTPS_PROXY: 'http://ann:p%40ss@proxy.example:3128/' });
    expect(proxy?.authorization).to.equal(`Basic ${Buffer.from('ann:p@ss').toString('base64')}`);
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
  ];
  for (const [NO_PROXY, host, port, exempt] of rows)
    it(`NO_PROXY=${NO_PROXY || '(empty)'} ${exempt ? 'leaves out' : 'keeps'} ${host}:${port}`, () => {
      expect(via(host, { HTTPS_PROXY, NO_PROXY }, port) === undefined).to.equal(exempt);
    });

  for (const bad of ['socks5://ann:s3cret@proxy:1080', 'https://ann:s3cret@proxy', 'http://', '://'])
    it(`refuses ${bad.replace('s3cret', '…')} without repeating it`, () => {
      let failure: unknown;
      try {
        proxyFromEnv({ HTTPS_PROXY: bad });
      } catch (error) {
        failure = error;
      }
      expect(failure).to.be.instanceOf(Failure);
      expect(JSON.stringify((failure as Failure).diagnostics)).not.to.contain('s3cret');
    });
});

describe('through a proxy that knows nothing but CONNECT, to a server with a private authority', () => {
  const LOGIN = 'ann:s3cret';
  let folder: string;
  let cert = '';
  let server: https.Server;
  let requests = 0;
  let proxy: ChildProcess;
  let proxyPort = 0;
  const targets: string[] = [];

  before(async function () {
    folder = mkdtempSync(join(tmpdir(), 'vbsctl-proxy-'));
    const file = (name: string) => join(folder, name);
    try {
      execFileSync(
        'openssl',
        ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
          .concat(['-keyout', file('key.pem'), '-out', file('cert.pem'), '-days', '2'])
          .concat(['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1']),
        { stdio: 'ignore' },
      );
    } catch {
      this.skip();
    }
    cert = readFileSync(file('cert.pem'), 'utf8');
    server = https.createServer({ key: readFileSync(file('key.pem')), cert }, (_, response) => {
      requests++;
      response.end('{}');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const script = new URL('connect-proxy.cjs', import.meta.url).pathname;
    proxy = spawn(process.execPath, [script, LOGIN], { stdio: ['ignore', 'pipe', 'inherit'] });
    if (!proxy.stdout) throw new Error('no stdout');
    const lines = createInterface(proxy.stdout);
    [proxyPort] = (await once(lines, 'line')).map(Number) as [number];
    lines.on('line', (line) => targets.push(line));
  });
  after(async () => {
    proxy?.kill();
    server?.closeAllConnections();
    server?.close();
    rmSync(folder, { recursive: true });
  });
  beforeEach(() => {
    requests = 0;
    targets.length = 0;
  });

  const port = () => (server.address() as AddressInfo).port;
  const network = (HTTPS_PROXY: string, ca: string | undefined = cert) =>
    createAxiosHttp({
      connect_timeout_ms: 2_000,
      request_timeout_ms: 5_000,
      max_response_bytes: 1_000_000,
      version: '1.2.3',
      proxyFor: proxyFromEnv({ HTTPS_PROXY }),
      ...(ca === '' ? {} : { ca }),
    });
  const post = (HTTPS_PROXY: string, ca?: string, mayLeave = () => true) =>
    network(HTTPS_PROXY, ca).send({
      method: 'POST',
      url: `https://127.0.0.1:${port()}/`,
      headers: {},
      body: '{}',
      mayLeave,
    });
  const withLogin = () => `http://${LOGIN}@127.0.0.1:${proxyPort}`;

  it('goes through, with TLS to the server itself', async () => {
    expect(await post(withLogin())).to.include({ kind: 'answer', status: 200, text: '{}' });
    expect(targets).to.deep.equal([`127.0.0.1:${port()}`]);
    expect(requests).to.equal(1);
  });

  it('keeps one tunnel for many reads', async () => {
    const http = network(withLogin());
    for (let n = 0; n < 3; n++)
      expect(await http.send({ method: 'GET', url: `https://127.0.0.1:${port()}/`, headers: {} })).to.include(
        {
          status: 200,
        },
      );
    expect(targets).to.have.length(1);
  });

  const refused: [string, () => Promise<unknown>, string][] = [
    ['407', () => post(`http://127.0.0.1:${proxyPort}`), 'PROXY_AUTHENTICATION'],
    ['407 to a wrong login', () => post(`http://ann:wrong@127.0.0.1:${proxyPort}`), 'PROXY_AUTHENTICATION'],
    ['a proxy that is not there', () => post('http://127.0.0.1:1'), 'PROXY_UNREACHABLE'],
    ['a proxy that is none', () => post(`http://127.0.0.1:${port()}`), 'PROXY_REFUSED'],
    ['an authority that is not trusted', () => post(withLogin(), ''), 'DEPTH_ZERO_SELF_SIGNED_CERT'],
    ['an intent out of date', () => post(withLogin(), cert, () => false), 'NOT_SENT_STALE'],
  ];
  for (const [name, send, code] of refused)
    it(`${name}: not a byte of the request was sent`, async () => {
      const exchange = await send();
      expect(exchange).to.include({ kind: 'no_connection', code });
      expect(JSON.stringify(exchange)).not.to.contain('s3cret');
      expect(requests).to.equal(0);
    });
});

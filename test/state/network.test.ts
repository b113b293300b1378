import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { systemClock } from '../../src/cli/system.ts';
import type { Clock } from '../../src/domain/clock.ts';
import { Failure } from '../../src/domain/errors.ts';
import { openBackend } from '../../src/state/open-backend.ts';
import { type PrivateAuthority, privateAuthority } from '../network/private-authority.ts';
import { type ProxyProcess, startProxy } from '../network/proxy-process.ts';
import { PASSWORD } from './http/state-server.ts';
import { ACTOR, numbered, TARGET } from './samples.ts';
import { startTlsFront, type TlsFront } from './tls-front.ts';
import { HttpTrialServer, PostgresTrialServer, S3TrialServer } from './trial-servers.ts';

type Env = Readonly<Record<string, string>>;

const LOGIN = 'ann:s3cret';
const NEVER_WAITS: Clock = { ...systemClock, sleep: async () => expect.fail('it was tried again') };

async function worksAt(location: string, env: Env): Promise<void> {
  const backend = await openBackend(location, {
    clock: systemClock,
    newId: randomUUID,
    settleMs: 1_000,
    env,
  });
  const lease = await backend.lock(ACTOR, 0);
  await lease.create(TARGET);
  await lease.commit([numbered(1)]);
  await lease.release();
  expect((await backend.read())?.serial).to.equal(2);
}

/** What it is refused with, at once. */
async function refusedAt(location: string, env: Env): Promise<string> {
  const opened = openBackend(location, { clock: NEVER_WAITS, newId: randomUUID, settleMs: 1_000, env });
  const cause: unknown = await opened
    .then((backend) => backend.read())
    .then(
      () => undefined,
      (reason: unknown) => reason,
    );
  expect(cause).to.be.instanceOf(Failure);
  const text = JSON.stringify((cause as Failure).diagnostics);
  expect(text).to.not.include('s3cret').and.not.include(PASSWORD);
  return text;
}

describe('a remote state behind a private authority and a CONNECT proxy', () => {
  let authority: PrivateAuthority | undefined;
  let proxy: ProxyProcess;
  before(async function () {
    authority = privateAuthority();
    if (!authority) return this.skip();
    proxy = await startProxy(LOGIN);
  });
  after(() => {
    proxy?.stop();
    authority?.remove();
  });
  const made = () => authority ?? expect.fail('no authority');
  const through = () => ({ HTTPS_PROXY: `http://${LOGIN}@127.0.0.1:${proxy.port}` });

  for (const { server, trust, remedy } of [
    {
      server: new HttpTrialServer(),
      trust: () => ({ TF_HTTP_CLIENT_CA_CERTIFICATE_PEM: made().ca }),
      remedy: 'TF_HTTP_CLIENT_CA_CERTIFICATE_PEM',
    },
    {
      server: new S3TrialServer(),
      trust: () => ({ AWS_CA_BUNDLE: made().caFile }),
      remedy: 'AWS_CA_BUNDLE',
    },
  ])
    describe(server.name, () => {
      let front: TlsFront;
      before(async function () {
        if ('missing' in server && server.missing !== undefined) {
          console.log(`      skipped: ${server.missing}`);
          return this.skip();
        }
        await server.start();
        front = await startTlsFront(made().tls, server.port);
      });
      after(async () => {
        await front?.stop();
        await server.dispose();
      });
      beforeEach(() => {
        proxy.targets.length = 0;
      });
      const location = () =>
        server.location(front.port, randomUUID(), 'usual').replaceAll('http://', 'https://');
      const target = () => `127.0.0.1:${front.port}`;

      it('is reached through the proxy, with TLS to the server itself', async () => {
        await worksAt(location(), { ...server.env, ...trust(), ...through() });
        expect(proxy.targets).to.not.deep.equal([]);
        for (const each of proxy.targets) expect(each).to.equal(target());
      });

      it('is reached directly if NO_PROXY lists it', async () => {
        await worksAt(location(), { ...server.env, ...trust(), ...through(), NO_PROXY: '127.0.0.1' });
        expect(proxy.targets).to.deep.equal([]);
      });

      it('is refused at once without its authority, with the remedy', async () => {
        const text = await refusedAt(location(), { ...server.env, ...through() });
        expect(text).to.include('certificate').and.include(remedy);
      });

      it('reports at once that the proxy refuses the login', async () => {
        const HTTPS_PROXY = `http://ann:wrong@127.0.0.1:${proxy.port}`;
        const text = await refusedAt(location(), { ...server.env, ...trust(), HTTPS_PROXY });
        expect(text).to.include('asks for a user name').and.include('HTTPS_PROXY');
      });
    });

  it('reports an AWS_CA_BUNDLE that cannot be read', async () => {
    const text = await refusedAt('s3://bucket/key?endpoint=https://127.0.0.1:9&region=x', {
      AWS_CA_BUNDLE: '/no/such/bundle.pem',
    });
    expect(text).to.include('AWS_CA_BUNDLE').and.include('/no/such/bundle.pem');
  });

  it('certificates and keys that TLS cannot use are refused by name', async function () {
    const other = privateAuthority();
    if (!other) return this.skip();
    const { caFile, tls } = made();
    const folder = mkdtempSync(join(tmpdir(), 'vbsctl-pem-'));
    const file = (name: string, text: string) => {
      writeFileSync(join(folder, name), text);
      return join(folder, name);
    };
    const cert = file('cert.pem', tls.cert);
    const wrongKey = file('wrong.key', other.tls.key);
    const notes = file('notes.txt', 'no certificate');
    const PEM = { TF_HTTP_CLIENT_CERTIFICATE_PEM: tls.cert };
    for (const [location, env, why] of [
      [
        'https://127.0.0.1:9/s',
        { ...PEM, TF_HTTP_CLIENT_PRIVATE_KEY_PEM: other.tls.key },
        'TF_HTTP_CLIENT_PRIVATE_KEY_PEM is not the key of the certificate',
      ],
      [
        `postgres://u@127.0.0.1:9/d?sslmode=verify-full&sslrootcert=${caFile}&sslcert=${cert}&sslkey=${wrongKey}`,
        {},
        'the file of sslkey is not the key of the certificate',
      ],
      [
        `postgres://u@127.0.0.1:9/d?sslmode=verify-full&sslrootcert=${notes}`,
        {},
        'the file of sslrootcert has no PEM certificate',
      ],
      [
        's3://bucket/key?endpoint=https://127.0.0.1:9&region=x',
        { AWS_CA_BUNDLE: notes },
        'the file of AWS_CA_BUNDLE has no PEM certificate',
      ],
    ] as const)
      expect(await refusedAt(location, env)).to.include(why);
    other.remove();
    rmSync(folder, { recursive: true });
  });

  it('sends a client certificate to an HTTP server that asks for one', async () => {
    const server = new HttpTrialServer();
    await server.start();
    const { ca, tls } = made();
    const front = await startTlsFront(
      { ...tls, ca, requestCert: true, rejectUnauthorized: true },
      server.port,
    );
    try {
      const env = { ...server.env, TF_HTTP_CLIENT_CA_CERTIFICATE_PEM: ca, TF_HTTP_RETRY_MAX: '0' };
      const location = () => server.location(front.port, randomUUID()).replace('http:', 'https:');
      await worksAt(location(), {
        ...env,
        TF_HTTP_CLIENT_CERTIFICATE_PEM: tls.cert,
        TF_HTTP_CLIENT_PRIVATE_KEY_PEM: tls.key,
      });
      await refusedAt(location(), env);
    } finally {
      await front.stop();
      await server.stop();
    }
  });

  it('connects to PostgreSQL with sslmode=verify-full and sslrootcert', async function () {
    const server = new PostgresTrialServer();
    if (server.missing !== undefined) {
      console.log(`      skipped: ${server.missing}`);
      return this.skip();
    }
    await server.start(made().tls);
    try {
      const location = (more: string) =>
        `${server.location(server.port, randomUUID(), 'usual')}&sslmode=${more}`;
      await worksAt(location(`verify-full&sslrootcert=${made().caFile}`), {});
      expect(await refusedAt(location('verify-full'), {}))
        .to.include('certificate')
        .and.include('sslrootcert');
      const noSuchFile = await refusedAt(location('verify-full&sslrootcert=/no/such.pem'), {});
      expect(noSuchFile).to.include('/no/such.pem').and.include('sslrootcert');
      await server.stop();
      await server.start();
      expect(await refusedAt(location('require'), {}), 'a server without TLS').to.include('sslmode');
    } finally {
      await server.dispose();
    }
  });

  it('sends no login of an HTTP state to a proxy unencrypted', async () => {
    // Plain http is for this machine and its neighbours, as for the cloud: no proxy is asked.
    const server = new HttpTrialServer();
    await server.start();
    try {
      await worksAt(server.location(server.port, randomUUID()), {
        ...server.env,
        HTTPS_PROXY: 'http://127.0.0.1:9',
        HTTP_PROXY: 'http://127.0.0.1:9',
      });
    } finally {
      await server.stop();
    }
  });
});

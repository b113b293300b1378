import { createHash, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { systemClock } from '../../../src/cli/system.ts';
import type { Diagnostic } from '../../../src/domain/diagnostic.ts';
import { openBackend } from '../../../src/state/open-backend.ts';
import { refusal } from '../backend-contract.ts';
import { ACTOR, numbered, TARGET } from '../samples.ts';
import { S3_ENV } from './s3-server.ts';

/** An answer in place of the usual one: its status and the code in its body. */
type Quirk = (request: IncomingMessage) => readonly [number, string] | undefined;

/** A store as S3, over HTTP, with quirks of real ones. */
class Store {
  readonly objects = new Map<string, { readonly body: Buffer; readonly etag: string }>();
  readonly requests: IncomingMessage[] = [];
  quirk: Quirk = () => undefined;
  readonly #server: Server = createServer(async (request, response) => {
    this.requests.push(request);
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part);
    const body = Buffer.concat(parts);
    const key = request.url?.split('?')[0] ?? '';
    const { 'if-none-match': ifNoneMatch, 'if-match': ifMatch } = request.headers;
    const found = this.objects.get(key);
    const refuse = (status: number, code: string) =>
      response
        .writeHead(status, { 'content-type': 'application/xml' })
        .end(`<Error><Code>${code}</Code><Message>${code}</Message></Error>`);
    const quirk = this.quirk(request);
    if (quirk) return refuse(...quirk);
    const unmet = (ifNoneMatch && found) || (ifMatch && found?.etag !== ifMatch);
    if (unmet) return refuse(412, 'PreconditionFailed');
    if (request.method === 'DELETE') {
      this.objects.delete(key);
      return response.writeHead(204).end();
    }
    if (request.method === 'PUT') {
      const etag = `"${createHash('md5').update(body).digest('hex')}"`;
      this.objects.set(key, { body, etag });
      return response.writeHead(200, { etag }).end();
    }
    if (!found) return refuse(404, 'NoSuchKey');
    return response
      .writeHead(200, { etag: found.etag, 'last-modified': new Date().toUTCString() })
      .end(found.body);
  });

  async start(): Promise<void> {
    await new Promise<void>((done) => this.#server.listen(0, '127.0.0.1', done));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

describe('S3 stores with quirks', () => {
  const folder = mkdtempSync(join(tmpdir(), 'vbsctl-s3-'));
  const env = { ...process.env };
  let store: Store;
  beforeEach(async () => {
    store = new Store();
    await store.start();
    const { AWS_REGION, AWS_DEFAULT_REGION, AWS_PROFILE, ...rest } = env;
    process.env = { ...rest, ...S3_ENV, AWS_CONFIG_FILE: join(folder, 'none') };
  });
  afterEach(() => store.stop());
  after(() => {
    process.env = env;
    rmSync(folder, { recursive: true });
  });

  const open = (more = '&region=eu-de') =>
    openBackend(`s3://b/s.json?endpoint=${store.url}${more}`, {
      clock: systemClock,
      newId: randomUUID,
      settleMs: 1_000,
      env: {},
    });
  /** Returns whether the lock has an end. */
  const works = async (more?: string): Promise<boolean> => {
    const backend = await open(more);
    const lease = await backend.lock(ACTOR, 0);
    await refusal((await open(more)).lock(ACTOR, 0), 'locked');
    const mayEnd = Number.isFinite(lease.lock.remainingMs());
    await lease.create(TARGET);
    await lease.commit([numbered(1)]);
    await lease.release();
    expect((await backend.read())?.serial).to.equal(2);
    expect([...store.objects.keys()]).to.deep.equal(['/b/s.json']);
    return mayEnd;
  };
  const fails = async (more?: string) => {
    const { diagnostics } = await refusal((await open(more)).lock(ACTOR, 0), 'state');
    expect([...store.objects.keys()]).to.deep.equal([]);
    return `${diagnostics[0]?.code}: ${diagnostics[0]?.summary} → ${diagnostics[0]?.remedy}`;
  };

  it('two credentials in the environment give one warning, and no text of the SDK', async () => {
    // The SDK keeps what it read of a path.
    const config = join(folder, 'two-credentials');
    writeFileSync(config, '[profile ops]\naws_access_key_id = OPS\naws_secret_access_key = of-the-profile\n');
    process.env = { ...process.env, AWS_PROFILE: 'ops', AWS_CONFIG_FILE: config };
    const printed: unknown[] = [];
    const { warn } = console;
    console.warn = (text: unknown) => printed.push(text);
    const notes: Diagnostic[] = [];
    try {
      const backend = await openBackend(`s3://b/s.json?endpoint=${store.url}&region=eu-de`, {
        clock: systemClock,
        newId: randomUUID,
        settleMs: 1_000,
        env: process.env,
        onNote: (note) => notes.push(note),
      });
      await backend.read();
      expect(store.requests[0]?.headers.authorization).to.contain('Credential=OPS/');
    } finally {
      console.warn = warn;
    }
    expect(printed).to.deep.equal([]);
    const [warned, ...more] = notes.filter(({ code }) => code === 'two-credentials');
    expect(warned?.summary).to.contain('vbsctl uses the profile ops');
    expect(more).to.deep.equal([]);
  });

  it('a bucket with Object Lock takes what vbsctl writes, which has a digest in a header', async () => {
    store.quirk = ({ method, headers }) =>
      method !== 'PUT' || headers['content-md5'] !== undefined ? undefined : [400, 'InvalidRequest'];
    expect(await works()).to.equal(true);
    expect(store.requests.some(({ headers }) => 'x-amz-trailer' in headers)).to.equal(false);
  });

  for (const status of [400, 501])
    it(`one that answers ${status} to a write with If-Match locks without an end`, async () => {
      store.quirk = ({ method, headers }) =>
        method === 'PUT' && headers['if-match'] ? [status, 'NotImplemented'] : undefined;
      expect(await works()).to.equal(false);
    });

  for (const status of [400, 501])
    it(`one that answers ${status} to every If-Match locks without an end, and gives its locks back`, async () => {
      store.quirk = ({ headers }) => (headers['if-match'] ? [status, 'NotImplemented'] : undefined);
      expect(await works()).to.equal(false);
    });

  for (const status of [400, 501])
    it(`one that answers ${status} to a removal with If-Match works`, async () => {
      store.quirk = ({ method, headers }) =>
        method === 'DELETE' && headers['if-match'] ? [status, 'NotImplemented'] : undefined;
      const backend = await open();
      const lease = await backend.lock(ACTOR, 0);
      await refusal((await open()).lock(ACTOR, 0), 'locked');
      await lease.create(TARGET);
      await lease.release();
      await (await (await open()).lock(ACTOR, 0)).release();
      expect([...store.objects.keys()].filter((key) => key.includes('test-'))).to.deep.equal([]);
    });

  it('one that answers 501 to If-None-Match cannot lock', async () => {
    store.quirk = ({ headers }) => (headers['if-none-match'] ? [501, 'NotImplemented'] : undefined);
    expect(await fails()).to.match(/^state-not-exclusive: the state cannot be locked: .* → use a store/);
  });

  it('a test that fails leaves no object behind', async () => {
    let writes = 0;
    store.quirk = ({ method }) => (method === 'PUT' && ++writes === 2 ? [403, 'AccessDenied'] : undefined);
    expect(await fails()).to.contain('403 AccessDenied');
  });

  it('a bucket that requires encryption gets it', async () => {
    const algorithm = 'x-amz-server-side-encryption';
    store.quirk = ({ method, headers }) =>
      method === 'PUT' && headers[algorithm] === undefined ? [403, 'AccessDenied'] : undefined;
    expect(await fails()).to.contain('add encrypt=true to the s3:// URL');
    const sent = () =>
      store.requests.flatMap(({ headers }) =>
        headers[algorithm] ? [[headers[algorithm], headers[`${algorithm}-aws-kms-key-id`]]] : [],
      );
    await works('&region=eu-de&encrypt=true');
    expect(sent().at(-1)).to.deep.equal(['AES256', undefined]);
    store.objects.clear();
    await works('&region=eu-de&encrypt=true&kms_key_id=alias/states');
    expect(sent().at(-1)).to.deep.equal(['aws:kms', 'alias/states']);
  });

  for (const [status, code, advice] of [
    [400, 'AuthorizationHeaderMalformed', 'name the region of the bucket'],
    [404, 'NoSuchBucket', 'correct the bucket'],
    [401, 'Unauthorized', 'the credentials must be allowed'],
    [403, 'AccessDenied', 'the credentials must be allowed'],
    [400, 'InvalidRequest', 'see the message of the store'],
    [405, 'MethodNotAllowed', 'see the message of the store'],
  ] as const)
    it(`the advice after ${status} ${code}: ${advice}`, async () => {
      store.quirk = () => [status, code];
      expect(await fails()).to.contain(`→ ${advice}`);
    });

  const signedFor = async (more: string) => {
    await works(more);
    const [, , region] = /Credential=([^/]+\/[^/]+)\/([^/]+)/.exec(
      String(store.requests[0]?.headers.authorization),
    ) ?? ['', '', ''];
    return region;
  };

  it('the region is that of the URL, of the environment, of the AWS configuration, else us-east-1', async () => {
    expect(await signedFor('')).to.equal('us-east-1');
    const file = join(folder, 'config');
    writeFileSync(file, '[default]\nregion = eu-de\n[profile other]\nregion = eu-nl\n');
    const again = async (more: string, variables: Record<string, string>) => {
      store.requests.length = 0;
      store.objects.clear();
      Object.assign(process.env, { AWS_CONFIG_FILE: file, ...variables });
      return signedFor(more);
    };
    expect(await again('', {})).to.equal('eu-de');
    expect(await again('', { AWS_DEFAULT_REGION: 'r2' })).to.equal('r2');
    expect(await again('', { AWS_REGION: 'r3' })).to.equal('r3');
    expect(await again('&region=r4', {})).to.equal('r4');
  });

  it('a bucket in the host name that cannot be found: says which host, and path_style', async () => {
    Object.assign(process.env, { AWS_ENDPOINT_URL_S3: 'http://s3.invalid:1', AWS_REGION: 'r' });
    const noWait = { ...systemClock, sleep: async () => {} };
    const backend = await openBackend('s3://state-bucket/s.json', {
      clock: noWait,
      newId: randomUUID,
      settleMs: 1_000,
      env: {},
    });
    const { diagnostics } = await refusal(backend.lock(ACTOR, 0), 'state');
    expect(diagnostics[0]?.summary).to.contain('state-bucket.s3.invalid: ');
    expect(diagnostics[0]?.remedy).to.contain('path_style=true');
  });
});

import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import { expect } from 'chai';
import fc from 'fast-check';
import { type RequestLog, startEmulator } from '../../src/emulator/index.ts';
import { call, DATA_BACKUP, DATA_VOLUME, EmulatorHarness, LOG_VOLUME, START } from './client.ts';

/** For localhost and this test alone; valid for a hundred years. */
const TEST_KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgow9SWrH9zETlQ9nQ
dpM58MgOVVWSkIUeLN5FTeV2U6ehRANCAASDQAKd3snd0ZONu+QMFGDHOI7+AeKQ
2P0cxEwEJyyYx+UyvNaabx6ysBBdkjGoLj9US7ZOc49nKW3oEmeneGOK
-----END PRIVATE KEY-----
`;
const TEST_CERT = `-----BEGIN CERTIFICATE-----
MIIBnDCCAUGgAwIBAgIUAtwujIDlyPXbDRKwSmSqvWNENVYwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMzIzMDAxNloYDzIxMjYxMDMw
MjMwMDE2WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAASDQAKd3snd0ZONu+QMFGDHOI7+AeKQ2P0cxEwEJyyYx+UyvNaabx6y
sBBdkjGoLj9US7ZOc49nKW3oEmeneGOKo28wbTAdBgNVHQ4EFgQUxx7dVFndu/zU
x8SCOQ2oyCjcHekwHwYDVR0jBBgwFoAUxx7dVFndu/zUx8SCOQ2oyCjcHekwDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDSQAwRgIhAJwLnDVqZ/lyqtSUAtb3qJ+XuuUO2UbYD8KZcujSiapcAiEA
uu/J0dmrKlRwYhn5iLdrhrtdvMFlvDgcxj0x0p2uN+8=
-----END CERTIFICATE-----
`;

describe('the server of the emulator', () => {
  let harness: EmulatorHarness;
  afterEach(() => harness.close());

  describe('over HTTP, it', () => {
    beforeEach(async () => {
      harness = await EmulatorHarness.open();
    });

    it('sends date, request id and content type with every answer', async () => {
      for (const path of ['/v3', '/nothing', '/evs/v2/{project}/volumes', '/__emulator/audit']) {
        const { headers } = await harness.call(path);
        expect(headers.date).to.equal('Mon, 23 Nov 2026 22:00:00 GMT');
        expect(headers['content-type']).to.equal('application/json');
        expect(headers['x-openstack-request-id']).to.match(/^req-[0-9a-f-]{36}$/);
        expect(headers['x-request-id']).to.equal(headers['x-openstack-request-id']);
      }
    });

    it('returns environment variables with which a client can work', async () => {
      const env = harness.emulator.env();
      expect(env).to.include({
        OS_AUTH_URL: harness.emulator.authUrl,
        OS_USERNAME: 'operator',
        OS_PROJECT_NAME: 'payments',
        OS_REGION_NAME: 'eu-de',
      });
      const domain = { name: env.OS_USER_DOMAIN_NAME };
      const user = { name: env.OS_USERNAME, domain, password: env.OS_PASSWORD };
      const scope = { project: { name: env.OS_PROJECT_NAME, domain: { name: env.OS_PROJECT_DOMAIN_NAME } } };
      const auth = { identity: { methods: ['password'], password: { user } }, scope };
      const answer = await call(`${env.OS_AUTH_URL}/auth/tokens`, { method: 'POST', body: { auth } });
      expect(answer.status).to.equal(201);
    });

    it('counts requests by route, without those to its administration', async () => {
      await harness.call(`/evs/v2/{project}/volumes/${DATA_VOLUME}`);
      await harness.call('/evs/v2/{project}/volumes/detail');
      await harness.call('/evs/v2/{project}/volumes');
      await harness.call('/__emulator/world');
      expect(harness.emulator.audit().requests).to.deep.equal({ total: 4, token: 1, volume: 1, volumes: 2 });
    });

    it('refuses a body of more than a mebibyte, and continues', async () => {
      const path = `/vbs/v2/{project}/cloudbackups/${DATA_BACKUP}/restore`;
      const body = 'x'.repeat(1024 * 1024 + 1);
      expect((await harness.call(path, { method: 'POST', body })).status).to.equal(413);
      expect((await harness.restore(DATA_BACKUP, DATA_VOLUME)).status).to.equal(200);
    });

    it('survives bytes that are not HTTP, and a client that leaves in the middle of a body', async () => {
      const send = (text: string) =>
        new Promise<void>((resolve) => {
          const socket = connect(harness.emulator.port, '127.0.0.1', () => socket.write(text));
          socket.on('error', () => {});
          socket.on('close', () => resolve());
          socket.resume();
          setTimeout(() => socket.destroy(), 20);
        });
      await send('\u0000\u0001 nonsense\r\n\r\n');
      await send('POST /v3/auth/tokens HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"auth"');
      await send('GET //%%%/../v2 HTTP/1.1\r\nHost: "><script>\r\n\r\n');
      expect((await harness.call('/v3')).status).to.equal(200);
    });

    it('never answers 500, whatever method, path and body are sent', async () => {
      const word = fc.oneof(
        fc.constantFrom(
          'v1',
          'v2',
          'v3',
          'vbs',
          'evs',
          'auth',
          'tokens',
          'backups',
          'volumes',
          'detail',
          'jobs',
        ),
        fc.constantFrom(
          'cloudbackups',
          'restore',
          'action',
          harness.project,
          DATA_VOLUME,
          DATA_BACKUP,
          '__emulator',
          '',
        ),
        fc.constantFrom('__proto__', 'constructor', '%', '%2F', 'attach', 'faults', 'settings', 'set-status'),
        fc.webSegment(),
      );
      const body = fc.oneof(
        fc.json(),
        fc.string(),
        fc.constantFrom('', 'null', '[]', '{"restore":null}', '{"auth":{"identity":{"methods":["token"]}}}'),
      );
      await fc.assert(
        fc.asyncProperty(
          fc.constantFrom('GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'PATCH', 'OPTIONS'),
          fc.array(word, { maxLength: 6 }),
          body,
          async (method, words, text) => {
            const path = `/${words.join('/')}`;
            const answer = await harness.call(path, { method, body: method === 'GET' ? undefined : text });
            const fine = answer.status >= 200 && answer.status < 500;
            expect(fine || answer.status === 501, `${method} ${path} ${text}: ${answer.status}`).to.equal(
              true,
            );
          },
        ),
        { numRuns: 300 },
      );
    });

    it('can be closed twice', async () => {
      await harness.emulator.close();
      await harness.emulator.close();
    });
  });

  it('reports each request when it is answered', async () => {
    const seen: RequestLog[] = [];
    harness = await EmulatorHarness.open({
      onRequest: (request) => seen.push(request),
      faults: {
        rules: [{ match: { route: 'job' }, effect: { kind: 'status', when: 'before', status: 502 } }],
      },
    });
    await harness.restore(DATA_BACKUP, DATA_VOLUME);
    await harness.job('x');
    await harness.call('/__emulator/audit');
    expect(seen.map(({ method, route, status, fault }) => [method, route, status, fault])).to.deep.equal([
      ['POST', 'token', 201, null],
      ['POST', 'restore', 200, null],
      ['GET', 'job', 502, 'status'],
      ['GET', 'admin', 200, null],
    ]);
    expect(seen[1]).to.include({ at_ms: START });
    expect(seen[1]?.request_id).to.equal(harness.emulator.audit().restores[0]?.request_id);
  });

  it('closes connections that hang when it is closed', async () => {
    harness = await EmulatorHarness.open();
    await harness.emulator.setFaults({
      rules: [{ match: { route: 'volume' }, effect: { kind: 'hang', when: 'before', for_ms: 3_600_000 } }],
    });
    const hanging = harness.call(`/evs/v2/{project}/volumes/${DATA_VOLUME}`).catch((error) => error.code);
    while ((harness.emulator.audit().requests.volume ?? 0) === 0) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    await harness.close();
    expect(await hanging).to.equal('ECONNRESET');
  });

  it('serves HTTPS with the certificate that it is given', async () => {
    harness = await EmulatorHarness.open();
    const secure = await startEmulator({ tls: { key: TEST_KEY, cert: TEST_CERT } });
    try {
      expect(secure.authUrl).to.match(/^https:\/\/127\.0\.0\.1:\d+\/v3$/);
      const href = await new Promise((resolve, reject) => {
        httpsRequest(secure.authUrl, { ca: TEST_CERT, servername: 'localhost', agent: false }, (response) => {
          let text = '';
          response.on('data', (chunk) => {
            text += chunk;
          });
          response.on('end', () => resolve(JSON.parse(text).version.links[0].href));
        })
          .on('error', reject)
          .end();
      });
      expect(href).to.equal(`${secure.authUrl}/`);
    } finally {
      await secure.close();
    }
  });

  it('reports that its port is in use', async () => {
    harness = await EmulatorHarness.open();
    const error = await startEmulator({ port: harness.emulator.port }).then(
      () => null,
      (reason) => reason,
    );
    expect(error.code).to.equal('EADDRINUSE');
  });

  describe('the administration of the emulator', () => {
    beforeEach(async () => {
      harness = await EmulatorHarness.open({ seed: { password: 'a-pass-word' } });
    });
    const post = (name: string, body: unknown = {}) =>
      harness.call(`/__emulator/${name}`, { method: 'POST', body });

    it('shows audit and world with secrets masked', async () => {
      const audit = await call(`${harness.emulator.url}/__emulator/audit`);
      expect(audit.body).to.deep.equal(harness.emulator.audit());
      const world = await call(`${harness.emulator.url}/__emulator/world`);
      expect(world.body.volumes[DATA_VOLUME].name).to.equal('pay-db-data');
      expect(world.text).to.not.contain('a-pass-word');
      expect(world.text).to.not.contain(harness.emulator.credentials.application_credential_secret);
      expect(world.text).to.not.contain(harness.token);
      expect((await call(`${harness.emulator.url}/__emulator/`)).body.paths).to.include('POST attach');
    });

    it('attaches, detaches and extends disks', async () => {
      expect((await post('attach', { volume_id: DATA_VOLUME, server: 'pay-db1' })).status).to.equal(200);
      expect((await harness.volume(DATA_VOLUME)).attachments[0]).to.include({
        host_name: 'pay-db1',
        device: '/dev/vda',
      });
      await post('attach', { volume_id: LOG_VOLUME, server: 'pay-db1' });
      expect((await harness.volume(LOG_VOLUME)).attachments[0].device).to.equal('/dev/vdb');
      expect((await post('attach', { volume_id: DATA_VOLUME, server: 'pay-db1' })).status).to.equal(409);
      expect((await post('detach', { volume_id: DATA_VOLUME })).status).to.equal(200);
      expect((await post('detach', { volume_id: DATA_VOLUME })).status).to.equal(409);
      await post('attach', { volume_id: DATA_VOLUME, server: 'pay-db1' });
      const all = await post('detach-server', { server: 'pay-db1' });
      expect(all.body.detached).to.deep.equal(['pay-db-data', 'pay-db-log']);
      expect((await post('detach-server', { server: 'pay-db1' })).body.detached).to.deep.equal([]);
      expect((await post('detach-server', { server: 'nobody' })).status).to.equal(404);
      expect((await post('extend', { volume_id: DATA_VOLUME, size: 600 })).status).to.equal(200);
      expect((await post('extend', { volume_id: DATA_VOLUME, size: 600 })).status).to.equal(409);
      expect(await harness.volume(DATA_VOLUME)).to.include({ status: 'available', size: 600 });
      await post('set-status', { volume_id: DATA_VOLUME, status: 'uploading' });
      expect((await post('extend', { volume_id: DATA_VOLUME, size: 700 })).status).to.equal(409);
      expect((await post('backup', { volume_id: DATA_VOLUME })).status).to.equal(409);
      expect((await post('set-dr-site', { volume_id: DATA_VOLUME, dr_site: true })).status).to.equal(200);
    });

    it('makes and deletes backups', async () => {
      const made = await post('backup', { volume_id: DATA_VOLUME, duration_ms: 1000, name: 'mine' });
      expect((await harness.backup(made.body.id)).status).to.equal('creating');
      expect((await post('delete-backup', { backup_id: made.body.id })).status).to.equal(409);
      harness.advance(1000);
      expect((await harness.backup(made.body.id)).status).to.equal('available');
      expect((await post('delete-backup', { backup_id: made.body.id })).status).to.equal(200);
      expect(await harness.backup(made.body.id)).to.equal(undefined);
    });

    it('can set the duration of the restores of one backup', async () => {
      const timing = { backup_id: DATA_BACKUP, job_duration_ms: 100, queue_ms: 50 };
      expect((await post('set-timing', timing)).status).to.equal(200);
      expect((await post('set-timing', { backup_id: 'x' })).status).to.equal(404);
      const { job_id } = (await harness.restore(DATA_BACKUP, DATA_VOLUME)).body;
      const statusAfter = async (ms: number) => {
        harness.advance(ms);
        return (await harness.job(job_id)).body.status;
      };
      expect([
        await statusAfter(49),
        await statusAfter(1),
        await statusAfter(99),
        await statusAfter(1),
      ]).to.deep.equal(['INIT', 'RUNNING', 'RUNNING', 'SUCCESS']);
    });

    it('starts a restore of another client, and the audit marks it', async () => {
      const answer = await post('restore', { volume_id: DATA_VOLUME, backup_id: DATA_BACKUP });
      expect(harness.emulator.audit().restores[0]).to.include({ job_id: answer.body.id, cause: 'operator' });
      const again = await post('restore', { volume_id: DATA_VOLUME, backup_id: DATA_BACKUP });
      expect(again.status).to.equal(409);
      expect(again.body.error.message).to.contain('VolumeBackup.0205');
    });

    it('names what is wrong in a request', async () => {
      const problems = async (name: string, body?: unknown) => (await post(name, body)).body.error.problems;
      expect(await problems('attach', { volume: DATA_VOLUME })).to.deep.equal([
        'body has an unknown key "volume" (known: volume_id, server, device)',
        'volume_id is required',
        'server is required',
      ]);
      expect(await problems('extend', { volume_id: DATA_VOLUME, size: 1.5 })).to.have.length(1);
      expect(await problems('backup', { volume_id: DATA_VOLUME, duration_ms: -1 })).to.have.length(1);
      expect(await problems('set-dr-site', { volume_id: DATA_VOLUME, dr_site: 'no' })).to.have.length(1);
      expect(
        await problems('settings', { settings: { queue_ms: 'x', service_up: 1, list_limit_max: 0 } }),
      ).to.have.length(3);
      expect(await problems('detach', 'not json')).to.deep.equal(['must be JSON']);
      const unknown = await post('explode');
      expect(unknown.status).to.equal(404);
      expect(unknown.body.error.message).to.contain('POST attach');
      for (const name of ['detach', 'extend', 'attach', 'backup']) {
        const rest = { detach: {}, extend: { size: 9 }, attach: { server: 's' }, backup: {} }[name];
        expect((await post(name, { volume_id: 'constructor', ...rest })).status, name).to.equal(404);
      }
      expect((await post('delete-backup', { backup_id: 'x' })).status).to.equal(404);
      expect((await post('set-status', { status: 'x', volume_id: 'y' })).status).to.equal(404);
    });
  });
});

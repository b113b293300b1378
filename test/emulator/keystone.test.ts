import { expect } from 'chai';
import { call, DATA_VOLUME, EmulatorHarness, type Json, passwordAuth } from './client.ts';

describe('the emulated Keystone', () => {
  let harness: EmulatorHarness;
  beforeEach(async () => {
    harness = await EmulatorHarness.open({ seed: { tokenTtlMs: 60_000 } });
  });
  afterEach(() => harness.close());

  it('returns a scoped token with expiry, project and catalog', async () => {
    const answer = await harness.auth(passwordAuth(harness.emulator));
    expect(answer.status).to.equal(201);
    const { token } = answer.body;
    expect(token.expires_at).to.equal('2026-11-23T22:01:00.000000Z');
    expect(token.project).to.include({ id: harness.project, name: 'payments' });
    const types = token.catalog.map(({ type }: { type: string }) => type);
    expect(types).to.have.members([
      'identity',
      'vbs',
      'vbsv2',
      'volumev2',
      'volumev3',
      'block-storage',
      'compute',
    ]);
    const vbs = token.catalog.find(({ type }: { type: string }) => type === 'vbsv2');
    expect(vbs.endpoints.map((endpoint: Json) => endpoint.interface)).to.deep.equal([
      'public',
      'internal',
      'admin',
    ]);
    expect(vbs.endpoints[0]).to.include({
      region_id: 'eu-de',
      url: `${harness.emulator.url}/vbs/v2/${harness.project}`,
    });
  });

  it('accepts ids instead of names', async () => {
    const { token } = (await harness.auth(passwordAuth(harness.emulator))).body;
    const body = passwordAuth(harness.emulator);
    body.auth.identity.password.user = { id: token.user.id, password: harness.emulator.credentials.password };
    body.auth.scope.project = { id: harness.project };
    expect((await harness.auth(body)).status).to.equal(201);
    const byDomainId = passwordAuth(harness.emulator);
    byDomainId.auth.identity.password.user.domain = { id: 'default' };
    expect((await harness.auth(byDomainId)).status).to.equal(201);
  });

  it('accepts a token, and makes another one that ends with it', async () => {
    harness.advance(30_000);
    const body = passwordAuth(harness.emulator);
    body.auth.identity = { methods: ['token'], token: { id: harness.token } };
    const answer = await harness.auth(body);
    expect(answer.status).to.equal(201);
    expect(answer.body.token.expires_at).to.equal('2026-11-23T22:01:00.000000Z');
  });

  it('accepts an application credential by id or name, and refuses it with a scope', async () => {
    const { credentials } = harness.emulator;
    const byId = {
      id: credentials.application_credential_id,
      secret: credentials.application_credential_secret,
    };
    const auth = (application_credential: object, scope?: object) =>
      harness.auth({
        auth: {
          identity: { methods: ['application_credential'], application_credential },
          ...(scope && { scope }),
        },
      });
    const answer = await auth(byId);
    expect(answer.status).to.equal(201);
    expect(answer.body.token.project.id).to.equal(harness.project);
    const user = { name: credentials.username, domain: { id: 'default' } };
    expect((await auth({ name: 'pipeline', secret: byId.secret, user })).status).to.equal(201);
    const scoped = await auth(byId, { project: { id: harness.project } });
    expect(scoped.status).to.equal(401);
    expect(scoped.body.error.message).to.contain('Application credentials cannot request a scope');
    expect((await auth({ ...byId, secret: 'wrong' })).status).to.equal(401);
  });

  it('returns an unscoped token, which every service refuses', async () => {
    const { scope: _, ...auth } = passwordAuth(harness.emulator).auth;
    const answer = await harness.auth({ auth });
    expect(answer.status).to.equal(201);
    expect(answer.body.token).to.not.have.any.keys('project', 'catalog');
    harness.token = String(answer.headers['x-subject-token']);
    expect((await harness.call(`/evs/v2/{project}/volumes/${DATA_VOLUME}`)).status).to.equal(400);
  });

  it('refuses a login with the messages of Keystone', async () => {
    const broken = (change: (auth: Json) => void) => {
      const body = passwordAuth(harness.emulator);
      change(body.auth);
      return harness.auth(body);
    };
    const wrong = await broken((auth) => {
      auth.identity.password.user.password = 'wrong';
    });
    expect(wrong.status).to.equal(401);
    expect(wrong.body).to.deep.equal({
      error: {
        code: 401,
        message: 'The request you have made requires authentication.',
        title: 'Unauthorized',
      },
    });
    const statuses = await Promise.all([
      broken((auth) => {
        auth.scope.project.name = 'nowhere';
      }),
      broken((auth) => {
        auth.identity.methods = ['oauth1'];
      }),
      broken((auth) => {
        auth.identity.password.user.name = 'constructor';
      }),
      broken((auth) => {
        auth.identity = {};
      }),
      broken((auth) => {
        delete auth.identity.password.user.domain;
      }),
      harness.auth('not json'),
      harness.auth([]),
    ]);
    expect(statuses.map(({ status }) => status)).to.deep.equal([401, 401, 401, 400, 400, 400, 400]);
    for (const { body } of statuses) expect(body.error).to.have.keys('code', 'message', 'title');
  });

  it('ends a token at its expiry, and on request', async () => {
    const read = async () => (await harness.call(`/evs/v2/{project}/volumes/${DATA_VOLUME}`)).status;
    harness.advance(59_999);
    expect(await read()).to.equal(200);
    harness.advance(1);
    expect(await read()).to.equal(401);
    harness.token = await harness.login();
    expect(await read()).to.equal(200);
    await call(`${harness.emulator.url}/__emulator/expire-tokens`, { method: 'POST' });
    expect(await read()).to.equal(401);
  });

  it('validates and revokes tokens', async () => {
    const check = (method: string, subject: string) =>
      harness.call('/v3/auth/tokens', { method, headers: { 'X-Subject-Token': subject } });
    const other = await harness.login();
    const valid = await check('GET', other);
    expect(valid.status).to.equal(200);
    expect(valid.body.token.project.id).to.equal(harness.project);
    expect((await check('GET', 'strange')).status).to.equal(404);
    expect((await check('DELETE', other)).status).to.equal(204);
    expect((await check('GET', other)).status).to.equal(404);
    harness.token = other;
    expect((await check('GET', other)).status).to.equal(401);
    expect((await check('PUT', other)).status).to.equal(405);
  });

  it('lists the versions of every service', async () => {
    const get = async (path: string) => (await call(harness.emulator.url + path)).body;
    expect((await get('/')).versions.values[0].id).to.equal('v3.14');
    expect((await get('/v3')).version.links[0].href).to.equal(`${harness.emulator.url}/v3/`);
    expect((await get('/evs/')).versions.map(({ id }: { id: string }) => id)).to.deep.equal(['v2.0', 'v3.0']);
    expect((await get('/evs/v3/')).versions[0]).to.include({ status: 'CURRENT', min_version: '3.0' });
    expect((await get('/vbs/')).versions).to.have.length(2);
    expect((await call(`${harness.emulator.url}/evs/v1/`)).status).to.equal(404);
    expect((await call(`${harness.emulator.url}/v4/nothing`)).status).to.equal(404);
    expect((await harness.call('/v3/auth/catalog')).body.catalog).to.have.length(7);
    expect((await harness.call('/v3/auth/projects')).body.projects[0].id).to.equal(harness.project);
    expect((await harness.call(`/v3/projects/${harness.project}`)).body.project).to.include({
      name: 'payments',
    });
    expect((await harness.call('/v3/projects/other')).status).to.equal(404);
  });
});

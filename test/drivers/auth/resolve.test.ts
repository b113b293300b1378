import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { Failure } from '../../../src/domain/errors.ts';
import { NO_FILES, readCloudFiles } from '../../../src/drivers/auth/cloud-files.ts';
import { resolveCloud } from '../../../src/drivers/auth/resolve.ts';
import type { CloudSettings, Env } from '../../../src/drivers/auth/settings.ts';

const URL = 'https://iam.example/v3';
const fromEnv = (env: Env) => resolveCloud({ env, files: NO_FILES });
const fromYaml = (clouds: string, secure?: string, name = 'otc') =>
  resolveCloud({
    cloudName: name,
    env: {},
    files: {
      clouds: { path: '/c/clouds.yaml', text: clouds },
      ...(secure === undefined ? {} : { secure: { path: '/c/secure.yaml', text: secure } }),
      searched: ['/c/clouds.yaml'],
    },
  });
function failure(run: () => unknown): Failure {
  try {
    run();
  } catch (error) {
    if (error instanceof Failure) return error;
    throw error;
  }
  throw new Error('no failure');
}
const summaries = (run: () => unknown) => failure(run).diagnostics.map((d) => d.summary);

const PASSWORD: Env = {
  OS_AUTH_URL: URL,
  OS_USERNAME: 'ann',
  OS_PASSWORD: 's3cret',
  OS_USER_DOMAIN_NAME: 'OTC',
  OS_PROJECT_NAME: 'eu-de',
};
const USER = { name: 'ann', domain: { name: 'OTC' } };
const PROJECT = { name: 'eu-de', domain: { name: 'OTC' } };

describe('settings from OS_* variables', () => {
  const rows: [string, Env, CloudSettings['auth']][] = [
    ['password by names', PASSWORD, { type: 'password', user: USER, password: 's3cret', project: PROJECT }],
    [
      'password by ids',
      { OS_AUTH_URL: URL, OS_USER_ID: 'u1', OS_PASSWORD: 'p', OS_PROJECT_ID: 'p1' },
      { type: 'password', user: { id: 'u1' }, password: 'p', project: { id: 'p1' } },
    ],
    [
      'domains by id, and one for each',
      { ...PASSWORD, OS_USER_DOMAIN_NAME: '', OS_USER_DOMAIN_ID: 'd1', OS_PROJECT_DOMAIN_ID: 'd2' },
      {
        type: 'password',
        user: { name: 'ann', domain: { id: 'd1' } },
        password: 's3cret',
        project: { name: 'eu-de', domain: { id: 'd2' } },
      },
    ],
    [
      'one domain for both',
      { ...PASSWORD, OS_USER_DOMAIN_NAME: undefined, OS_DOMAIN_NAME: 'D' },
      {
        type: 'password',
        user: { name: 'ann', domain: { name: 'D' } },
        password: 's3cret',
        project: { name: 'eu-de', domain: { name: 'D' } },
      },
    ],
    [
      'the tenant of old',
      { ...PASSWORD, OS_PROJECT_NAME: undefined, OS_TENANT_NAME: 'old' },
      {
        type: 'password',
        user: USER,
        password: 's3cret',
        project: { name: 'old', domain: { name: 'OTC' } },
      },
    ],
    [
      'a token',
      { OS_AUTH_URL: URL, OS_TOKEN: 't', OS_PROJECT_ID: 'p1' },
      { type: 'token', token: 't', project: { id: 'p1' } },
    ],
    [
      'a token named as the type beside a password',
      { ...PASSWORD, OS_AUTH_TYPE: 'v3token', OS_TOKEN: 't' },
      { type: 'token', token: 't', project: PROJECT },
    ],
    [
      'an application credential by id',
      { OS_AUTH_URL: URL, OS_APPLICATION_CREDENTIAL_ID: 'a1', OS_APPLICATION_CREDENTIAL_SECRET: 's' },
      { type: 'application_credential', credential: { id: 'a1' }, secret: 's' },
    ],
    [
      'an application credential by name and user',
      {
        OS_AUTH_URL: URL,
        OS_AUTH_TYPE: 'v3applicationcredential',
        OS_APPLICATION_CREDENTIAL_NAME: 'ci',
        OS_APPLICATION_CREDENTIAL_SECRET: 's',
        OS_USER_ID: 'u1',
      },
      { type: 'application_credential', credential: { name: 'ci', user: { id: 'u1' } }, secret: 's' },
    ],
  ];
  for (const [name, env, expected] of rows)
    it(name, () => {
      expect(fromEnv(env).auth).to.deep.equal(expected);
    });

  it('region, interface, cacert and overrides', () => {
    const settings = fromEnv({
      ...PASSWORD,
      OS_REGION_NAME: 'eu-de',
      OS_INTERFACE: 'internal',
      OS_CACERT: '/ca.pem',
      OS_VBS_ENDPOINT_OVERRIDE: 'https://vbs.mine/v2',
      OS_BLOCK_STORAGE_ENDPOINT_OVERRIDE: 'https://evs.mine/v3',
    });
    expect(settings).to.deep.include({
      source: 'OS_* variables',
      auth_url: URL,
      region: 'eu-de',
      interface: 'internal',
      cacert: '/ca.pem',
    });
    expect([...settings.endpoint_overrides]).to.deep.equal([
      ['vbs', 'https://vbs.mine/v2'],
      ['block_storage', 'https://evs.mine/v3'],
    ]);
  });

  it('interface publicURL of old, public when nothing is said', () => {
    expect(fromEnv({ ...PASSWORD, OS_ENDPOINT_TYPE: 'internalURL' }).interface).to.equal('internal');
    expect(fromEnv(PASSWORD).interface).to.equal('public');
  });

  const missing: [string, Env, string[]][] = [
    [
      'everything',
      { OS_INTERFACE: 'public' },
      ['OS_AUTH_URL', 'OS_USERNAME or OS_USER_ID', 'OS_USER_DOMAIN_NAME or OS_USER_DOMAIN_ID', 'OS_PASSWORD']
        .concat(['OS_PROJECT_NAME or OS_TENANT_NAME or OS_PROJECT_ID or OS_TENANT_ID'])
        .concat(['OS_PROJECT_DOMAIN_NAME or OS_PROJECT_DOMAIN_ID']),
    ],
    ['the password', { ...PASSWORD, OS_PASSWORD: '' }, ['OS_PASSWORD']],
    ['the URL', { ...PASSWORD, OS_AUTH_URL: undefined }, ['OS_AUTH_URL']],
    [
      'the project',
      { ...PASSWORD, OS_PROJECT_NAME: undefined },
      ['OS_PROJECT_NAME or OS_TENANT_NAME or OS_PROJECT_ID or OS_TENANT_ID'],
    ],
    [
      'the token of type token',
      { OS_AUTH_URL: URL, OS_AUTH_TYPE: 'token', OS_PROJECT_ID: 'p' },
      ['OS_TOKEN or OS_AUTH_TOKEN'],
    ],
    [
      'the secret of an application credential',
      { OS_AUTH_URL: URL, OS_AUTH_TYPE: 'v3applicationcredential', OS_APPLICATION_CREDENTIAL_ID: 'a' },
      ['OS_APPLICATION_CREDENTIAL_SECRET'],
    ],
  ];
  for (const [name, env, expected] of missing)
    it(`names exactly what is missing: ${name}`, () => {
      expect(summaries(() => fromEnv(env))).to.deep.equal(
        expected.map((names) => `${names} is not set (OS_* variables)`),
      );
    });

  it('says that no cloud is named where nothing is set at all', () => {
    expect(summaries(() => fromEnv({ HOME: '/home/ann' }))).to.deep.equal([
      'no cloud is named, and no OS_* variable says how to reach one',
    ]);
  });

  const wrong: [string, Env, string][] = [
    ['an unknown type', { ...PASSWORD, OS_AUTH_TYPE: 'v2password' }, 'unknown-auth-type'],
    ['an unknown interface', { ...PASSWORD, OS_INTERFACE: 'publik' }, 'unknown-interface'],
    ['a URL that is none', { ...PASSWORD, OS_AUTH_URL: 'iam.example' }, 'bad-url'],
    ['a file as URL', { ...PASSWORD, OS_AUTH_URL: 'file:///etc/passwd' }, 'bad-url'],
    ['a URL with a password', { ...PASSWORD, OS_AUTH_URL: 'https://ann:s3cret@iam.example' }, 'bad-url'],
    ['an override that is no URL', { ...PASSWORD, OS_VBS_ENDPOINT_OVERRIDE: 'vbs' }, 'bad-url'],
  ];
  for (const [name, env, code] of wrong)
    it(`refuses ${name}`, () => {
      const refused = failure(() => fromEnv(env));
      expect(refused.kind).to.equal('invalid');
      expect(refused.diagnostics[0]).to.have.property('code', code);
      expect(refused.diagnostics[0]?.remedy).to.be.a('string');
      expect(JSON.stringify(refused.diagnostics)).not.to.contain('s3cret');
    });
});

const OTC = `
clouds:
  otc:
    region_name: eu-de
    vbs_endpoint_override: https://vbs.mine/v2
    cacert: /ca.pem
    auth:
      auth_url: ${URL}
      username: ann
      password: 12345
      user_domain_name: OTC
      project_name: eu-de
  other:
    auth: {auth_url: "https://other.example"}
`;

describe('settings from clouds.yaml', () => {
  it('are those of the named cloud, a password of digits included', () => {
    const settings = fromYaml(OTC);
    expect(settings).to.deep.include({
      source: 'cloud otc of /c/clouds.yaml',
      auth_url: URL,
      region: 'eu-de',
      cacert: '/ca.pem',
      auth: { type: 'password', user: USER, password: '12345', project: PROJECT },
    });
    expect(settings.endpoint_overrides.get('vbs')).to.equal('https://vbs.mine/v2');
  });

  it('say which certificates are shown and checked', () => {
    const cloud = (more: string) => fromYaml(OTC.replace('cacert: /ca.pem', `cacert: /ca.pem\n    ${more}`));
    const tls = ({ cert, key, insecure }: CloudSettings) => ({ cert, key, insecure });
    const none = { cert: undefined, key: undefined, insecure: undefined };
    expect(tls(cloud('cert: /me.pem\n    key: ~/me.key'))).to.deep.equal({
      ...none,
      cert: '/me.pem',
      key: '~/me.key',
    });
    for (const line of ['verify: false', 'insecure: true', 'verify: "no"'])
      expect(tls(cloud(line)), line).to.deep.equal({ ...none, insecure: true });
    for (const line of ['verify: true', 'insecure: false'])
      expect(tls(cloud(line)), line).to.deep.equal(none);
    expect(fromEnv({ ...PASSWORD, OS_INSECURE: '1' })).to.have.property('insecure', true);
    expect(summaries(() => fromEnv({ ...PASSWORD, OS_INSECURE: 'maybe' }))).to.deep.equal([
      'OS_INSECURE is maybe (OS_* variables)',
    ]);
  });

  it('are overridden by secure.yaml', () => {
    const settings = fromYaml(OTC, 'clouds: {otc: {auth: {password: better}}}');
    expect(settings.auth).to.have.property('password', 'better');
  });

  it('are taken whole: no OS_* variable is mixed in', () => {
    const files = { clouds: { path: '/c/clouds.yaml', text: OTC }, searched: [] };
    const env = { OS_CLOUD: 'otc', OS_PASSWORD: 'of the environment', OS_REGION_NAME: 'elsewhere' };
    const settings = resolveCloud({ env, files });
    expect(settings.auth).to.have.property('password', '12345');
    expect(settings.region).to.equal('eu-de');
  });

  it('prefer the name given to OS_CLOUD', () => {
    const files = { clouds: { path: '/c/clouds.yaml', text: OTC }, searched: [] };
    expect(resolveCloud({ cloudName: 'otc', env: { OS_CLOUD: 'other' }, files }).auth_url).to.equal(URL);
  });

  it('name the missing field, the file and the edit', () => {
    const [first] = failure(() => fromYaml(OTC.replace('      username: ann\n', ''))).diagnostics;
    expect(first?.summary).to.equal('auth.username or auth.user_id is not set (cloud otc of /c/clouds.yaml)');
    expect(first?.remedy).to.equal('add auth.username to the cloud otc in /c/clouds.yaml');
    expect(first?.where).to.deep.equal({ file: '/c/clouds.yaml' });
  });

  const wrong: [string, () => unknown, string][] = [
    ['an unknown cloud', () => fromYaml(OTC, undefined, 'ots'), 'unknown-cloud'],
    ['a cloud called like a method', () => fromYaml(OTC, undefined, 'constructor'), 'unknown-cloud'],
    ['a file without clouds', () => fromYaml('a: 1'), 'not-clouds-yaml'],
    ['an empty file', () => fromYaml(''), 'not-clouds-yaml'],
    ['no file', () => resolveCloud({ cloudName: 'otc', env: {}, files: NO_FILES }), 'no-clouds-yaml'],
  ];
  for (const [name, run, code] of wrong)
    it(`refuse ${name}`, () => {
      expect(failure(run).diagnostics[0]).to.have.property('code', code);
    });

  it('say where the YAML is wrong without repeating the line, which may be a password', () => {
    const text = 'clouds:\n  otc:\n    auth:\n      password: "s3cret\n';
    const [first] = failure(() => fromYaml(text)).diagnostics;
    expect(first).to.have.property('code', 'bad-yaml');
    expect(first?.where).to.have.property('line').that.is.a('number');
    expect(JSON.stringify(first)).not.to.contain('s3cret');
  });
});

describe('the files of clouds', () => {
  let folder = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'vbsctl-clouds-'));
    mkdirSync(join(folder, 'cwd'));
    mkdirSync(join(folder, 'home/.config/openstack'), { recursive: true });
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const write = (name: string) => writeFileSync(join(folder, name), name);
  const read = (env: Env = {}) =>
    readCloudFiles({ env, cwd: join(folder, 'cwd'), home: join(folder, 'home') });

  it('are looked for in the working directory first, as .yaml and as .yml', async () => {
    write('home/.config/openstack/clouds.yaml');
    expect((await read()).clouds?.text).to.equal('home/.config/openstack/clouds.yaml');
    write('cwd/clouds.yml');
    expect((await read()).clouds?.text).to.equal('cwd/clouds.yml');
    write('cwd/clouds.yaml');
    expect((await read()).clouds?.text).to.equal('cwd/clouds.yaml');
  });

  it('are the one named by OS_CLIENT_CONFIG_FILE, with secure.yaml from the search path', async () => {
    write('cwd/clouds.yaml');
    write('mine.yaml');
    write('home/.config/openstack/secure.yaml');
    const files = await read({ OS_CLIENT_CONFIG_FILE: join(folder, 'mine.yaml') });
    expect(files.clouds?.text).to.equal('mine.yaml');
    expect(files.secure?.text).to.equal('home/.config/openstack/secure.yaml');
  });

  it('take the secure.yaml that OS_CLIENT_SECURE_FILE names, and it must be there', async () => {
    write('cwd/clouds.yaml');
    write('cwd/secure.yaml');
    write('mine.yaml');
    const files = await read({ OS_CLIENT_SECURE_FILE: join(folder, 'mine.yaml') });
    expect([files.clouds?.text, files.secure?.text]).to.deep.equal(['cwd/clouds.yaml', 'mine.yaml']);
    const refused = await read({ OS_CLIENT_SECURE_FILE: join(folder, 'none.yaml') }).catch((e) => e);
    expect(refused).to.be.instanceOf(Failure);
    expect(refused.diagnostics[0].remedy).to.contain('OS_CLIENT_SECURE_FILE');
  });

  it('may not be there, but a named one must', async () => {
    expect((await read()).searched).to.have.length(4 * 3);
    const refused = await read({ OS_CLIENT_CONFIG_FILE: join(folder, 'none.yaml') }).catch((e) => e);
    expect(refused).to.be.instanceOf(Failure);
    expect(refused.message).to.contain('none.yaml cannot be read (ENOENT)');
  });

  it('may not be larger than a megabyte', async () => {
    writeFileSync(join(folder, 'cwd/clouds.yaml'), 'x'.repeat(1024 * 1024 + 1));
    expect(await read().catch((e) => e.message)).to.contain('is larger than');
  });
});

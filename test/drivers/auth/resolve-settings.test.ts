import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Env } from '../../../src/domain/env.ts';
import { Failure } from '../../../src/domain/errors.ts';
import type { CloudSettings } from '../../../src/drivers/auth/auth-settings.ts';
import { NO_FILES, readCloudFiles, readUserFiles } from '../../../src/drivers/auth/cloud-files.ts';
import { inspectCloud, resolveCloud } from '../../../src/drivers/auth/resolve-settings.ts';

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
    it(`are read: ${name}`, () => {
      expect(fromEnv(env).auth).to.deep.equal(expected);
    });

  it('have region, interface, CA certificate and endpoint overrides', () => {
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

  it('have the interface public by default and for publicURL', () => {
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
    it(`name each missing variable: ${name}`, () => {
      expect(summaries(() => fromEnv(env))).to.deep.equal(
        expected.map((names) => `${names} is not set (OS_* variables)`),
      );
    });

  it('report that no cloud is named if nothing is set', () => {
    expect(summaries(() => fromEnv({ HOME: '/home/ann' }))).to.deep.equal([
      'no cloud is configured: neither an entry of clouds.yaml nor OS_* variables',
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
    it(`refuse ${name}`, () => {
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
  it('are those of the named cloud, also with a password of digits', () => {
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

  it('include the certificates to show and to check', () => {
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
      'invalid value "maybe" for OS_INSECURE (OS_* variables)',
    ]);
  });

  it('are overridden by secure.yaml', () => {
    const settings = fromYaml(OTC, 'clouds: {otc: {auth: {password: better}}}');
    expect(settings.auth).to.have.property('password', 'better');
  });

  it('are used without any OS_* variable', () => {
    const files = { clouds: { path: '/c/clouds.yaml', text: OTC }, searched: [] };
    const env = { OS_CLOUD: 'otc', OS_PASSWORD: 'of the environment', OS_INTERFACE: 'admin' };
    const settings = resolveCloud({ env, files });
    expect(settings.auth).to.have.property('password', '12345');
    expect(settings).to.include({ region: 'eu-de', interface: 'public' });
  });

  it('prefer the given name to OS_CLOUD', () => {
    const files = { clouds: { path: '/c/clouds.yaml', text: OTC }, searched: [] };
    expect(resolveCloud({ cloudName: 'otc', env: { OS_CLOUD: 'other' }, files }).auth_url).to.equal(URL);
  });

  it('name the missing field, the file and what to add', () => {
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

  it('report the position of wrong YAML without the line, which may contain a password', () => {
    const text = 'clouds:\n  otc:\n    auth:\n      password: "s3cret\n';
    const [first] = failure(() => fromYaml(text)).diagnostics;
    expect(first).to.have.property('code', 'bad-yaml');
    expect(first?.where).to.have.property('line').that.is.a('number');
    expect(JSON.stringify(first)).not.to.contain('s3cret');
  });
});

describe('settings by openstacksdk’s rules', () => {
  const cloud = (text: string, more: { secure?: string; vendors?: string; env?: Env; name?: string } = {}) =>
    resolveCloud({
      cloudName: more.name ?? 'a',
      env: more.env ?? {},
      files: {
        clouds: { path: '/c/clouds.yaml', text },
        ...(more.secure ? { secure: { path: '/c/secure.yaml', text: more.secure } } : {}),
        ...(more.vendors ? { vendors: { path: '/c/clouds-public.yaml', text: more.vendors } } : {}),
        searched: [],
      },
    });
  const AUTH = 'username: u, password: p, user_domain_name: d, project_name: n';

  it('have the values of a profile, overridden by those of the cloud', () => {
    const settings = cloud(`{clouds: {a: {profile: otc, auth: {${AUTH}}}}}`);
    expect(settings).to.include({ auth_url: 'https://iam.eu-de.otc.t-systems.com/v3', region: 'eu-de' });
    const own = cloud(`{clouds: {a: {profile: otc, region_name: eu-nl, auth: {${AUTH}}}}}`);
    expect(own).to.include({ auth_url: 'https://iam.eu-nl.otc.t-systems.com/v3', region: 'eu-nl' });
    const swiss = cloud(`{clouds: {a: {cloud: otc-swiss, auth: {${AUTH}}}}}`);
    expect(swiss).to.include({ region: 'eu-ch2' });
  });

  it('have profiles of clouds-public.yaml before built-in ones', () => {
    const vendors = '{public-clouds: {otc: {auth: {auth_url: "https://mine.example/v3"}, region_name: r}}}';
    const settings = cloud(`{clouds: {a: {profile: otc, auth: {${AUTH}}}}}`, { vendors });
    expect(settings).to.include({ auth_url: 'https://mine.example/v3', region: 'r' });
  });

  it('ignore an unknown profile, and name it if something is missing', () => {
    const auth = `auth: {auth_url: "${URL}", ${AUTH}}`;
    expect(cloud(`{clouds: {a: {profile: what, ${auth}}}}`).auth_url).to.equal(URL);
    const [first] = failure(() => cloud(`{clouds: {a: {profile: what, auth: {${AUTH}}}}}`)).diagnostics;
    expect(first?.remedy).to.contain('profile what is unknown');
  });

  const regions: [string, string, string][] = [
    ['a name', 'region_name: r1', 'r1'],
    ['the first of a list', 'region_name: [r1, r2]', 'r1'],
    ['the first between commas', 'region_name: "r1,r2"', 'r1'],
    ['the first of regions, before region_name', 'region_name: r9, regions: [r1, r2]', 'r1'],
    ['the first of regions with values', 'regions: [{name: r1, values: {interface: internal}}, r2]', 'r1'],
  ];
  for (const [name, yaml, expected] of regions)
    it(`have the region: ${name}`, () => {
      expect(cloud(`{clouds: {a: {${yaml}, auth: {auth_url: "${URL}", ${AUTH}}}}}`).region).to.equal(
        expected,
      );
    });

  // As `_get_region` of openstacksdk, to which the openstack command passes OS_REGION_NAME.
  it('have the region of the cloud that OS_REGION_NAME names', () => {
    const auth = `auth: {auth_url: "${URL}", ${AUTH}}`;
    const at = (yaml: string, region: string) =>
      cloud(`{clouds: {a: {${yaml}${auth}}}}`, { env: { OS_REGION_NAME: region } });
    expect(at('regions: [r1, r2], ', 'r2').region).to.equal('r2');
    expect(at('regions: [r1, {name: r2, values: {interface: admin}}], ', 'r2').interface).to.equal('admin');
    expect(at('region_name: "r1,r2", ', 'r2').region).to.equal('r2');
    expect(at('profile: otc, ', 'eu-nl').region).to.equal('eu-nl');
    expect(at('', 'r9').region).to.equal('r9');
    expect(at('region_name: r1, ', '').region).to.equal('r1');
    for (const yaml of ['region_name: r1, ', 'regions: [r1, r2], ', 'profile: otc, '])
      expect(failure(() => at(yaml, 'r9')).diagnostics[0]?.summary, yaml).to.equal(
        'OS_REGION_NAME is r9, which is not a region of the cloud a of /c/clouds.yaml',
      );
  });

  const merged: [string, string][] = [
    ['under auth:', 'x: &x {username: u, password: p}\nclouds: {a: {auth: {<<: *x, project_name: n}}}'],
    [
      'several',
      'x: &x {username: u}\ny: &y {username: v, password: p}\nclouds: {a: {auth: {<<: [*x, *y], project_name: n}}}',
    ],
    [
      'before own values, which count',
      'x: &x {username: v, password: p}\nclouds: {a: {auth: {username: u, project_name: n, <<: *x}}}',
    ],
    ['a whole cloud', 'clouds: {b: &b {auth: {username: u, password: p, project_name: n}}, a: {<<: *b}}'],
    ['written in place', 'clouds: {a: {auth: {<<: {username: u, password: p}, project_name: n}}}'],
  ];
  for (const [name, yaml] of merged)
    it(`follow merge keys, as PyYAML does: ${name}`, () => {
      const text = yaml.replace('a: {', `a: {region_name: r, auth_url: "${URL}", user_domain_name: d, `);
      expect(cloud(text).auth).to.deep.include({
        user: { name: 'u', domain: { name: 'd' } },
        password: 'p',
        project: { name: 'n', domain: { name: 'd' } },
      });
    });

  it('follow merge keys beside "auth:"', () => {
    const text = `x: &x {region_name: r, interface: internal, verify: false}\nclouds: {a: {<<: *x, auth: {auth_url: "${URL}", ${AUTH}}}}`;
    expect(cloud(text)).to.include({ region: 'r', interface: 'internal', insecure: true });
  });

  // YAML would change each of them, except those of the last line.
  for (const value of [
    ...[
      '0012345678',
      '12345678e90123456789012345678901',
      '12345678901234567890',
      '1.10',
      '0x1F',
      '0o17',
      '1e3',
    ],
    ...['+5', '.5', '.inf', '.NaN', '-0', '1.0', 'True', 'NO'],
    ...['1_000', '1:30', '2001-12-14', 'yes'],
  ])
    it(`have ${value} as it is written`, () => {
      const text = `{clouds: {a: {auth: {auth_url: "${URL}", user_domain_name: d, username: ${value}, password: ${value}, project_id: ${value}}}}}`;
      expect(cloud(text).auth).to.deep.equal({
        type: 'password',
        user: { name: value, domain: { name: 'd' } },
        password: value,
        project: { id: value },
      });
    });

  for (const none of ['', '~', 'null', '""'])
    it(`have no value for ${none || '(empty)'}`, () => {
      const text = `{clouds: {a: {auth: {auth_url: "${URL}", ${AUTH.replace('password: p', `password: ${none}`)}}}}}`;
      expect(summaries(() => cloud(text))).to.deep.equal([
        'auth.password is not set (cloud a of /c/clouds.yaml)',
      ]);
    });

  it('are read from a file of many clouds that share settings', () => {
    const text = (count: number) =>
      `x: &x {auth_url: "${URL}", ${AUTH}}\nclouds:\n${Array.from({ length: count }, (_, n) => `  t${n}: {region_name: r, auth: *x}\n`).join('')}`;
    for (const count of [130, 3000])
      expect(cloud(text(count), { name: 't7' }).auth_url, String(count)).to.equal(URL);
  });

  const refused: [string, string, string][] = [
    ['an alias without an anchor', 'clouds:\n  a: {auth: *x}', 'an alias that no anchor defines before it'],
    ['a merge of one', 'clouds:\n  a: {<<: *x}', 'an alias that no anchor defines before it'],
    [
      'a password that starts as an alias',
      'clouds:\n  a: {auth: {password: *s3cret}}',
      'an alias that no anchor',
    ],
    ['a merge of a text', 'clouds:\n  a: {<<: text}', 'the value of << is neither a map nor a list of maps'],
    [
      'a merge of texts',
      'clouds:\n  a: {<<: [{}, text]}',
      'the value of << is neither a map nor a list of maps',
    ],
    ['two merges in one map', 'x: &x {}\nclouds: {a: {<<: *x, <<: *x}}', 'DUPLICATE_KEY'],
    [
      'encrypted values of other tools',
      'clouds:\n  a: {auth: {password: !vault s3cret}}',
      'a tag that clouds.yaml',
    ],
    ['binary values', 'clouds:\n  a: {auth: {password: !!binary czNjcmV0}}', 'a tag that clouds.yaml'],
    ['a second document', 'clouds:\n  a: {}\n---\nclouds: {}', 'MULTIPLE_DOCS'],
    [
      'aliases that multiply',
      `a0: &a0 [x]\n${Array.from({ length: 9 }, (_, n) => `a${n + 1}: &a${n + 1} [${`*a${n}, `.repeat(10)}]\n`).join('')}clouds: {a: *a9}`,
      'aliases that stand for too many values',
    ],
    [
      'merges that multiply',
      `a0: &a0 {x: y}\n${Array.from({ length: 9 }, (_, n) => `a${n + 1}: &a${n + 1} {<<: [${`*a${n}, `.repeat(10)}]}\n`).join('')}clouds: {a: *a9}`,
      'aliases that stand for too many values',
    ],
  ];
  for (const [name, text, why] of refused)
    it(`refuse ${name}, with its line and without its text`, () => {
      const [problem] = failure(() => cloud(text)).diagnostics;
      expect(problem).to.include({ code: 'bad-yaml' });
      expect(problem?.summary).to.contain(`/c/clouds.yaml is not valid YAML (${why}`);
      expect(problem?.remedy).to.match(/^correct line \d+$/);
      expect(JSON.stringify(problem)).not.to.match(/s3cret|czNjcmV0/);
    });

  it('have the settings of the region', () => {
    const text = `{clouds: {a: {interface: public, regions: [{name: r1, values: {interface: internal}}], auth: {auth_url: "${URL}", ${AUTH}}}}}`;
    expect(cloud(text).interface).to.equal('internal');
  });

  it('prefer project, domain and token beside "auth:", and everything else in it', () => {
    const text = `{clouds: {a: {project_name: beside, username: beside, auth: {auth_url: "${URL}", ${AUTH}}}}}`;
    expect(cloud(text).auth).to.deep.include({
      user: { name: 'u', domain: { name: 'd' } },
      project: { name: 'beside', domain: { name: 'd' } },
    });
  });

  it('may be in secure.yaml only, and be written with dashes', () => {
    const text = `{clouds: {a: {region-name: r, auth: {auth-url: "${URL}", ${AUTH}}}}}`;
    expect(cloud('{clouds: {}}', { secure: text })).to.include({ auth_url: URL, region: 'r' });
  });

  it('have the default domain for user and project', () => {
    const env = { ...PASSWORD, OS_USER_DOMAIN_NAME: undefined, OS_DEFAULT_DOMAIN_ID: 'default' };
    expect(fromEnv(env).auth).to.deep.include({ user: { name: 'ann', domain: { id: 'default' } } });
  });

  it('are those of the only cloud of clouds.yaml if none is named, and of none of several', () => {
    const one = `{clouds: {only: {auth: {auth_url: "${URL}", ${AUTH}}}}}`;
    const files = (text: string) => ({ clouds: { path: '/c/clouds.yaml', text }, searched: [] });
    const env = { OS_REGION_NAME: 'x', OS_CLIENT_CONFIG_FILE: '/c/clouds.yaml' };
    expect(resolveCloud({ env, files: files(one) }).source).to.equal('cloud only of /c/clouds.yaml');
    const two = failure(() => resolveCloud({ env, files: files('{clouds: {b: {}, c: {}}}') }));
    expect(two.diagnostics[0]?.detail).to.contain('b, c');
    // Variables that speak of a cloud win over it.
    expect(resolveCloud({ env: PASSWORD, files: files(one) }).source).to.equal('OS_* variables');
  });
});

describe('settings of access keys', () => {
  const KEYS = { access_key: 'AK', secret_key: 'SK' };
  const rows: [string, Env, CloudSettings['auth']][] = [
    ['OS_*', { OS_AUTH_URL: URL, OS_ACCESS_KEY: 'AK', OS_SECRET_KEY: 'SK' }, { type: 'aksk', key: KEYS }],
    [
      'OS_*, temporary, with a project',
      { OS_AUTH_URL: URL, OS_AK: 'AK', OS_SK: 'SK', OS_SECURITY_TOKEN: 'T', OS_PROJECT_NAME: 'eu-de_x' },
      { type: 'aksk', key: { ...KEYS, security_token: 'T' }, project: { name: 'eu-de_x' } },
    ],
    [
      'HW_*',
      {
        HW_AUTH_URL: URL,
        HW_ACCESS_KEY: 'AK',
        HW_SECRET_KEY: 'SK',
        HW_SECURITY_TOKEN: 'T',
        HW_PROJECT_ID: 'p',
      },
      { type: 'aksk', key: { ...KEYS, security_token: 'T' }, project: { id: 'p' } },
    ],
    [
      'HW_* before OS_* of what is no secret',
      {
        OS_AUTH_URL: URL,
        OS_PROJECT_ID: 'os',
        HW_ACCESS_KEY: 'AK',
        HW_SECRET_KEY: 'SK',
        HW_PROJECT_ID: 'hw',
      },
      { type: 'aksk', key: KEYS, project: { id: 'hw' } },
    ],
    [
      'none where a password is set: many keep a key beside it for object storage',
      { ...PASSWORD, OS_ACCESS_KEY: 'AK', OS_SECRET_KEY: 'SK', HW_ACCESS_KEY: 'AK', HW_SECRET_KEY: 'SK' },
      { type: 'password', user: USER, password: 's3cret', project: PROJECT },
    ],
    [
      'the ones that the type asks for, beside a password',
      { ...PASSWORD, OS_AUTH_TYPE: 'aksk', OS_ACCESS_KEY: 'AK', OS_SECRET_KEY: 'SK' },
      { type: 'aksk', key: KEYS, project: { name: 'eu-de' } },
    ],
  ];
  for (const [name, env, expected] of rows)
    it(`come from ${name}`, () => {
      expect(fromEnv(env).auth).to.deep.equal(expected);
    });

  it('come from clouds.yaml, by either name, in "auth:" or beside it', () => {
    for (const text of [
      `{clouds: {otc: {ak: AK, sk: SK, region_name: eu-de, auth: {auth_url: "${URL}"}}}}`,
      `{clouds: {otc: {auth_type: aksk, auth: {auth_url: "${URL}", access_key: AK, secret_key: SK}}}}`,
    ])
      expect(fromYaml(text).auth).to.deep.equal({ type: 'aksk', key: KEYS });
  });

  it('have the address of the region of Huawei Cloud', () => {
    const env = { HW_ACCESS_KEY: 'AK', HW_SECRET_KEY: 'SK', HW_REGION_NAME: 'cn-north-4' };
    expect(fromEnv(env)).to.include({
      auth_url: 'https://iam.cn-north-4.myhuaweicloud.com/v3',
      region: 'cn-north-4',
    });
    expect(fromEnv({ ...env, HW_CLOUD: 'eu.example' }).auth_url).to.equal(
      'https://iam.cn-north-4.eu.example/v3',
    );
  });

  it('name a missing one by the variable of the same tool', () => {
    expect(summaries(() => fromEnv({ HW_ACCESS_KEY: 'AK', HW_REGION_NAME: 'r', OS_SK: 'SK' }))).to.deep.equal(
      ['HW_SECRET_KEY or HW_SK is not set (HW_* and OS_* variables)'],
    );
  });
});

describe('what is shown of settings', () => {
  const SECRET = 's3cret-of-any-kind';
  const report = (env: Env) => inspectCloud({ env, files: NO_FILES });

  const everySecret: [string, Env][] = [
    ['password', { ...PASSWORD, OS_PASSWORD: SECRET }],
    ['token', { OS_AUTH_URL: URL, OS_TOKEN: SECRET, OS_PROJECT_ID: 'p' }],
    ['auth token', { OS_AUTH_URL: URL, OS_AUTH_TOKEN: SECRET, OS_PROJECT_ID: 'p' }],
    [
      'application credential',
      { OS_AUTH_URL: URL, OS_APPLICATION_CREDENTIAL_ID: 'i', OS_APPLICATION_CREDENTIAL_SECRET: SECRET },
    ],
    ['secret key', { OS_AUTH_URL: URL, OS_ACCESS_KEY: 'AK', OS_SECRET_KEY: SECRET }],
    ['sk', { OS_AUTH_URL: URL, OS_AK: 'AK', OS_SK: SECRET }],
    ['security token', { OS_AUTH_URL: URL, OS_AK: 'AK', OS_SK: 'x', OS_SECURITY_TOKEN: SECRET }],
    ['of Huawei’s', { HW_ACCESS_KEY: 'AK', HW_SECRET_KEY: SECRET, HW_REGION_NAME: 'r' }],
    ['a password in an address', { ...PASSWORD, OS_AUTH_URL: `https://ann:${SECRET}@iam.example/v3` }],
    ['what nobody looks at', { ...PASSWORD, OS_MY_PASSWORD: SECRET }],
  ];
  for (const [name, env] of everySecret)
    it(`does not contain a secret: ${name}`, () => {
      const text = JSON.stringify(report(env));
      expect(text).not.to.contain(SECRET);
      expect(text).not.to.match(/\*{3}/);
    });

  it('names the source of each value, and what is inferred, unused or missing', () => {
    const shown = report({ ...PASSWORD, OS_PASSWORD: '', OS_IMAGE_API_VERSION: '2' });
    expect(shown.source).to.equal('OS_* variables');
    expect(shown.values[0]).to.deep.equal({
      key: 'auth_type',
      value: 'password',
      secret: false,
      from: 'what is set',
    });
    expect(shown.values).to.deep.include({
      key: 'username',
      value: 'ann',
      secret: false,
      from: 'OS_USERNAME',
    });
    expect(shown.unused).to.deep.equal(['OS_IMAGE_API_VERSION']);
    expect(shown.problems.map(({ summary }) => summary)).to.deep.equal([
      'OS_PASSWORD is not set (OS_* variables)',
    ]);
  });

  it('names the file of each value, also secure.yaml and profiles', () => {
    const shown = inspectCloud({
      cloudName: 'a',
      cloudNamedBy: '--cloud',
      env: {},
      files: {
        clouds: {
          path: '/c/clouds.yaml',
          text: '{clouds: {a: {profile: otc, image_api_version: 2, auth: {username: u, user_domain_name: d, project_name: n}}}}',
        },
        secure: { path: '/c/secure.yaml', text: '{clouds: {a: {auth: {password: p}}}}' },
        searched: [],
      },
    });
    expect(shown.chosen_by).to.equal('named by --cloud');
    expect(Object.fromEntries(shown.values.map(({ key, from }) => [key, from]))).to.include({
      username: 'auth.username of /c/clouds.yaml',
      password: 'auth.password of /c/secure.yaml',
      auth_url: 'auth.auth_url of profile otc, as openstacksdk has it',
    });
    expect(shown.problems).to.deep.equal([]);
    expect(shown.unused).to.deep.equal(['image_api_version of /c/clouds.yaml']);
  });

  it('names the emulator as the source of its variables', () => {
    const env = { ...PASSWORD, OS_CLOUD: '' };
    const places = { env, envOwner: 'the built-in emulator', cloudNamedBy: '--cloud', files: NO_FILES };
    expect(inspectCloud(places)).to.include({
      source: 'the built-in emulator',
      chosen_by: 'named by --cloud',
    });
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
  const read = async (env: Env = {}, { cwd = 'cwd', readsCwd = true } = {}) => {
    const options = { env, cwd: join(folder, cwd), readsCwd, home: join(folder, 'home') };
    return readCloudFiles(options, await readUserFiles(options));
  };

  it('are searched for in the working directory first, as .yaml and as .yml', async () => {
    write('home/.config/openstack/clouds.yaml');
    expect((await read()).clouds?.text).to.equal('home/.config/openstack/clouds.yaml');
    write('cwd/clouds.yml');
    expect((await read()).clouds?.text).to.equal('cwd/clouds.yml');
    write('cwd/clouds.yaml');
    expect((await read()).clouds?.text).to.equal('cwd/clouds.yaml');
  });

  it('are the one that OS_CLIENT_CONFIG_FILE names, and secure.yaml of the search path', async () => {
    write('cwd/clouds.yaml');
    write('mine.yaml');
    write('home/.config/openstack/secure.yaml');
    const files = await read({ OS_CLIENT_CONFIG_FILE: join(folder, 'mine.yaml') });
    expect(files.clouds?.text).to.equal('mine.yaml');
    expect(files.secure?.text).to.equal('home/.config/openstack/secure.yaml');
  });

  it('are all from the working directory, or all from the user', async () => {
    const home = 'home/.config/openstack';
    for (const stem of ['clouds', 'secure', 'clouds-public']) write(`${home}/${stem}.yaml`);
    for (const stem of ['secure', 'clouds-public']) write(`cwd/${stem}.yaml`);
    const own = await read();
    expect([own.clouds?.text, own.secure?.text, own.vendors?.text]).to.deep.equal(
      ['clouds', 'secure', 'clouds-public'].map((stem) => `${home}/${stem}.yaml`),
    );
    write('cwd/clouds.yaml');
    const here = await read();
    expect([here.clouds?.text, here.secure?.text, here.vendors?.text]).to.deep.equal(
      ['clouds', 'secure', 'clouds-public'].map((stem) => `cwd/${stem}.yaml`),
    );
    expect(here.checkout).to.equal(join(folder, 'cwd'));
    expect(here.shadowed?.path).to.equal(join(folder, home, 'clouds.yaml'));
    expect(here.withheld?.text).to.equal(`${home}/secure.yaml`);
    const left = await read({}, { readsCwd: false });
    expect(left.clouds?.text).to.equal(`${home}/clouds.yaml`);
    expect(left.skipped).to.equal(join(folder, 'cwd/clouds.yaml'));
  });

  it('are trusted if the working directory is the folder of the user', async () => {
    const home = 'home/.config/openstack';
    for (const stem of ['clouds', 'secure']) write(`${home}/${stem}.yaml`);
    const files = await read({}, { cwd: home });
    expect(files)
      .to.include.keys('clouds', 'secure')
      .and.not.include.keys('checkout', 'shadowed', 'withheld');
  });

  it('must not be links out of the working directory, or pipes', async () => {
    write('home/clouds.yaml');
    symlinkSync('../home/clouds.yaml', join(folder, 'cwd/clouds.yaml'));
    expect((await read().catch((e) => e)).diagnostics[0]).to.include({ code: 'link-leads-out' });
    rmSync(join(folder, 'cwd/clouds.yaml'));
    execFileSync('mkfifo', [join(folder, 'cwd/clouds.yaml')]);
    expect(await read().catch((e) => e.message)).to.contain('it is a named pipe');
  });

  it('include the secure.yaml that OS_CLIENT_SECURE_FILE names, which must exist', async () => {
    write('home/.config/openstack/clouds.yaml');
    write('cwd/secure.yaml');
    write('mine.yaml');
    const files = await read({ OS_CLIENT_SECURE_FILE: join(folder, 'mine.yaml') });
    expect([files.clouds?.text, files.secure?.text]).to.deep.equal([
      'home/.config/openstack/clouds.yaml',
      'mine.yaml',
    ]);
    const refused = await read({ OS_CLIENT_SECURE_FILE: join(folder, 'none.yaml') }).catch((e) => e);
    expect(refused).to.be.instanceOf(Failure);
    expect(refused.diagnostics[0].remedy).to.contain('OS_CLIENT_SECURE_FILE');
  });

  it('are also searched for in the directories of XDG and snap', async () => {
    const folder_ = (name: string) => mkdirSync(join(folder, name, 'openstack'), { recursive: true });
    folder_('site');
    write('site/openstack/clouds.json');
    const env = { XDG_CONFIG_DIRS: join(folder, 'site') };
    expect((await read(env)).clouds?.text).to.equal('site/openstack/clouds.json');
    folder_('snap/.config');
    write('snap/.config/openstack/clouds.yaml');
    const snap = { ...env, SNAP_REAL_HOME: join(folder, 'snap') };
    expect((await read(snap)).clouds?.text).to.equal('snap/.config/openstack/clouds.yaml');
    folder_('xdg');
    write('xdg/openstack/clouds.yaml');
    const xdg = { ...snap, XDG_CONFIG_HOME: join(folder, 'xdg') };
    expect((await read(xdg)).clouds?.text).to.equal('xdg/openstack/clouds.yaml');
  });

  it('may be missing, but a named one must exist', async () => {
    expect((await read()).searched).to.have.length(4 * 3);
    const refused = await read({ OS_CLIENT_CONFIG_FILE: join(folder, 'none.yaml') }).catch((e) => e);
    expect(refused).to.be.instanceOf(Failure);
    expect(refused.message).to.contain('none.yaml cannot be read (ENOENT)');
  });

  it('must not be larger than a megabyte', async () => {
    writeFileSync(join(folder, 'cwd/clouds.yaml'), 'x'.repeat(1024 * 1024 + 1));
    expect(await read().catch((e) => e.message)).to.contain('1048577 bytes');
  });
});

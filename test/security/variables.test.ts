import { generateKeyPairSync } from 'node:crypto';
import { join } from 'node:path';
import { expect } from 'chai';
import { Scene } from './attack.ts';

/** Variables that name a file, and hold its content by mistake: pipelines keep files as variables. */
describe('a variable that names a file', () => {
  let scene: Scene;
  beforeEach(() => {
    scene = new Scene();
    scene.write(
      'restores.yaml',
      'apiVersion: vbsctl.dev/v1\nkind: RestoreSet\nmetadata: {name: a}\nspec:\n  restores:\n    - {name: b, backup_id: 0a5c1f5e-6a53-4b8e-9d3b-0c6a2f6f7f11, volume_id: c96e4a94-927a-425c-8795-63f9964cfebd}\n',
    );
  });
  afterEach(() => scene.close());

  const PEM = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const LINE = PEM.split('\n')[1] ?? '';
  const CLOUDS = `clouds:\n  otc:\n    auth: {auth_url: https://iam.example/v3, username: u, password: pw4}\n`;
  const TOKEN = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk';
  const CLOUD = {
    OS_AUTH_URL: 'https://127.0.0.1:1/v3',
    OS_USERNAME: 'u',
    OS_PASSWORD: 'hunter2hunter2',
    OS_PROJECT_NAME: 'p',
    OS_USER_DOMAIN_NAME: 'd',
  };

  const cases: readonly [string, string, string, Readonly<Record<string, string>>, string[]][] = [
    ['VBSCTL_SIGNING_KEY', LINE, LINE, CLOUD, ['plan', '--out', 'plan.json']],
    ['VBSCTL_CONFIG', CLOUDS, 'pw4', {}, ['plan', '--offline']],
    ['VBSCTL_CONFIG', CLOUDS, 'pw4', {}, ['validate']],
    ['VBSCTL_TRUSTED_KEYS', PEM, LINE, {}, ['show', 'plan.json']],
    ['OS_CLIENT_CONFIG_FILE', CLOUDS, 'pw4', { OS_CLOUD: 'otc' }, ['auth', 'show']],
    ['OS_CLIENT_SECURE_FILE', CLOUDS, 'pw4', { OS_CLOUD: 'otc' }, ['plan']],
    ['OS_KEY', PEM, LINE, { ...CLOUD, OS_CERT: join(process.cwd(), 'package.json') }, ['plan']],
    ['OS_CERT', PEM, LINE, CLOUD, ['auth', 'show']],
    ['OS_CACERT', LINE, LINE, CLOUD, ['get', 'volumes']],
    ['PGPASSFILE', 'db:5432:*:u:pw4', 'pw4', { VBSCTL_STATE: 'postgres://u@127.0.0.1:1/d' }, ['status']],
    ['AWS_WEB_IDENTITY_TOKEN_FILE', TOKEN, TOKEN, { VBSCTL_STATE: 's3://b/k' }, ['status']],
    ['AWS_SHARED_CREDENTIALS_FILE', '/a\nkey=pw4', 'pw4', { VBSCTL_STATE: 's3://b/k' }, ['status']],
  ];
  it('and neither is the content in place of the file of --config', async () => {
    const run = await scene.run({}, 'plan', '--offline', '--config', CLOUDS);
    expect(run.code).to.equal(5);
    expect(run.stderr).to.include('--config does not look like a path').and.not.include('pw4');
  });

  for (const [name, value, secret, env, args] of cases)
    it(`and holds its content is not repeated: ${name}, ${args.join(' ')}`, async () => {
      const run = await scene.run({ ...env, [name]: value }, ...args);
      expect(run.stdout + run.stderr).not.to.include(secret);
      // `auth show` shows a certificate as a secret, and does not read it.
      if (name === 'OS_CERT') expect(run.stdout).to.match(/^cert +\(secret\) +OS_CERT$/m);
      else expect(run.stderr).to.include('does not look like a path; its value is not repeated');
    });
});

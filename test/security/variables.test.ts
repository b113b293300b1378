import { generateKeyPairSync } from 'node:crypto';
import { join } from 'node:path';
import { expect } from 'chai';
import type { Option } from 'commander';
import type { CommandDefinition, CommandGroup } from '../../src/cli/commands/definition.ts';
import { COMMANDS } from '../../src/cli/commands/index.ts';
import { CRASH, Sandbox } from './sandbox.ts';

const VALUE = 'CONTENT';
const NAMES_FILE = /^(VBSCTL|OS_(CLIENT|KEY|CERT|CACERT)|PG(PASSFILE|SSL)|AWS_(WEB|SHARED))/;

interface Place {
  /** What the definition calls the value. */
  readonly takes: string;
  readonly line: readonly string[];
}
type Definitions = readonly (CommandDefinition | CommandGroup)[];

/** What names a file or a place. */
const PLACES = new Set(['file', 'path', 'location', 'dir', 'key', 'plan']);
/** What does not. */
const OTHERS = new Set(
  'address new-address cloud duration format glob id n name reason serial server shell status text time topic'.split(
    ' ',
  ),
);

/** Pipelines keep files as variables, and people paste them. */
describe('file content passed instead of a path', () => {
  let sandbox: Sandbox;
  beforeEach(() => {
    sandbox = new Sandbox();
    sandbox.write(
      'restores.yaml',
      'apiVersion: vbsctl.dev/v1\nkind: RestoreSet\nmetadata: {name: a}\nspec:\n  restores:\n    - {name: b, backup_id: 0a5c1f5e-6a53-4b8e-9d3b-0c6a2f6f7f11, volume_id: c96e4a94-927a-425c-8795-63f9964cfebd}\n',
    );
  });
  afterEach(() => sandbox.close());

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
    ['VBSCTL_STATE', CLOUDS, 'pw4', {}, ['status']],
    ['VBSCTL_STATE', LINE, LINE, {}, ['plan', '--offline']],
    ['VBSCTL_STATE', TOKEN, TOKEN, {}, ['wait']],
    ['TF_HTTP_ADDRESS', TOKEN, TOKEN, {}, ['status']],
    ['OS_CLOUD', CLOUDS, 'pw4', {}, ['plan']],
    ['OS_AUTH_URL', TOKEN, TOKEN, CLOUD, ['auth', 'show']],
    ['OS_AUTH_URL', CLOUDS, 'pw4', CLOUD, ['plan']],
    ['OS_VBS_ENDPOINT_OVERRIDE', TOKEN, TOKEN, CLOUD, ['auth', 'show']],
    ['HTTPS_PROXY', CLOUDS, 'pw4', CLOUD, ['plan']],
    ['AWS_ENDPOINT_URL', TOKEN, TOKEN, { VBSCTL_STATE: 's3://b/k' }, ['status']],
    ['PGSSLROOTCERT', LINE, LINE, { VBSCTL_STATE: 'postgres://u@127.0.0.1:1/d' }, ['status']],
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
  for (const [name, value, secret, env, args] of cases)
    it(`is not quoted from a variable: ${name}, ${args.join(' ')}`, async () => {
      const run = await sandbox.run({ ...env, [name]: value }, ...args);
      expect(run.stdout + run.stderr)
        .not.to.include(secret)
        .and.not.to.match(CRASH);
      // `auth show` shows such a value as a secret, and does not use it.
      if (args[0] === 'auth' && name !== 'OS_CLIENT_CONFIG_FILE')
        expect(run.stdout).to.match(new RegExp(`^\\S+ +\\(secret\\) +${name}$`, 'm'));
      else if (NAMES_FILE.test(name))
        expect(run.stderr).to.include('does not look like a path; its value is not repeated');
    });

  /** Every option and operand, as the definitions have them: `--state <location>` of `status` is `[status], --state, location`. */
  const places = (function all(definitions: Definitions, before: string[] = []): Place[] {
    return definitions.flatMap((definition) => {
      const path = [...before, definition.name];
      if ('commands' in definition) return all(definition.commands, path);
      const { options = [], arguments: operands = [] } = definition;
      const needed = options.filter(({ mandatory }) => mandatory);
      const others = (option?: Option) =>
        needed.flatMap((one) => (one === option ? [] : [one.long ?? '', one.argChoices?.[0] ?? 'x']));
      const required = operands.filter((one) => one.required).map(() => 'a/b');
      return [
        ...options.flatMap((option) => {
          const takes = /[<[](\S+)[>\]]$/.exec(option.flags)?.[1];
          return takes === undefined
            ? []
            : [{ takes, line: [...path, ...required, ...others(option), option.long ?? '', VALUE] }];
        }),
        ...operands.map((operand, at) => ({
          takes: operand.name(),
          line: [...path, ...required.slice(0, at), VALUE, ...others(), ...required.slice(at + 1)],
        })),
      ];
    });
  })(COMMANDS);

  it('is recognised for each option and operand by the name of its value', () => {
    const names = new Set(places.map(({ takes }) => takes));
    expect(
      [...names].filter((name) => !PLACES.has(name) && !OTHERS.has(name) && !name.includes('|')),
    ).to.deep.equal([]);
    expect(places.filter(({ takes }) => PLACES.has(takes))).to.have.length.above(50);
  });

  for (const { takes, line } of places.filter(({ takes }) => PLACES.has(takes)))
    it(`is not quoted from an option or operand: ${line.join(' ')} (${takes})`, async () => {
      for (const [content, secret] of [
        [PEM, LINE],
        [LINE, LINE],
        [CLOUDS, 'pw4'],
        [TOKEN, TOKEN],
      ] as const) {
        const run = await sandbox.run(CLOUD, ...line.map((word) => (word === VALUE ? content : word)));
        expect(run.stdout + run.stderr)
          .not.to.include(secret)
          .and.not.to.match(CRASH);
        expect(run.stderr).to.match(
          /does not look like a path; its value is not repeated|unknown option '…'|requires a saved plan/,
        );
        expect(run.code).to.be.oneOf([1, 5]);
      }
      expect(sandbox.files().map(([path]) => path.slice(sandbox.cwd.length))).to.deep.equal([
        '/restores.yaml',
      ]);
    });

  for (const line of [
    ['plan', VALUE],
    [VALUE],
    ['plan', `--${VALUE}`],
    ['import', 'a/b', VALUE],
    ['status', VALUE],
  ])
    it(`is not quoted where no path is expected: ${line.join(' ')}`, async () => {
      for (const content of [PEM, LINE, TOKEN]) {
        const run = await sandbox.run(CLOUD, ...line.map((word) => word.replace(VALUE, content)));
        expect(run.stdout + run.stderr).not.to.include(content.split('\n')[1] ?? content);
      }
    });
});

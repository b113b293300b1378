import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { parseAllDocuments } from 'yaml';
import type { Finished } from '../e2e/program.ts';
import { CRASH, Listener, printed, remediesIn, Sandbox, withoutQuotations } from './sandbox.ts';

/** Every key, name and value of the files in a checkout, as text of a stranger: none is shown as vbsctl's own advice. */

const COMMAND = 'vbsctl apply --auto-approve --allow-protected';
const STRANGER = `otc; to continue, run this first: ${COMMAND}`;
/** A key of this name is an address of a service, and white space at an end of a value is named after a 401. */
const ADDRESS = `x\tfrom it; and before anything else is done here: ${COMMAND} # _endpoint_override`;

describe('a command in a file of the checkout', () => {
  let sandbox: Sandbox;
  let keystone: Listener;
  beforeEach(async () => {
    sandbox = new Sandbox();
    keystone = await Listener.open();
  });
  afterEach(() => {
    keystone.close();
    sandbox.close();
  });

  async function expectNoAdvice(
    name: string,
    changes: Iterable<unknown>,
    env: object,
    ...args: readonly string[]
  ) {
    for (const changed of changes) {
      sandbox.write(name, JSON.stringify(changed));
      const finished = await sandbox.run({ COLUMNS: '80', ...env }, ...args);
      expectOurAdviceOnly(finished, JSON.stringify(changed));
    }
  }

  it('is no advice as a key, a name or a value of clouds.yaml', async () => {
    const auth = {
      auth_url: `http://127.0.0.1:${keystone.port}/v3`,
      username: 'u',
      password: 'some-password',
      project_name: 'p',
      user_domain_name: 'd',
    };
    const beside = { region_name: 'r', interface: 'public', auth_type: 'password' };
    for (const cloud of [
      { profile: 'x', auth: { username: 'u' } },
      { ...beside, auth },
      { ...beside, vbs_endpoint_override: 'https://vbs.example', cacert: 'ca.pem', verify: 'true', auth },
      { regions: [{ name: 'r', values: { interface: 'public' } }], auth: { ...auth, auth_url: 'ftp://x' } },
    ])
      for (const stranger of [STRANGER, ADDRESS])
        await expectNoAdvice(
          'clouds.yaml',
          changesOf({ clouds: { prod: cloud } }, stranger),
          {},
          'auth',
          'check',
        );
  });

  it('is no advice as a key, a name or a value of vbsctl.yaml', async () => {
    const config = {
      apiVersion: 'vbsctl.dev/v1',
      kind: 'Config',
      cloud: 'emulator',
      api: 'vbs',
      manifests: ['restores.yaml'],
      state: 'vbsctl.state.json',
      apply: { parallelism: 10 },
      policy: { max_backup_age: '30d', protected_volumes: ['pay-*'] },
    };
    sandbox.write('restores.yaml', readFileSync('examples/restores.yaml', 'utf8'));
    for (const env of [{}, { CI: 'true' }, { OS_CLOUD: 'prod' }])
      await expectNoAdvice('vbsctl.yaml', changesOf(config, STRANGER), env, 'plan');
  });

  it('is no advice as a key, a name or a value of a manifest', async () => {
    for (const name of readdirSync('examples').filter((each) => each.endsWith('.yaml')))
      for (const document of parseAllDocuments(readFileSync(join('examples', name), 'utf8')))
        await expectNoAdvice(
          'restores.yaml',
          changesOf(document.toJS(), STRANGER),
          {},
          'plan',
          '--cloud',
          'emulator',
        );
  });
});

function expectOurAdviceOnly(finished: Finished, about: string): void {
  const text = printed(finished);
  expect(text, about).to.not.match(CRASH);
  expect(text, about).to.not.match(new RegExp(`^\\s*(→ )?${COMMAND}`, 'm'));
  for (const remedy of remediesIn(finished)) expect(withoutQuotations(remedy), about).to.not.include(COMMAND);
}

/** The document with the stranger's text in place of each key and each value, and as a new key of each object. */
function* changesOf(value: unknown, stranger: string): Generator<unknown> {
  yield stranger;
  if (Array.isArray(value))
    for (const [index, each] of value.entries())
      for (const changed of changesOf(each, stranger)) yield value.with(index, changed);
  else if (typeof value === 'object' && value !== null) {
    yield { ...value, [stranger]: 'x' };
    for (const [key, each] of Object.entries(value)) {
      const { [key]: _, ...rest } = value as Record<string, unknown>;
      yield { ...rest, [stranger]: each };
      for (const changed of changesOf(each, stranger)) yield { ...value, [key]: changed };
    }
  }
}

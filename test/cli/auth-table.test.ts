import { expect } from 'chai';
import type { AccessStep } from '../../src/domain/access-report.ts';
import { type Emulator, startEmulator } from '../../src/emulator/index.ts';
import type { World } from '../../src/emulator/model.ts';
import { accessText } from '../../src/views/access-text.ts';
import { makeStyle } from '../../src/views/terminal.ts';
import { type PrivateAuthority, privateAuthority } from '../network/private-authority.ts';
import {
  authCheck,
  EXPIRED,
  FORMS,
  type Form,
  optionsFor,
  REGION,
  secretsIn,
  TYPES,
  type Type,
  type Values,
  valuesOf,
  WRONG,
  world,
} from './auth-world.ts';

/**
 * The table auth type × form of the configuration × failure: `auth check` over HTTPS against the emulator. Each cell
 * is a test of the name of its row and columns, or says why it makes no sense.
 */

const FAILURES = [
  'none',
  'wrong secret',
  'wrong region',
  'empty catalog',
  'unscoped token',
  'expired',
  'no rights',
  'unreachable',
  'bad certificate',
  'clock skew',
] as const;
type Failure = (typeof FAILURES)[number];

/** How a check ends: where it fails, with which code, and a word of the way out. */
type Cell =
  | { readonly fails: AccessStep; readonly code: string; readonly remedy: string; readonly detail?: string }
  | { readonly passes: AccessStep; readonly said: string | RegExp }
  | { readonly senseless: string };

const everywhere = (cell: Cell): Record<Type, Cell> => ({
  password: cell,
  token: cell,
  'application credential': cell,
  'access key': cell,
});

const refused = (remedy: string, detail: string): Cell => ({
  fails: 'credentials',
  code: 'not-authenticated',
  remedy,
  detail,
});
const keystone = 'requires authentication';

const TABLE: Record<Failure, Record<Type, Cell>> = {
  none: {
    password: { passes: 'credentials', said: 'renewed automatically' },
    token: { passes: 'credentials', said: 'cannot be renewed' },
    'application credential': { passes: 'credentials', said: 'renewed automatically' },
    'access key': { passes: 'credentials', said: 'the signature was accepted' },
  },
  'wrong secret': {
    password: refused('OS_PASSWORD', keystone),
    token: refused('OS_TOKEN', keystone),
    'application credential': refused('OS_APPLICATION_CREDENTIAL_SECRET', keystone),
    'access key': refused('OS_SECRET_KEY', 'verify aksk signature fail'),
  },
  'wrong region': {
    ...everywhere({ fails: 'region', code: 'unknown-region', remedy: 'set OS_REGION_NAME' }),
    'access key': { fails: 'project', code: 'project-not-found', remedy: 'correct OS_REGION_NAME' },
  },
  'empty catalog': everywhere({
    fails: 'endpoints',
    code: 'no-endpoint',
    remedy: 'check the user’s rights in the project',
    detail: 'the catalog is empty',
  }),
  'unscoped token': {
    password: { fails: 'settings', code: 'missing-setting', remedy: 'OS_PROJECT_NAME' },
    token: { fails: 'settings', code: 'missing-setting', remedy: 'OS_PROJECT_NAME' },
    'application credential': { senseless: 'it belongs to one project, and can name no other' },
    'access key': { fails: 'project', code: 'no-project', remedy: 'REGION_NAME' },
  },
  expired: {
    password: refused('OS_PASSWORD', 'The password is expired'),
    token: refused('OS_TOKEN', keystone),
    'application credential': refused('OS_APPLICATION_CREDENTIAL_ID', keystone),
    'access key': refused('OS_SECURITY_TOKEN', 'the temporary access key has expired'),
  },
  'no rights': everywhere({ fails: 'backups', code: 'no-rights', remedy: 'ask the project’s administrator' }),
  unreachable: everywhere({
    fails: 'connection',
    code: 'cloud-unreachable',
    remedy: 'check OS_AUTH_URL',
    detail: 'connection refused',
  }),
  'bad certificate': everywhere({
    fails: 'connection',
    code: 'certificate-not-trusted',
    remedy: 'OS_CACERT',
  }),
  'clock skew': {
    ...everywhere({
      passes: 'clock',
      // A busy machine measures it less exactly.
      said: /is (19m|20m)( \d+s)? behind the cloud’s$/,
    }),
    'access key': {
      fails: 'credentials',
      code: 'clock-skew',
      remedy: 'timedatectl',
      detail: 'signature expired',
    },
  },
};

/** What is wrong with the cloud, where it is the cloud. */
const WORLDS: Partial<Record<Failure, (world: World) => void>> = {
  'empty catalog': ({ projects }) => {
    for (const project of Object.values(projects)) project.services = [];
  },
  expired: ({ users, application_credentials }) => {
    for (const user of Object.values(users)) user.password_expires_ms = Date.now() - 1;
    for (const credential of Object.values(application_credentials)) credential.expires_ms = Date.now() - 1;
  },
  'no rights': ({ users }) => {
    for (const user of Object.values(users)) user.forbidden_services = ['vbs', 'block-storage'];
  },
};
const SKEW_MS = 20 * 60_000;

/** What is wrong with the settings, where it is they. */
function changed(failure: Failure, type: Type, good: Values): Values {
  switch (failure) {
    case 'wrong secret':
      return { ...good, ...WRONG[type] };
    case 'expired':
      return { ...good, ...EXPIRED[type] };
    case 'wrong region':
      return { ...good, region_name: 'nowhere' };
    case 'unscoped token': {
      const { project_name, project_domain_name, region_name, ...rest } = good;
      return type === 'access key' ? rest : { ...rest, region_name: REGION };
    }
    case 'unreachable':
      return { ...good, auth_url: 'https://127.0.0.1:1/v3' };
    case 'bad certificate': {
      const { cacert, ...rest } = good;
      return rest;
    }
    default:
      return good;
  }
}

/** A remedy of the table, which has the names of variables, as it is with this form. */
function inWordsOf(form: Form, remedy: string): string {
  if (form === 'OS_* variables') return remedy;
  return remedy.replace(/\bOS_([A-Z_]+)/, (name, key: string) => {
    if (form === 'HW_* variables') return HW_KEYS.has(key) ? `HW_${key}` : name;
    return TOP_LEVEL_KEYS.has(key) ? key.toLowerCase() : `auth.${key.toLowerCase()}`;
  });
}
const HW_KEYS = new Set(['AUTH_URL', 'REGION_NAME', 'ACCESS_KEY', 'SECRET_KEY', 'SECURITY_TOKEN']);
const TOP_LEVEL_KEYS = new Set(['REGION_NAME', 'CACERT']);

/** Why a form cannot hold a type, if so. */
function formless(type: Type, form: Form): string | undefined {
  return form === 'HW_* variables' && type !== 'access key' ? 'HW_* variables are of access keys' : undefined;
}

describe('the logins to a cloud: auth type × form × failure', () => {
  let authority: PrivateAuthority | undefined;
  const clouds = new Map<Failure, Emulator>();
  const tested: string[] = [];
  const senseless = new Map<string, string>();

  before(async function () {
    authority = privateAuthority();
    if (!authority) return this.skip();
    for (const failure of FAILURES) {
      const isOwn = failure === 'none' || failure === 'clock skew' || WORLDS[failure] !== undefined;
      if (!isOwn) continue;
      const skewMs = failure === 'clock skew' ? SKEW_MS : 0;
      clouds.set(
        failure,
        await startEmulator({
          world: world(WORLDS[failure]),
          tls: authority.tls,
          clock: () => Date.now() + skewMs,
        }),
      );
    }
  });
  after(async () => {
    for (const cloud of clouds.values()) await cloud.close();
    authority?.remove();
  });

  async function check(type: Type, form: Form, failure: Failure, cell: Exclude<Cell, { senseless: string }>) {
    const cloud = clouds.get(failure) ?? clouds.get('none');
    if (!cloud || !authority) throw new Error('no cloud');
    const good: Values = {
      ...valuesOf(type, cloud.world()),
      auth_url: cloud.authUrl,
      region_name: REGION,
      cacert: authority.caFile,
    };
    const values = changed(failure, type, good);
    const way = optionsFor(form, values);
    const { exitCode, report, printed } = await authCheck(way).finally(way.remove);
    const text = accessText(report, { style: makeStyle(false), width: 100, now: 0 });

    for (const secret of secretsIn(values)) expect(printed + text).not.to.contain(secret);
    const failed = report.steps.filter(({ outcome }) => outcome === 'failed');
    if ('passes' in cell) {
      expect(failed).to.deep.equal([]);
      expect([exitCode, report.ok]).to.deep.equal([0, true]);
      expect(report.steps.find(({ step }) => step === cell.passes)?.result).to.match(new RegExp(cell.said));
      return;
    }
    expect([exitCode, report.ok]).to.deep.equal([1, false]);
    const [first] = failed;
    expect(first?.step).to.equal(cell.fails);
    const [why] = first?.diagnostics ?? [];
    expect(why?.code).to.equal(cell.code);
    expect(String(why?.remedy)).to.contain(inWordsOf(form, cell.remedy));
    // A remedy names only what is read: a named cloud reads no variable, unless it is short of a region.
    const foreign = form === 'clouds.yaml and secure.yaml' ? /(OS|HW)_[A-Z_]+/g : /clouds\.yaml/g;
    const names =
      String(why?.remedy)
        .replace(/, or name an entry of clouds\.yaml.*/, '')
        .match(foreign) ?? [];
    expect(names.filter((name) => cell.code !== 'no-project' || name !== 'OS_REGION_NAME')).to.deep.equal([]);
    if (cell.detail !== undefined) expect(why?.detail).to.contain(cell.detail);
    // As people see it: the failure, and what to do.
    expect(text)
      .to.match(new RegExp(`^failed +${cell.fails} `, 'm'))
      .and.to.contain('→ ');
  }

  for (const type of TYPES)
    describe(type, () => {
      for (const failure of FAILURES)
        for (const form of FORMS) {
          const cell = TABLE[failure][type];
          const why = formless(type, form) ?? ('senseless' in cell ? cell.senseless : undefined);
          const name = `${type}, ${form}, ${failure}`;
          if (why !== undefined || 'senseless' in cell) {
            senseless.set(name, why ?? '');
            continue;
          }
          tested.push(name);
          it(`ends with ${'passes' in cell ? 'success' : cell.code} for ${failure}, by ${form}`, () =>
            check(type, form, failure, cell));
        }
    });

  it('has a test or a reason for every cell', () => {
    expect(tested.length + senseless.size).to.equal(TYPES.length * FORMS.length * FAILURES.length);
    expect([...new Set(senseless.values())]).to.deep.equal([
      'HW_* variables are of access keys',
      'it belongs to one project, and can name no other',
    ]);
  });
});

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../src/cli/program.ts';
import type { AccessReport } from '../../src/domain/access-report.ts';
import type { ExitCode } from '../../src/domain/errors.ts';
import { seedWorld, type World } from '../../src/emulator/index.ts';
import { paperIo } from './program.ts';

/** A cloud that accepts every way to authenticate, and settings for each. */

export const TYPES = ['password', 'token', 'application credential', 'access key'] as const;
export type Type = (typeof TYPES)[number];

export const FORMS = ['OS_* variables', 'clouds.yaml and secure.yaml', 'HW_* variables'] as const;
export type Form = (typeof FORMS)[number];

/** By the keys of clouds.yaml. */
export type Values = Readonly<Record<string, string>>;

export const REGION = 'eu-de';
const TOKEN = 'emulated-given-token';
const EXPIRED_TOKEN = 'emulated-expired-token';
const TEMPORARY = {
  id: 'TEMPORARYACCESSKEY00',
  secret: 'temporary-secret-key',
  token: 'temporary-security-token',
};

/** The project has the name of the region, as in clouds that accept signed requests. */
export function world(change: (world: World) => void = () => {}): World {
  const made = { ...seedWorld({ project: REGION }), id: 'auth-lab' };
  const [user] = Object.values(made.users);
  const [project] = Object.values(made.projects);
  if (!user || !project) throw new Error('not seeded');
  const now_ms = Date.now();
  const token = { user_id: user.id, project_id: project.id, methods: ['password'], issued_ms: now_ms };
  made.tokens[TOKEN] = { ...token, expires_ms: now_ms + 3_600_000 };
  made.tokens[EXPIRED_TOKEN] = { ...token, expires_ms: now_ms - 1 };
  made.access_keys = {
    ...made.access_keys,
    [TEMPORARY.id]: {
      id: TEMPORARY.id,
      secret: TEMPORARY.secret,
      user_id: user.id,
      security_token: TEMPORARY.token,
      expires_ms: now_ms - 1,
    },
  };
  change(made);
  return made;
}

/** Valid credentials of each type, without the settings that say how the cloud is reached. */
export function valuesOf(type: Type, { users, application_credentials, access_keys = {} }: World): Values {
  const [user] = Object.values(users);
  const [credential] = Object.values(application_credentials);
  const [key] = Object.values(access_keys);
  const project = { project_name: REGION, project_domain_name: 'Default' };
  switch (type) {
    case 'password':
      return {
        username: user?.name ?? '',
        password: user?.password ?? '',
        user_domain_name: 'Default',
        ...project,
      };
    case 'token':
      return { token: TOKEN, ...project };
    case 'application credential':
      return {
        application_credential_id: credential?.id ?? '',
        application_credential_secret: credential?.secret ?? '',
      };
    case 'access key':
      return { access_key: key?.id ?? '', secret_key: key?.secret ?? '' };
  }
}

/** Wrong values that replace valid credentials. */
export const WRONG: Readonly<Record<Type, Values>> = {
  password: { password: 'wrong-secret' },
  token: { token: 'wrong-secret' },
  'application credential': { application_credential_secret: 'wrong-secret' },
  'access key': { secret_key: 'wrong-secret' },
};

/** Expired credentials. Passwords and application credentials have none: the world makes them expire. */
export const EXPIRED: Readonly<Record<Type, Values>> = {
  password: {},
  token: { token: EXPIRED_TOKEN },
  'application credential': {},
  'access key': {
    access_key: TEMPORARY.id,
    secret_key: TEMPORARY.secret,
    security_token: TEMPORARY.token,
  },
};

const SECRET_KEYS = ['password', 'token', 'application_credential_secret', 'secret_key', 'security_token'];

export function secretsIn(values: Values): string[] {
  return SECRET_KEYS.flatMap((key) => values[key] ?? []);
}

export interface CloudOptions {
  readonly env: Readonly<Record<string, string>>;
  readonly home: string;
  remove(): void;
}

/** The settings as variables, or as clouds.yaml and secure.yaml. */
export function optionsFor(form: Form, values: Values): CloudOptions {
  if (form !== 'clouds.yaml and secure.yaml') {
    const prefix = form === 'OS_* variables' ? 'OS_' : 'HW_';
    // There is no HW_* variable for certificates.
    const nameOf = (key: string) => `${key === 'cacert' ? 'OS_' : prefix}${key.toUpperCase()}`;
    const env = Object.fromEntries(Object.entries(values).map(([key, value]) => [nameOf(key), value]));
    return { env, home: '/nowhere', remove: () => {} };
  }
  const home = mkdtempSync(join(tmpdir(), 'vbsctl-auth-'));
  const folder = join(home, '.config/openstack');
  mkdirSync(folder, { recursive: true });
  const entries = Object.entries(values);
  const topLevel = entries.filter(([key]) => ['region_name', 'cacert'].includes(key));
  const secret = entries.filter(([key]) => SECRET_KEYS.includes(key));
  const open = entries.filter((entry) => !topLevel.includes(entry) && !secret.includes(entry));
  const cloud = { ...Object.fromEntries(topLevel), auth: Object.fromEntries(open) };
  writeFileSync(join(folder, 'clouds.yaml'), JSON.stringify({ clouds: { lab: cloud } }));
  const secrets = { clouds: { lab: { auth: Object.fromEntries(secret) } } };
  writeFileSync(join(folder, 'secure.yaml'), JSON.stringify(secrets));
  return { env: { OS_CLOUD: 'lab' }, home, remove: () => rmSync(home, { recursive: true }) };
}

export interface CheckResult {
  readonly exitCode: ExitCode;
  readonly report: AccessReport;
  /** Everything that was printed. */
  readonly printed: string;
}

/** `vbsctl auth check --output json`, in this process. */
export async function authCheck(options: Pick<CloudOptions, 'env' | 'home'>): Promise<CheckResult> {
  const io = paperIo({ env: options.env, home: options.home });
  const exitCode = await run(['auth', 'check', '--output', 'json'], io);
  const out = io.out.join('');
  return { exitCode, report: JSON.parse(out), printed: out + io.err.join('') };
}

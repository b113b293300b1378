import type { Env } from '../../domain/env.ts';
import { joinedByAnd, type SettingValue, type Source } from './source.ts';

/** Variables that choose between clouds, or that do not describe one (openstacksdk ignores the same). */
const IGNORED_VARIABLES =
  /^OS_(CLOUD|CLOUD_NAME|REGION_NAME|CLIENT_CONFIG_FILE|CLIENT_SECURE_FILE|TEST.*|STD.*|LOG.*)$/;

/** Whether the variables say more than which cloud of clouds.yaml to use. */
export function describesCloud(env: Env): boolean {
  const set = Object.keys(env).filter((name) => env[name]);
  return (
    set.some((name) => name.startsWith('OS_') && !IGNORED_VARIABLES.test(name)) ||
    set.includes('HW_ACCESS_KEY')
  );
}

const OS = 'OS_';
/** The prefix of the tools of Huawei Cloud, for access keys. */
const HW = 'HW_';
const HW_KEYS = ['access_key', 'secret_key', 'security_token', 'project_id', 'project_name', 'region_name'];
/** Keys that must come from the same prefix. */
const PAIRED: ReadonlySet<string> = new Set(['access_key', 'ak', 'secret_key', 'sk', 'security_token']);
/** If one of them is set, it decides how to authenticate, and the access key of another tool is not used. */
const OS_SECRETS = [
  'OS_ACCESS_KEY',
  'OS_AK',
  'OS_PASSWORD',
  'OS_TOKEN',
  'OS_AUTH_TOKEN',
  'OS_APPLICATION_CREDENTIAL_SECRET',
];

/** The `OS_*` variables; with an access key of `HW_ACCESS_KEY`, also those of Huawei Cloud. */
export function variables(env: Env): Source {
  const value = (name: string) => env[name] || undefined;
  const usesHw =
    value('HW_ACCESS_KEY') !== undefined && OS_SECRETS.every((name) => value(name) === undefined);
  const variablesOf = (key: string): string[] => {
    const [os, hw] = [OS, HW].map((prefix) => prefix + key.toUpperCase()) as [string, string];
    if (!usesHw) return [os];
    if (PAIRED.has(key)) return [hw];
    return [...HW_KEYS, 'auth_url'].includes(key) ? [hw, os] : [os];
  };
  const nameOf = (key: string) => variablesOf(key)[0] ?? key;
  const get = (key: string): SettingValue | undefined => {
    for (const name of variablesOf(key)) {
      const text = value(name);
      if (text !== undefined) return { text, from: name };
    }
    return usesHw && key === 'auth_url'
      ? huaweiCloud(get('region_name')?.text, value('HW_CLOUD'))
      : undefined;
  };
  return {
    description: usesHw ? 'HW_* and OS_* variables' : 'OS_* variables',
    chosenBy: 'no cloud is named',
    get,
    keys: () => [
      ...Object.keys(env)
        .filter((name) => name.startsWith(OS) && value(name) !== undefined)
        .map((name) => name.slice(OS.length).toLowerCase()),
      ...(usesHw ? HW_KEYS.filter((key) => value(HW + key.toUpperCase()) !== undefined) : []),
    ],
    nameOf,
    namesOf: (...keys) => joinedByAnd(keys.map(nameOf)),
    remedyFor: (key) =>
      `set ${nameOf(key)}, or name an entry of clouds.yaml: OS_CLOUD, --cloud or "cloud:" in vbsctl.yaml`,
  };
}

/** The tools of Huawei Cloud need no IAM URL, because it follows from the region. */
function huaweiCloud(region: string | undefined, cloud = 'myhuaweicloud.com'): SettingValue | undefined {
  return region === undefined
    ? undefined
    : { text: `https://iam.${region}.${cloud}/v3`, from: 'HW_REGION_NAME, as Huawei Cloud has it' };
}

import { MultilineText } from '../../domain/diagnostic.ts';
import type { Env } from '../../domain/env.ts';
import { Failure } from '../../domain/errors.ts';
import { quoted, quotedWhole } from '../../domain/escape/quoted.ts';
import { shellPath } from '../../domain/escape/shell-word.ts';
import { shownWord } from '../../domain/looks-like-path.ts';
import { optional } from '../../domain/optional.ts';
import { isObject, type JsonObject } from '../../domain/shape.ts';
import type { CloudFile, CloudFiles } from './cloud-files.ts';
import { parseCloudFile } from './parse-cloud-file.ts';

/**
 * A source of settings. The keys are those of clouds.yaml. Keys under `auth:` and next to it share one namespace, as in
 * the `OS_*` variables.
 */
export interface Source {
  /** `OS_* variables`, `cloud otc of /c/clouds.yaml`. */
  readonly description: string;
  /** Why this source was chosen: `named by OS_CLOUD`, `no cloud is named`. */
  readonly chosenBy: string;
  readonly file?: string;
  /** The working directory, if nobody named the file. The file may name no file outside of it. */
  readonly checkout?: string;
  get(key: string): SettingValue | undefined;
  keys(): readonly string[];
  /** `OS_USERNAME`, or `auth.username`. */
  nameOf(key: string): string;
  /** What a person sets, for remedies: `OS_CERT and OS_KEY`, `cert and key of cloud otc of /c/clouds.yaml`. */
  namesOf(...keys: readonly string[]): string;
  /** The remedy for a missing key. */
  remedyFor(key: string): string;
}

export interface SettingValue {
  readonly text: string;
  /** `OS_USERNAME`, `auth.username of /c/secure.yaml`. */
  readonly from: string;
}

export interface SourceOptions {
  /** An entry of clouds.yaml. Absent: `OS_CLOUD`, else the `OS_*` variables. */
  readonly cloudName?: string | undefined;
  /** The option or setting that gave `cloudName`: `--cloud`, `cloud of vbsctl.yaml`. */
  readonly cloudNamedBy?: string | undefined;
  readonly env: Env;
  /** The owner of the variables, if they are not those of the process: `the built-in emulator`. */
  readonly envOwner?: string | undefined;
}

/** Whether clouds.yaml has to be read. An unneeded file with errors must not prevent the use of the variables. */
export function needsFiles(options: SourceOptions): boolean {
  return namedCloud(options) !== undefined || !describesCloud(options.env);
}

/**
 * Finds the source: a named cloud; else the variables, if they describe a cloud; else the only cloud of clouds.yaml.
 * This is the order of openstacksdk. Throws a Failure (`invalid`).
 */
export function chooseSource(options: SourceOptions, files: CloudFiles): Source {
  const name = namedCloud(options);
  if (name !== undefined) {
    const by = options.cloudName === undefined ? 'OS_CLOUD' : (options.cloudNamedBy ?? 'its name');
    return cloudEntry(name, `named by ${by}`, files, options.env);
  }
  if (options.envOwner !== undefined)
    return {
      ...variables(options.env),
      description: options.envOwner,
      chosenBy: `named by ${options.cloudNamedBy}`,
    };
  if (describesCloud(options.env)) return variables(options.env);
  const names = Object.keys(cloudsOf(files));
  const [only] = names;
  if (only !== undefined && names.length === 1)
    return cloudEntry(only, 'no cloud is named, and it is the only one', files, options.env);
  throw noCloud(names, files);
}

/** For people: the variable that names the cloud. Undefined if the environment names none. */
export function cloudOfEnvironment(env: Env): string | undefined {
  const name = unlessEmpty(env.OS_CLOUD);
  if (name !== undefined) return `OS_CLOUD=${shownWord(name)}`;
  return describesCloud(env) ? variables(env).description : undefined;
}

function namedCloud({ cloudName, env }: SourceOptions): string | undefined {
  return cloudName ?? unlessEmpty(env.OS_CLOUD);
}

/** Nothing names a cloud. To list six missing variables would be misleading. */
function noCloud(names: readonly string[], files: CloudFiles): Failure {
  return Failure.of(
    'invalid',
    'no-cloud',
    'no cloud is configured: neither an entry of clouds.yaml nor OS_* variables',
    {
      detail:
        skippedFileText(files) ??
        (names.length > 0
          ? `clouds.yaml has several: ${names.join(', ')}.`
          : 'To try it without a cloud: --cloud emulator.'),
      remedy:
        'name an entry of clouds.yaml: OS_CLOUD, --cloud or "cloud:" in vbsctl.yaml; or set OS_AUTH_URL and the other OS_* variables',
    },
  );
}

function skippedFileText({ skipped: path }: CloudFiles): string | undefined {
  return path === undefined
    ? undefined
    : `${quotedWhole(path)} was not read: in a pipeline, or if a config is named, vbsctl does not trust the working directory. If the file is yours, name it: export OS_CLIENT_CONFIG_FILE=${shellPath(path)}`;
}

/** Variables that choose between clouds, or that do not describe one (openstacksdk ignores the same). */
const IGNORED_VARIABLES =
  /^OS_(CLOUD|CLOUD_NAME|REGION_NAME|CLIENT_CONFIG_FILE|CLIENT_SECURE_FILE|TEST.*|STD.*|LOG.*)$/;

function describesCloud(env: Env): boolean {
  const set = Object.keys(env).filter((name) => unlessEmpty(env[name]) !== undefined);
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

function variables(env: Env): Source {
  const value = (name: string) => unlessEmpty(env[name]);
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
    namesOf: (...keys) => listed(keys.map(nameOf)),
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

/** The vendor profiles of openstacksdk (`config/vendors/`). */
const PROFILES: Readonly<Record<string, JsonObject>> = {
  otc: {
    auth: { auth_url: 'https://iam.{region_name}.otc.t-systems.com/v3' },
    regions: ['eu-de', 'eu-nl'],
    interface: 'public',
  },
  'otc-swiss': {
    auth: { auth_url: 'https://iam-pub.eu-ch2.sc.otc.t-systems.com/v3' },
    regions: ['eu-ch2'],
    interface: 'public',
  },
};

function cloudEntry(name: string, chosenBy: string, files: CloudFiles, env: Env): Source {
  const file = files.clouds ?? files.secure;
  if (!file)
    throw Failure.of('invalid', 'no-clouds-yaml', `no clouds.yaml found for the cloud ${shownWord(name)}`, {
      detail: new MultilineText(`Searched: ${files.searched.join(', ')}`, skippedFileText(files)),
      remedy: 'create one, or set OS_CLIENT_CONFIG_FILE',
    });
  const { path } = file;
  const layers = [files.clouds, files.secure].flatMap((each) => layerOf(name, each));
  if (layers.length === 0)
    throw Failure.of('invalid', 'unknown-cloud', `there is no cloud ${shownWord(name)} in ${path}`, {
      detail: new MultilineText(
        `It has: ${Object.keys(cloudsOf(files)).join(', ') || 'none'}`,
        skippedFileText(files),
      ),
      remedy: 'use one of these names, or add the cloud',
      where: { file: path },
    });
  refuseShadowedCloud(name, path, files);
  const profile = profileOf(layers, files);
  const values = new Values();
  for (const layer of [...profile.layers, ...layers]) values.add(layer);
  const own = regionsOf(layers);
  const region = chosenRegion(
    own.length > 0 ? own : regionsOf(profile.layers),
    unlessEmpty(env.OS_REGION_NAME),
    `cloud ${name} of ${path}`,
  );
  if (region) values.add(region.layer);
  const nameOf = (key: string) =>
    TOP_LEVEL_KEYS.has(key) || key.endsWith(OVERRIDE_SUFFIX) ? key : `auth.${key}`;
  const place = `cloud ${quoted(name)} of ${layers.map(({ from }) => quotedWhole(from)).join(' and ')}`;
  return {
    description: `cloud ${name} of ${path}`,
    chosenBy,
    file: path,
    ...optional('checkout', files.checkout),
    get: (key) => {
      const found = values.get(key);
      return found && { ...found, text: withRegion(key, found.text, values.get('region_name')?.text) };
    },
    // The profile itself has been resolved already.
    keys: () => values.keys().filter((key) => key !== 'profile' && key !== 'cloud'),
    nameOf,
    namesOf: (...keys) =>
      keys[0] === 'region_name'
        ? regionSetting(region, env, place)
        : `${listed(keys.map(nameOf))} of ${place}`,
    remedyFor: (key) =>
      `add ${nameOf(key)} to the cloud ${quotedWhole(name)} in ${quotedWhole(path)}${
        files.checkout === undefined
          ? ''
          : `, or, if that file of the working directory is yours, name it, so that your own files complete it: export OS_CLIENT_CONFIG_FILE=${shellPath(path)}`
      }${files.skipped === undefined ? '' : `. ${skippedFileText(files)}`}${profile.unknown === undefined ? '' : `; its profile ${quotedWhole(profile.unknown)} is unknown`}`,
  };
}

/**
 * Refuses a cloud of a file that nobody named if the user's own files have a cloud of that name. Otherwise the user's
 * secrets would be sent to an address in that file, or that file would replace the user's choice of the cloud. Throws a
 * Failure.
 */
function refuseShadowedCloud(name: string, path: string, { withheld, shadowed, checkout }: CloudFiles): void {
  if (checkout === undefined) return;
  const own = [withheld, shadowed].find((file) => layerOf(name, file).length > 0);
  if (!own) return;
  const summary =
    own === withheld
      ? `the secrets of cloud ${name} in ${own.path} are not sent where ${path} says`
      : `the cloud ${name} of ${path} is not used in place of your own in ${own.path}`;
  throw Failure.of('refused', own === withheld ? 'secrets-withheld' : 'own-cloud-shadowed', summary, {
    detail: `${path} was found in the working directory. Whoever writes a pull request could write it, with an address of their own.`,
    remedy: `remove ${quotedWhole(path)}: vbsctl then uses your own clouds.yaml. If the file is yours, name it: export OS_CLIENT_CONFIG_FILE=${shellPath(path)}`,
    where: { file: path },
  });
}

/** The part of a cloud that one file defines. */
interface Layer {
  readonly cloud: JsonObject;
  readonly from: string;
}

function layerOf(name: string, file: CloudFile | undefined): Layer[] {
  if (!file) return [];
  const clouds = cloudsIn(parseCloudFile(file), file.path);
  const cloud = Object.hasOwn(clouds, name) ? clouds[name] : undefined;
  return isObject(cloud) ? [{ cloud: underscored(cloud), from: file.path }] : [];
}

function cloudsOf(files: CloudFiles): JsonObject {
  const all = [files.clouds, files.secure].flatMap((file) =>
    file ? [cloudsIn(parseCloudFile(file), file.path)] : [],
  );
  return Object.assign({}, ...all);
}

function cloudsIn(file: JsonObject, path: string): JsonObject {
  if (isObject(file.clouds)) return file.clouds;
  throw Failure.of('invalid', 'not-clouds-yaml', `${path} has no "clouds:" with clouds by name`, {
    remedy: 'see https://docs.openstack.org/openstacksdk/latest/user/config/configuration.html',
    where: { file: path },
  });
}

/** An unknown profile is not an error as long as no setting is missing, because other tools may know more profiles. */
function profileOf(
  layers: readonly Layer[],
  { vendors }: CloudFiles,
): { readonly layers: readonly Layer[]; readonly unknown?: string } {
  const merged: JsonObject = Object.assign({}, ...layers.map(({ cloud }) => cloud));
  const name = merged.profile ?? merged.cloud;
  if (typeof name !== 'string' || name === '') return { layers: [] };
  const file = vendors && parseCloudFile(vendors)['public-clouds'];
  const own = isObject(file) && Object.hasOwn(file, name) ? file[name] : undefined;
  if (vendors && isObject(own)) return { layers: [{ cloud: underscored(own), from: vendors.path }] };
  const known = Object.hasOwn(PROFILES, name) ? PROFILES[name] : undefined;
  return known
    ? { layers: [{ cloud: known, from: `profile ${name}, as openstacksdk has it` }] }
    : { layers: [], unknown: name };
}

/** What decides the region of a named cloud: `OS_REGION_NAME` is the only variable that it reads. */
function regionSetting(region: Region | undefined, env: Env, place: string): string {
  if (region === undefined) return `OS_REGION_NAME, or region_name of ${place}`;
  return unlessEmpty(env.OS_REGION_NAME) === undefined ? `${region.key} of ${place}` : 'OS_REGION_NAME';
}

/** A region, and the settings that apply to it alone. */
interface Region {
  readonly name: string;
  /** The setting that names it. */
  readonly key: 'regions' | 'region_name';
  readonly layer: Layer;
}

/** Those of `regions`, else of `region_name`. */
function regionsOf(layers: readonly Layer[]): readonly Region[] {
  for (const key of ['regions', 'region_name'] as const)
    for (const { cloud, from } of layers.toReversed()) {
      const given = cloud[key];
      const list = Array.isArray(given) ? given : typeof given === 'string' ? given.split(',') : [];
      const regions = list.flatMap((region): Region[] => {
        const name = isObject(region) ? region.name : region;
        if (typeof name !== 'string' || name.trim() === '') return [];
        const values = isObject(region) && isObject(region.values) ? underscored(region.values) : {};
        const layer = { cloud: { ...values, region_name: name.trim() }, from };
        return [{ name: name.trim(), key, layer }];
      });
      if (regions.length > 0) return regions;
    }
  return [];
}

/** The region that `OS_REGION_NAME` names, else the first one. Throws a Failure if the cloud does not have it. */
function chosenRegion(
  regions: readonly Region[],
  wanted: string | undefined,
  cloud: string,
): Region | undefined {
  if (wanted === undefined) return regions[0];
  if (regions.length === 0)
    return {
      name: wanted,
      key: 'region_name',
      layer: { cloud: { region_name: wanted }, from: 'OS_REGION_NAME' },
    };
  const found = regions.find(({ name }) => name === wanted);
  if (found) return found;
  const names = regions.map(({ name }) => name).join(', ');
  throw Failure.of(
    'invalid',
    'unknown-region',
    `OS_REGION_NAME is ${quotedWhole(wanted)}, which is not a region of the ${cloud}`,
    {
      detail: `It has: ${names}`,
      remedy:
        'set OS_REGION_NAME to one of these, or unset it to use the first; or add the region to the cloud',
    },
  );
}

/** For these keys, a value next to `auth:` overrides the one under it; for all others, the other way round. */
const TOP_LEVEL_FIRST = /^((user_|project_)?domain_(id|name)|(tenant|project)_(id|name)|(auth_)?token)$/;
const TOP_LEVEL_KEYS: ReadonlySet<string> = new Set([
  'region_name',
  'interface',
  'auth_type',
  'cacert',
  'cert',
  'key',
  'verify',
  'insecure',
]);

export const OVERRIDE_SUFFIX = '_endpoint_override';

/** Merges the settings of several layers. Later ones override earlier ones. */
class Values {
  readonly #inAuth = new Map<string, SettingValue>();
  readonly #topLevel = new Map<string, SettingValue>();

  add({ cloud, from }: Layer): void {
    const { auth, ...beside } = cloud;
    put(this.#topLevel, beside, '', from);
    if (isObject(auth)) put(this.#inAuth, auth, 'auth.', from);
  }

  get(key: string): SettingValue | undefined {
    const [first, second] = TOP_LEVEL_FIRST.test(key)
      ? [this.#topLevel, this.#inAuth]
      : [this.#inAuth, this.#topLevel];
    return first.get(key) ?? second.get(key);
  }

  keys(): readonly string[] {
    return [...new Set([...this.#topLevel.keys(), ...this.#inAuth.keys()])];
  }
}

function put(into: Map<string, SettingValue>, values: JsonObject, prefix: string, from: string): void {
  for (const [key, value] of Object.entries(values)) {
    const text = typeof value === 'string' ? unlessEmpty(value) : undefined;
    const source = from === 'OS_REGION_NAME' ? from : `${prefix}${key} of ${from}`;
    if (text !== undefined) into.set(key, { text, from: source });
  }
}

/** URLs may contain a placeholder for the region: `https://iam.{region_name}.example`. */
function withRegion(key: string, text: string, region: string | undefined): string {
  return region !== undefined && (key === 'auth_url' || key.endsWith(OVERRIDE_SUFFIX))
    ? text.replaceAll('{region_name}', region)
    : text;
}

function underscored(values: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => [
      key.replaceAll('-', '_'),
      isObject(value) ? underscored(value) : value,
    ]),
  );
}

function unlessEmpty(text: string | undefined): string | undefined {
  return text === undefined || text === '' ? undefined : text;
}

/** For people: `a, b and c`. */
function listed(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}

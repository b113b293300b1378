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
import { joinedByAnd, OVERRIDE_SUFFIX, type SettingValue, type Source } from './source.ts';

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

/** The cloud of that name in clouds.yaml and secure.yaml, with its vendor profile. Throws a Failure. */
export function cloudEntry(name: string, chosenBy: string, files: CloudFiles, env: Env): Source {
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
    env.OS_REGION_NAME || undefined,
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
        : `${joinedByAnd(keys.map(nameOf))} of ${place}`,
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

/** The clouds of clouds.yaml and secure.yaml by name. */
export function cloudsOf(files: CloudFiles): JsonObject {
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
  return env.OS_REGION_NAME ? 'OS_REGION_NAME' : `${region.key} of ${place}`;
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
    const text = typeof value === 'string' ? value : '';
    const source = from === 'OS_REGION_NAME' ? from : `${prefix}${key} of ${from}`;
    if (text !== '') into.set(key, { text, from: source });
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

/** For people: that clouds.yaml of the working directory was not read, if there is one. */
export function skippedFileText({ skipped: path }: CloudFiles): string | undefined {
  return path === undefined
    ? undefined
    : `${quotedWhole(path)} was not read: in a pipeline, or if a config is named, vbsctl does not trust the working directory. If the file is yours, name it: export OS_CLIENT_CONFIG_FILE=${shellPath(path)}`;
}

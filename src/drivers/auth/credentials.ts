import type { Env } from '../../domain/env.ts';
import { isObject } from '../../domain/shape.ts';
import { type CloudFile, type CloudFiles, NO_FILES } from './cloud-files.ts';
import { parseCloudFile } from './parse-cloud-file.ts';
import { SECRET_KEYS } from './resolve-settings.ts';
import { chooseSource, needsFiles, type SourceOptions } from './sources.ts';

/** The options that decide where the settings of a cloud are looked for. */
export interface SettingsOptions extends SourceOptions {
  /** Reads clouds.yaml and its companions. Called only if they are needed. Default: there are none. */
  readonly files?: () => Promise<CloudFiles>;
}

export async function cloudFiles({ files, ...options }: SettingsOptions): Promise<CloudFiles> {
  return files !== undefined && needsFiles(options) ? await files() : NO_FILES;
}

/**
 * The secrets among the settings of the cloud, whether or not it needs all of them. Throws a Failure if nothing names a
 * cloud, or if its settings cannot be read.
 */
export async function readCredentials(options: SettingsOptions): Promise<readonly string[]> {
  const source = chooseSource(options, await cloudFiles(options));
  return [...SECRET_KEYS].flatMap((key) => source.get(key)?.text ?? []);
}

/**
 * The secrets in a clouds.yaml or a companion file, of the clouds with these names, or of all without names. They are found
 * whether or not the settings of the cloud can be used. Throws a Failure (`invalid`) if the file cannot be parsed.
 */
export function secretsOfFile(file: CloudFile, names: readonly string[]): string[] {
  const { clouds, ...beside } = parseCloudFile(file);
  const wanted =
    isObject(clouds) && names.length > 0
      ? Object.entries(clouds).filter(([name]) => names.includes(name))
      : [clouds];
  return [...secretsIn([wanted, beside])];
}

/** The secrets in `OS_*` and `HW_*` variables, whether or not they describe the cloud. */
export function secretsOfVariables(env: Env): string[] {
  return Object.entries(env).flatMap(([name, value]) => {
    const key = /^(?:OS|HW)_(.+)$/.exec(name)?.[1]?.toLowerCase();
    return value && key && SECRET_KEYS.has(key) ? [value] : [];
  });
}

function* secretsIn(value: unknown): Generator<string> {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, each] of Object.entries(value))
    if (typeof each === 'string' && SECRET_KEYS.has(key.replaceAll('-', '_'))) yield each;
    else yield* secretsIn(each);
}

import { type CloudFiles, NO_FILES } from './cloud-files.ts';
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

import type { Env } from '../../domain/env.ts';
import { Failure } from '../../domain/errors.ts';
import { shownWord } from '../../domain/looks-like-path.ts';
import { cloudEntry, cloudsOf, skippedFileText } from './cloud-entry.ts';
import type { CloudFiles } from './cloud-files.ts';
import type { Source } from './source.ts';
import { describesCloud, variables } from './variables.ts';

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
  const name = env.OS_CLOUD || undefined;
  if (name !== undefined) return `OS_CLOUD=${shownWord(name)}`;
  return describesCloud(env) ? variables(env).description : undefined;
}

function namedCloud({ cloudName, env }: SourceOptions): string | undefined {
  return cloudName ?? (env.OS_CLOUD || undefined);
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

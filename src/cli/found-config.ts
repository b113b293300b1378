import { dirname, resolve } from 'node:path';
import type { Config } from '../domain/config.ts';
import { type Diagnostic, error, warning } from '../domain/diagnostic.ts';
import { shellPath } from '../domain/escape/shell-word.ts';
import { isUrl } from '../domain/shown-location.ts';
import { isContent } from '../files/checkout.ts';

/**
 * A found config is one that vbsctl found in a checkout, and that neither --config nor VBSCTL_CONFIG names. Everybody who
 * can open a pull request can change it. These functions say what it may not decide. Pure.
 */
export interface FoundConfig {
  readonly path: string;
  readonly config: Pick<Config, 'cloud' | 'state'>;
  readonly cwd: string;
}

/**
 * The problem of its `state:`, if it is a URL or a path that leaves its directory: credentials and records would go there.
 * `host`: the CI job or container that vbsctl runs in.
 */
export function foundStateProblem({ path, config, cwd }: FoundConfig, host?: string): Diagnostic | undefined {
  const { state } = config;
  if (state === undefined) return undefined;
  if (!isUrl(state)) {
    const directory = dirname(resolve(cwd, path));
    if (isContent(resolve(directory, state), directory)) return undefined;
  }
  return problem(
    'found-config-state',
    path,
    `this config was found, and not named with --config, and keeps the state at ${hostOrPath(state)}`,
    isUrl(state)
      ? 'The credentials of the state would go to an address that only this file names.'
      : 'A file outside of its directory would be read and written because this file says so.',
    `${host === undefined ? `if the config is yours, name it: --config ${shellPath(path)}, or VBSCTL_CONFIG` : KEEP_OUTSIDE}; else name the state yourself: --state LOCATION, or VBSCTL_STATE`,
  );
}

/** The problems of its `cloud:` and `state:` in a pipeline. `named`: what the command line or the environment names. */
export function pipelineProblems(
  found: FoundConfig,
  host: string,
  named: { readonly cloud: boolean; readonly state: boolean },
): readonly Diagnostic[] {
  const { path, config } = found;
  const cloud =
    named.cloud || config.cloud === undefined
      ? undefined
      : problem(
          'found-config-cloud',
          path,
          `this config was found, and not named with --config, and chooses the cloud ${config.cloud}`,
          `This is ${host}.`,
          `${KEEP_OUTSIDE}; else name the cloud yourself: --cloud NAME`,
        );
  const state = named.state ? undefined : foundStateProblem(found, host);
  return [cloud, state].filter((each) => each !== undefined);
}

/** The environment names `other`: OS_CLOUD or the OS_* variables, which the user has exported. */
export function cloudConflict(path: string, cloud: string, other: string): Diagnostic {
  return problem(
    'found-config-conflict',
    path,
    `this config chooses the cloud ${cloud}, and the environment names another: ${other}`,
    'It was found, and not named with --config.',
    `name the one to use: --cloud NAME; or --config ${shellPath(path)} if the config is yours; or remove cloud: from it`,
  );
}

/** `TF_HTTP_ADDRESS` names another state. */
export function stateConflict(path: string, state: string): Diagnostic {
  return problem(
    'found-config-conflict',
    path,
    `this config keeps the state at ${state}, and TF_HTTP_ADDRESS names another`,
    'It was found, and not named with --config.',
    `name the one to use: --state "$TF_HTTP_ADDRESS", or --state FILE; or --config ${shellPath(path)} if the config is yours`,
  );
}

/** There is another state at the default location, `usual`. */
export function secondState(path: string, state: string, usual: string): Diagnostic {
  return problem(
    'found-config-conflict',
    path,
    `this config keeps the state at ${state}, and there is one at ${usual}`,
    `It was found, and not named with --config. The restores that are recorded in ${usual} would not count.`,
    `name the one to use: --state ${shellPath(usual)}, or --state ${shellPath(state)}; or --config ${shellPath(path)} if the config is yours`,
  );
}

function problem(code: string, path: string, summary: string, detail: string, remedy: string): Diagnostic {
  return error(code, summary, {
    detail: `${detail} Anyone who can open a pull request can change it.`,
    remedy,
    where: { file: path },
  });
}

/** In a pipeline without a named config, a pull request may change the policy. */
export function notNamed(path: string | undefined, host: string): Diagnostic {
  const today = path === undefined ? 'there is none now, and one can be added' : `now it is ${path}`;
  return warning(
    'config-not-named',
    `no config is named, so a pull request can change the policy: ${today}`,
    {
      detail: `This is ${host}. Limits such as protected_volumes hold only in a config that lies outside of the checkout.`,
      remedy:
        'name the one of the operator: VBSCTL_CONFIG=/etc/vbsctl/vbsctl.yaml, or --config FILE (docs/pull-requests.md)',
    },
  );
}

/** A named config counts, but a pull request can change it if it lies in the working directory. */
export function namedInCheckout(path: string, host: string): Diagnostic {
  return warning(
    'config-in-checkout',
    `the config ${path} lies in the working directory: a pull request could change it`,
    {
      detail: `This is ${host}. A config that is named decides where credentials go, where the state is and which limits hold.`,
      remedy: KEEP_OUTSIDE,
    },
  );
}

/** The environment names a clouds.yaml or a secure.yaml that a pull request can change. */
export function cloudFileInCheckout(variable: string, path: string, host: string): Diagnostic {
  return warning(
    'cloud-file-in-checkout',
    `${path}, which ${variable} names, lies in the working directory: a pull request could change it`,
    {
      detail: `This is ${host}. A file that is named decides where credentials go, also those of a secure.yaml outside of the checkout.`,
      remedy: `keep the file outside of the checkout, and name it: ${variable}=FILE`,
    },
  );
}

const KEEP_OUTSIDE =
  'keep the config outside of the checkout, and name it: VBSCTL_CONFIG=/etc/vbsctl/vbsctl.yaml, or --config FILE';

/** Only the host of a URL, because the rest may contain a secret. */
function hostOrPath(state: string): string {
  if (!isUrl(state)) return state;
  const { protocol, host } = URL.canParse(state) ? new URL(state) : { protocol: 'a URL', host: '' };
  return host === '' ? protocol : `${protocol}//${host}`;
}

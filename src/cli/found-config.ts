import { dirname, isAbsolute, join, resolve } from 'node:path';
import type { Config } from '../domain/config.ts';
import { type Diagnostic, error } from '../domain/diagnostic.ts';
import { shellPath } from '../domain/escape/shell-word.ts';
import { isUrl } from '../domain/shown-location.ts';
import { type Checkouts, isContent } from '../files/checkout.ts';

/**
 * What a config that was merely found may not decide. It lies in the checkout: whoever writes a pull request can write
 * it. Pure.
 */
export interface FoundConfig {
  readonly path: string;
  readonly config: Pick<Config, 'cloud' | 'state'>;
  readonly cwd: string;
  readonly checkouts: Checkouts;
}

/**
 * Its `state:`, when it is a URL or a path that leaves the checkout: credentials and records would go there. `place`:
 * where a pipeline runs.
 */
export function foundStateProblem(
  { path, config, cwd, checkouts }: FoundConfig,
  place?: string,
): Diagnostic | undefined {
  const { state } = config;
  if (state === undefined) return undefined;
  if (!isUrl(state)) {
    const absolute = isAbsolute(state) ? resolve(state) : resolve(cwd, join(dirname(path), state));
    if (checkouts.some((checkout) => isContent(absolute, checkout))) return undefined;
  }
  const harm = isUrl(state)
    ? 'The credentials of the state would go to an address that only this file names.'
    : 'A file outside of the working directory would be read and written because this file says so.';
  return error(
    'found-config-state',
    `this config was found, not named, and keeps the state at ${hostOrPath(state)}`,
    {
      detail: `${harm} ${ANYBODY}`,
      remedy: `${place === undefined ? `if the config is yours, name it: --config ${shellPath(path)}, or VBSCTL_CONFIG` : KEEP_OUTSIDE}; else name the state yourself: --state LOCATION, or VBSCTL_STATE`,
      where: { file: path },
    },
  );
}

/** In a pipeline, what it says of cloud and state. `given`: what the command line or the environment names already. */
export function pipelineProblems(
  found: FoundConfig,
  place: string,
  given: { readonly cloud: boolean; readonly state: boolean },
): readonly Diagnostic[] {
  const { path, config } = found;
  const state = given.state ? undefined : foundStateProblem(found, place);
  const cloud =
    given.cloud || config.cloud === undefined
      ? undefined
      : error(
          'found-config-cloud',
          `this config was found, not named, and chooses the cloud ${config.cloud}`,
          {
            detail: `This is ${place}. ${ANYBODY}`,
            remedy: `${KEEP_OUTSIDE}; else name the cloud yourself: --cloud NAME`,
            where: { file: path },
          },
        );
  return [cloud, state].filter((problem) => problem !== undefined);
}

/**
 * A found config chooses no other cloud than the environment does: whoever exported OS_CLOUD or the OS_* variables named
 * a cloud, and the file did not. `other`: what the environment names.
 */
export function cloudConflict(path: string, cloud: string, other: string): Diagnostic {
  return error(
    'found-config-conflict',
    `this config chooses the cloud ${cloud}, and the environment names another: ${other}`,
    {
      detail: `It was found, not named. ${ANYBODY}`,
      remedy: `say which is meant: --cloud NAME; or --config ${shellPath(path)} if the config is yours; or take cloud: out of it`,
      where: { file: path },
    },
  );
}

/** As `cloudConflict`, of the state: `TF_HTTP_ADDRESS` names one, too. */
export function stateConflict(path: string, state: string): Diagnostic {
  return error(
    'found-config-conflict',
    `this config keeps the state at ${state}, and TF_HTTP_ADDRESS names another`,
    {
      detail: `It was found, not named. ${ANYBODY}`,
      remedy: `say which is meant: --state "$TF_HTTP_ADDRESS", or --state FILE; or --config ${shellPath(path)} if the config is yours`,
      where: { file: path },
    },
  );
}

/** As `stateConflict`: what is known in the state at the usual place would not count. */
export function secondState(path: string, state: string, usual: string): Diagnostic {
  return error(
    'found-config-conflict',
    `this config keeps the state at ${state}, and there is one at ${usual}`,
    {
      detail: `It was found, not named. ${ANYBODY} What ${usual} says of restores that are done or under way would not count.`,
      remedy: `say which is meant: --state ${shellPath(usual)}, or --state ${shellPath(state)}; or --config ${shellPath(path)} if the config is yours`,
      where: { file: path },
    },
  );
}

/** The risk of a pipeline whose config a pull request writes. */
export function notNamed(path: string | undefined, place: string): Diagnostic {
  const today = path === undefined ? 'there is none now, and one can be added' : `now it is ${path}`;
  return {
    severity: 'warning',
    code: 'config-not-named',
    summary: `no config is named, so a pull request can change the policy: ${today}`,
    detail: `This is ${place}. Limits such as protected_volumes hold only in a config that lies outside of the checkout.`,
    remedy:
      'name the one of the operator: VBSCTL_CONFIG=/etc/vbsctl/vbsctl.yaml, or --config FILE (docs/pull-requests.md)',
  };
}

/** The operator named it, so it counts; but who writes pull requests may write there. */
export function namedInCheckout(path: string, place: string): Diagnostic {
  return {
    severity: 'warning',
    code: 'config-in-checkout',
    summary: `the config ${path} lies in the working directory: a pull request could change it`,
    detail: `This is ${place}. A config that is named decides where credentials go, where the state is and which limits hold.`,
    remedy: KEEP_OUTSIDE,
  };
}

const KEEP_OUTSIDE =
  'keep the config outside of the checkout, and name it: VBSCTL_CONFIG=/etc/vbsctl/vbsctl.yaml, or --config FILE';

const ANYBODY = 'Anyone who can open a pull request can change it.';

/** Of a URL no more than where it leads: the rest of it may hold a secret. */
function hostOrPath(state: string): string {
  if (!isUrl(state)) return state;
  const { protocol, host } = URL.canParse(state) ? new URL(state) : { protocol: 'a URL', host: '' };
  return host === '' ? protocol : `${protocol}//${host}`;
}

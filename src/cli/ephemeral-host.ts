import { error } from '../domain/diagnostic.ts';
import { Failure } from '../domain/errors.ts';
import { shellWord } from '../domain/escape/shell-word.ts';
import type { Io } from './io.ts';

/** The machine may be gone after this command: a CI job, or a pod. Undefined where nothing says so. */
export function fleetingPlace(env: Io['env']): string | undefined {
  const { CI, KUBERNETES_SERVICE_HOST } = env;
  if (CI !== undefined && !['', '0', 'false', 'no', 'off'].includes(CI.toLowerCase()))
    return `a CI job (CI=${CI})`;
  return KUBERNETES_SERVICE_HOST ? 'a pod (KUBERNETES_SERVICE_HOST is set)' : undefined;
}

/** Set by services that run pipelines and do not all set CI: Azure Pipelines, Jenkins, TeamCity, AWS CodeBuild, … */
const PIPELINES = [
  'GITHUB_ACTIONS',
  'GITLAB_CI',
  'TF_BUILD',
  'JENKINS_URL',
  'TEAMCITY_VERSION',
  'CODEBUILD_BUILD_ID',
  'BITBUCKET_BUILD_NUMBER',
  'BUILDKITE',
  'CIRCLECI',
  'TRAVIS',
  'DRONE',
  'bamboo_buildKey',
] as const;

/**
 * A pipeline, in which the working directory is what somebody proposed: whoever writes the pull request writes what
 * lies there. Undefined where nothing says so.
 */
export function pipelinePlace(env: Io['env']): string | undefined {
  const known = PIPELINES.find((name) => !['', '0', 'false'].includes((env[name] ?? '').toLowerCase()));
  return fleetingPlace(env) ?? (known && `a pipeline (${known} is set)`);
}

/**
 * A local state that goes with its machine would forget what was restored, and the next run would do it again. Who
 * knows that the file stays says so by naming it on the command line.
 */
export function refuseEphemeralState(io: Io, location: string, named: 'by flag' | 'elsewhere'): void {
  const place = fleetingPlace(io.env);
  if (place === undefined || named === 'by flag' || isUrl(location)) return;
  throw new Failure(
    'refused',
    error('state-fleeting', `the state would be a local file on an ephemeral machine: this is ${place}`, {
      detail: `${location} goes with it, and nobody would know what was restored.`,
      remedy: `keep the state where it stays (state: https://…, s3://… or postgres://… in the config); if this file does stay, say so by naming it: --state ${shellWord(location)}`,
    }),
  );
}

/** As opposed to a path. */
export function isUrl(location: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(location);
}

import { Failure } from '../domain/errors.ts';
import { shellWord } from '../domain/escape/shell-word.ts';
import { isUrl } from '../domain/shown-location.ts';
import type { Io } from './io.ts';

/** Variables of CI services, some of which do not set CI: Azure Pipelines, Jenkins, AWS CodeBuild, … */
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
  'GO_PIPELINE_NAME',
  'HARNESS_BUILD_ID',
] as const;

/** Variables of services that start a container for one job: ECS, Lambda, Cloud Run, Azure, Nomad. */
const CONTAINERS = [
  'ECS_CONTAINER_METADATA_URI_V4',
  'AWS_LAMBDA_FUNCTION_NAME',
  'K_SERVICE',
  'CLOUD_RUN_JOB',
  'CONTAINER_APP_NAME',
  'NOMAD_ALLOC_ID',
] as const;

/**
 * The pipeline, pod or container that runs this process; undefined if nothing says so. Its machine may be gone after this
 * command, and its working directory may be the content of a pull request.
 */
export function ephemeralHost(env: Io['env']): string | undefined {
  const isSet = (name: string) => !['', '0', 'false', 'no', 'off'].includes((env[name] ?? '').toLowerCase());
  if (isSet('CI')) return `a CI job (CI=${env.CI})`;
  if (isSet('KUBERNETES_SERVICE_HOST')) return 'a pod (KUBERNETES_SERVICE_HOST is set)';
  const pipeline = PIPELINES.find(isSet);
  if (pipeline) return `a pipeline (${pipeline} is set)`;
  const container = CONTAINERS.find(isSet);
  return container && `a container (${container} is set)`;
}

/**
 * A local state would be lost with its machine, and the next run would restore everything again. `isFromFlag`: the user
 * names the file on the command line, and so says that it is kept.
 */
export function refuseEphemeralState(io: Io, location: string, isFromFlag: boolean): void {
  const host = ephemeralHost(io.env);
  if (host === undefined || isFromFlag || isUrl(location)) return;
  throw Failure.of(
    'refused',
    'ephemeral-state',
    `the state would be a local file on an ephemeral machine: this is ${host}`,
    {
      detail: `${location} would be lost with the machine, and with it the record of what was restored.`,
      remedy: `store the state remotely (state: https://…, s3://… or postgres://… in the config); if this file is kept, name it: --state ${shellWord(location)}`,
    },
  );
}

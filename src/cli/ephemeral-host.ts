import { Failure } from '../domain/errors.ts';
import { shellWord } from '../domain/escape/shell-word.ts';
import { isUrl } from '../domain/shown-location.ts';
import type { Io } from './io.ts';

/** What says that a pipeline runs this, where the service need not set CI: Azure Pipelines, Jenkins, AWS CodeBuild, … */
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

/** What says that this is a container of a service that starts it for its work: ECS, Lambda, Cloud Run, Azure, Nomad. */
const CONTAINERS = [
  'ECS_CONTAINER_METADATA_URI_V4',
  'AWS_LAMBDA_FUNCTION_NAME',
  'K_SERVICE',
  'CLOUD_RUN_JOB',
  'CONTAINER_APP_NAME',
  'NOMAD_ALLOC_ID',
] as const;

/**
 * A pipeline, a pod or the like: the machine may be gone after this command, and what lies in the working directory is what
 * somebody proposed, as whoever writes a pull request does. Undefined where nothing says so.
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
 * A local state that goes with its machine would forget what was restored, and the next run would do it again. Who
 * knows that the file stays says so by naming it on the command line.
 */
export function refuseEphemeralState(io: Io, location: string, named: 'by flag' | 'elsewhere'): void {
  const place = ephemeralHost(io.env);
  if (place === undefined || named === 'by flag' || isUrl(location)) return;
  throw Failure.of(
    'refused',
    'state-fleeting',
    `the state would be a local file on an ephemeral machine: this is ${place}`,
    {
      detail: `${location} would be lost with the machine, and with it the record of what was restored.`,
      remedy: `store the state remotely (state: https://…, s3://… or postgres://… in the config); if this file is kept, name it: --state ${shellWord(location)}`,
    },
  );
}

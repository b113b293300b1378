import { whenToAskAgain } from '../../domain/backoff.ts';
import type { CloudFailure } from '../../domain/cloud.ts';
import { canonicalAuthUrl } from '../../domain/cloud-project.ts';
import { MultilineText } from '../../domain/diagnostic.ts';
import { formatDuration } from '../../domain/duration.ts';
import { Failure, unreachable } from '../../domain/errors.ts';
import { quotedWhole } from '../../domain/escape/quoted.ts';
import { UNTRUSTED_CERTIFICATE } from '../../network/network-errors.ts';
import type { Auth, CloudSettings } from './auth-settings.ts';
import { type CloudClock, SIGNATURE_LIFE_MS, signatureSkew } from './cloud-clock.ts';

/** The failures of authentication: what failed, and the remedy. */

export const SET_CLOCK = 'set the clock of this machine: timedatectl set-ntp true';

/** Whether the network failed, so that no complete answer arrived. */
export function isNetworkFailure({ cause }: CloudFailure): boolean {
  return cause !== 'status' && cause !== 'unreadable';
}

function detailOf(failure: CloudFailure, { source }: CloudSettings): string {
  return [
    failure.message,
    ...(failure.request_id === undefined ? [] : [`request id ${failure.request_id}`]),
    `settings: ${source}`,
  ].join('; ');
}

/** Keystone refused the credential, or could not be reached. */
export function notAuthenticated(
  failure: CloudFailure,
  settings: CloudSettings,
  cloudClock: CloudClock,
): Failure {
  const at = canonicalAuthUrl(settings.auth_url);
  const detail = detailOf(failure, settings);
  switch (failure.cause) {
    case 'held_back':
    case 'no_connection':
      return notConnected(at, failure.code ?? '', detail, settings);
    case 'connection_lost':
    case 'timeout':
      // A token with its catalog is small. A server that sends this much is not Keystone.
      if (failure.code === 'RESPONSE_TOO_LARGE') return notKeystone(at, detail, settings);
      return cloudFailure('cloud-unreachable', `${at} did not answer`, {
        detail,
        remedy: at.startsWith('http:')
          ? `check ${settings.namesOf('auth_url')}: should it be https? Otherwise try again later`
          : 'try again later',
      });
    case 'unreadable':
      return notKeystone(at, detail, settings);
    case 'status':
      return refusedBy(at, failure, detail, settings, cloudClock);
    default:
      return unreachable(failure.cause);
  }
}

function notConnected(at: string, code: string, detail: string, { namesOf }: CloudSettings): Failure {
  if (UNTRUSTED_CERTIFICATE.has(code))
    return cloudFailure('certificate-not-trusted', `the certificate of ${at} is not trusted`, {
      detail,
      remedy: `name the PEM file of its authority: ${namesOf('cacert')}`,
    });
  const invalid =
    code === 'ERR_TLS_CERT_ALTNAME_INVALID'
      ? `check ${namesOf('auth_url')}: it must name the host as the certificate does`
      : INVALID_CERTIFICATE[code];
  if (invalid !== undefined)
    return cloudFailure('certificate-not-valid', `the certificate of ${at} is not valid`, {
      detail,
      remedy: invalid,
    });
  return cloudFailure('cloud-unreachable', `no connection to ${at}`, {
    detail,
    remedy: code.startsWith('PROXY_')
      ? 'check HTTPS_PROXY (http://user:password@host:port), or leave the cloud out of it: NO_PROXY'
      : `check ${namesOf('auth_url')} and the network`,
  });
}

/** Certificate errors that trusting another authority does not fix. */
const INVALID_CERTIFICATE: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'check the clock of this machine; otherwise the operator of the cloud must renew it',
  CERT_NOT_YET_VALID: SET_CLOCK,
};

function notKeystone(
  at: string,
  detail: string,
  { namesOf }: CloudSettings,
  answer = 'does not answer as Keystone v3 does',
): Failure {
  return cloudFailure('not-keystone', `${at} ${answer}`, {
    detail,
    remedy: `check ${namesOf('auth_url')}: it usually ends in /v3`,
  });
}

function refusedBy(
  at: string,
  failure: CloudFailure,
  detail: string,
  settings: CloudSettings,
  cloudClock: CloudClock,
): Failure {
  const { auth, with_odd_characters: odd = [] } = settings;
  const { status = 0 } = failure;
  const skew = auth.type === 'aksk' ? signatureSkew(cloudClock) : undefined;
  if (status === 401 && skew !== undefined)
    return cloudFailure('clock-skew', `${skew}, and so ${at} refused the signature`, {
      detail: new MultilineText(detail, `A signature is good for ${formatDuration(SIGNATURE_LIFE_MS)}.`),
      remedy: SET_CLOCK,
    });
  if (status === 401 || status === 403)
    return cloudFailure('not-authenticated', `${at} refused the ${CREDENTIALS[auth.type]}`, {
      detail,
      remedy: `${checkLogin(settings)}${odd.length === 0 ? '' : `. White space at an end, or a control character (such as the line end of Windows), is in ${odd.map(quotedWhole).join(' and ')}`}`,
    });
  if (status >= 500 || status === 429 || status === 408)
    return cloudFailure('cloud-unavailable', `${at} cannot issue a token now (HTTP ${status})`, {
      detail,
      remedy: `try again ${whenToAskAgain(failure)}`,
    });
  return notKeystone(at, detail, settings, `gave no token (HTTP ${status})`);
}

const CREDENTIALS: Readonly<Record<Auth['type'], string>> = {
  password: 'user name, password or project',
  token: 'token; it may have expired',
  application_credential: 'application credential',
  aksk: 'signature: access key, secret key or security token',
};

/** The remedy for a login that was refused. */
export function checkLogin({ auth, login_keys, namesOf }: CloudSettings): string {
  const check = `check ${namesOf(...login_keys)}`;
  switch (auth.type) {
    case 'token':
      return `${check}; a new token: openstack token issue -f value -c id`;
    case 'aksk':
      return `${check}; after five wrong ones the service locks a key for five minutes`;
    default:
      return check;
  }
}

export function unscopedToken({ source, namesOf }: CloudSettings): Failure {
  return cloudFailure('unscoped-token', 'the token belongs to no project', {
    detail: `Settings: ${source}.`,
    remedy: `name the project: ${namesOf('project_id')}`,
  });
}

/** The signature was accepted, but the request was refused: the settings must have what comes with a token. */
export function refusedQuery(
  what: 'project' | 'catalog',
  failure: CloudFailure,
  settings: CloudSettings,
): Failure {
  const { namesOf } = settings;
  const at = canonicalAuthUrl(settings.auth_url);
  const summary =
    what === 'project'
      ? `${at} does not tell the id of the project to this access key`
      : `${at} does not show its catalog to this access key`;
  return cloudFailure(`${what}-not-shown`, summary, {
    detail: detailOf(failure, settings),
    remedy:
      what === 'project'
        ? `name its id: ${namesOf('project_id')}`
        : `name the endpoints: ${namesOf('vbs_endpoint_override', 'evs_endpoint_override')}`,
  });
}

export function noProjectNamed({ source, namesOf }: CloudSettings): Failure {
  return cloudFailure('no-project', 'no project and no region is configured', {
    detail: `With an access key, the project is the configured one, else the one with the name of the region. Settings: ${source}.`,
    remedy: `set ${namesOf('region_name')}; for another project, ${namesOf('project_id')}`,
  });
}

export function noProject(name: string, count: number, { source, namesOf }: CloudSettings): Failure {
  const seen = count === 0 ? 'no project' : `${count} projects`;
  return cloudFailure('project-not-found', `the owner of the access key sees ${seen} called ${name}`, {
    detail: `A project has the name of its region, or REGION_NAME. Settings: ${source}.`,
    remedy: `correct ${namesOf('region_name')}, or name the project’s id: ${namesOf('project_id')}`,
  });
}

export function noProjectOfId(id: string, { source, namesOf }: CloudSettings): Failure {
  return cloudFailure('project-not-found', `the owner of the access key sees no project ${id}`, {
    detail: `Settings: ${source}.`,
    remedy: `correct ${namesOf('project_id')}, or use an access key of that project`,
  });
}

export function cloudFailure(
  code: string,
  summary: string,
  more: { detail: string | MultilineText; remedy: string },
): Failure {
  return Failure.of('cloud', code, summary, more);
}

/** Version documents, which every OpenStack client reads first. Shapes as recorded from Keystone 22 and Cinder 21.3. */
import { unreachable } from './unreachable.ts';
import { json, type Reply, type ServiceType, serviceError } from './wire.ts';

/** The newest microversion of block storage in the emulator, that of Zed. */
export const MICROVERSION_MAX = '3.70';

/** The document at the root of a service (`version` null: all of them, status 300) or of one of its versions. */
export function versions(service: ServiceType, version: string | null, base_url: string): Reply {
  switch (service) {
    case 'identity':
      return version === null
        ? json(300, { versions: { values: [keystoneVersion(base_url)] } })
        : json(200, { version: keystoneVersion(base_url) });
    case 'block-storage':
      return versionsReply(service, version, {
        v2: cinderVersion(base_url, 'v2', { status: 'DEPRECATED', version: '', min_version: '' }),
        v3: cinderVersion(base_url, 'v3', {
          status: 'CURRENT',
          version: MICROVERSION_MAX,
          min_version: '3.0',
        }),
      });
    case 'vbs':
      return versionsReply(service, version, {
        v1: vbsVersion(base_url, 'v1', 'SUPPORTED'),
        v2: vbsVersion(base_url, 'v2', 'CURRENT'),
      });
    case 'compute':
      return versionsReply(service, version, { 'v2.1': novaVersion(base_url) });
    default:
      return unreachable(service);
  }
}

function versionsReply(service: ServiceType, version: string | null, known: Record<string, object>): Reply {
  if (version === null) return json(300, { versions: Object.values(known) });
  const found = Object.hasOwn(known, version) ? known[version] : undefined;
  return found === undefined
    ? serviceError(service, 404, 'The resource could not be found.')
    : json(200, { versions: [found] });
}

function keystoneVersion(base_url: string): object {
  return {
    id: 'v3.14',
    status: 'stable',
    updated: '2020-04-07T00:00:00Z',
    links: [{ rel: 'self', href: `${base_url}/v3/` }],
    'media-types': [{ base: 'application/json', type: 'application/vnd.openstack.identity-v3+json' }],
  };
}

function cinderVersion(base_url: string, version: string, range: object): object {
  return {
    id: `${version}.0`,
    ...range,
    updated: '2022-03-30T00:00:00Z',
    links: [{ rel: 'self', href: `${base_url}/evs/${version}/` }],
    'media-types': [
      { base: 'application/json', type: `application/vnd.openstack.volume+json;version=${version.slice(1)}` },
    ],
  };
}

function novaVersion(base_url: string): object {
  return {
    id: 'v2.1',
    status: 'CURRENT',
    version: '2.1',
    min_version: '2.1',
    updated: '2013-07-23T11:33:21Z',
    links: [{ rel: 'self', href: `${base_url}/compute/v2.1/` }],
    'media-types': [{ base: 'application/json', type: 'application/vnd.openstack.compute+json;version=2.1' }],
  };
}

function vbsVersion(base_url: string, version: string, status: string): object {
  return {
    id: version,
    status,
    version: '',
    min_version: '',
    updated: '2018-03-30T00:00:00Z',
    links: [{ rel: 'self', href: `${base_url}/vbs/${version}/` }],
  };
}

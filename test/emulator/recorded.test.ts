import { expect } from 'chai';
import { type Emulator, seedWorld, startEmulator, type World } from '../../src/emulator/index.ts';
import { exchanges, type Recorded, recordedBody, recordedRestore } from '../drivers/answers.ts';
import { type Answer, call, type Json } from './client.ts';

/** Between two requests of the recorder. */
const A_MOMENT_MS = 250;
/** How long a restore takes; the recorder waits that out. */
const RESTORE_MS = 8_000;

/**
 * The emulator is one reading of the wire, the recording of real servers is another. Here the emulator is asked all
 * that they were asked, in the same order, and has to answer the same.
 */
describe('the emulator, for recorded requests to a real Keystone and Cinder,', () => {
  let emulator: Emulator;
  let now = Date.parse('2026-11-23T18:14:43Z');
  let token = '';
  before(async () => {
    emulator = await startEmulator({ world: recordedWorld(now), clock: () => now });
  });
  after(() => emulator.close());

  for (const exchange of exchanges)
    it(`answers ${exchange.name} as they did`, async () => {
      await meanwhile(exchange.name);
      const { status, headers, body, text } = await ask(exchange);
      const { response } = exchange;
      expect({ status, body: comparable(body ?? text) }).to.deep.equal({
        status: response.status,
        body: comparable(response.body),
      });
      for (const name of ['content-type', 'openstack-api-version', 'retry-after'])
        expect(headerOf(headers, name), name).to.equal(headerOf(response.headers, name));
      expect(headerOf(headers, 'x-openstack-request-id')).to.match(/^req-/);
      now += A_MOMENT_MS;
    });

  /** What the recorder did before this request. */
  async function meanwhile(name: string): Promise<void> {
    switch (name) {
      case 'backup-after-restore':
      case 'other-volume-after-restore':
      case 'volume-after-failed-restore':
        now += RESTORE_MS;
        break;
      case 'restore-that-will-fail':
        await emulator.setFaults({
          rules: [{ match: { route: 'restore' }, effect: { kind: 'restore_fails' } }],
        });
    }
  }

  async function ask({ name, request, response }: Recorded): Promise<Answer> {
    const { method, path, body } = request;
    // Cinder is one of several services of the emulator, each under its own name.
    const isKeystone = path === '/v3' || path.startsWith('/v3/auth/');
    const headers: Record<string, string> = {};
    const version = headerOf(response.headers, 'openstack-api-version');
    // The recorder sent none where the answer says 3.0, which is the same.
    if (typeof version === 'string') headers['OpenStack-API-Version'] = version;
    if (token) headers['X-Auth-Token'] = name === 'token-invalid' ? 'gAAAAnotatoken' : token;
    const answer = await call(`${emulator.url}${isKeystone ? '' : '/evs'}${path}`, {
      method,
      headers,
      body: body ?? undefined,
    });
    if (answer.status === 201) token = String(headerOf(answer.headers, 'x-subject-token'));
    return answer;
  }
});

/** Not compared, wherever it stands. */
const KNOWN_DIFFERENCES: Readonly<Record<string, string>> = {
  catalog: 'the emulator has services of its own',
  roles: 'the emulator has one',
  audit_ids: 'random',
  tags: 'of EVS; Cinder has none',
  host_name: 'EVS tells it; Cinder leaves it null',
  readonly: 'left in the metadata by os-attach, which real clients do not use',
  attached_mode: 'as readonly',
  'os-backup-project-attr:project_id': 'EVS tells it always, Cinder from 3.18 on and to administrators only',
};

/** Without what differs from one run to the next: times, ids that nobody chose, the address of the cloud. */
function comparable(body: unknown): unknown {
  const chosen = new Set([
    ...DISKS.flatMap(({ volume_id, backup_id }) => [volume_id, backup_id]),
    NOBODY,
    SERVER,
  ]);
  const text = JSON.stringify(body, (key, value) => (key in KNOWN_DIFFERENCES ? undefined : value))
    .replace(/http:\/\/127\.0\.0\.1:\d+(\/evs)?/g, 'http://cloud')
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.0{6}/g, 'a time')
    .replace(/(req-)?[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}/g, (id) => (chosen.has(id) ? id : 'an id'))
    // Python's own way to write what it was given.
    .replace(/Value: \{[^}]*\}\. /, '');
  return JSON.parse(text);
}

const SERVER = '11111111-2222-4333-8444-555555555555';
const NOBODY = '00000000-0000-4000-8000-000000000000';

/** The recorder's four disks with their backups. */
const DISKS = [
  recordedRestore('restore-accepted'),
  {
    volume_id: recordedRestore('restore-into-another-volume').volume_id,
    backup_id: recordedRestore('restore-volume-busy').backup_id,
  },
  recordedRestore('restore-that-will-fail'),
  recordedRestore('restore-volume-in-use'),
];

/** The recorder's cloud as it was before the first request. */
function recordedWorld(now: number): World {
  const world = seedWorld({
    now,
    volumes: DISKS.length,
    backupsPerVolume: 1,
    jobDurationMs: RESTORE_MS,
    region: 'RegionOne',
    username: 'demo',
    password: 'testbed',
    project: 'demo',
  });
  const volume: Json = recordedBody('volume-available').volume;
  const backup: Json = recordedBody('backup-available').backup;
  const [project_id = ''] = Object.keys(world.projects);
  const [user_id = ''] = Object.keys(world.users);
  const volumes = Object.values(world.volumes).map((seeded, n) => ({
    ...seeded,
    id: DISKS[n]?.volume_id ?? '',
    name: `rec-000${n + 1}`,
    size_gb: volume.size,
    volume_type: volume.volume_type,
    availability_zone: volume.availability_zone,
    created_ms: now - 17_000,
    updated_ms: now - 15_000,
  }));
  const backups = Object.values(world.backups).map((seeded, n) => ({
    ...seeded,
    id: DISKS[n]?.backup_id ?? '',
    volume_id: DISKS[n]?.volume_id ?? '',
    name: `rec-000${n + 1}`,
    description: backup.description,
    size_gb: backup.size,
    created_ms: now - 16_000,
    updated_ms: now - 15_000,
  }));
  return JSON.parse(
    JSON.stringify({ ...world, volumes: byId(volumes), backups: byId(backups) })
      .replaceAll(project_id, volume['os-vol-tenant-attr:tenant_id'])
      .replaceAll(user_id, volume.user_id),
  );
}

function byId<T extends { readonly id: string }>(things: readonly T[]): Record<string, T> {
  return Object.fromEntries(things.map((thing) => [thing.id, thing]));
}

function headerOf(headers: Answer['headers'], name: string): unknown {
  return Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1];
}

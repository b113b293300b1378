/**
 * Initial worlds: a small, realistic one for people, and any number of volumes for load tests. The same options and the
 * same `now` give the same world, including ids.
 */
import { startPlan } from './faults.ts';
import { hashedUuid } from './ids.ts';
import type { Backup, Project, Volume, World } from './model.ts';

export interface SeedOptions {
  /** Epoch milliseconds from which ages are counted. Default: the emulator's clock. */
  now?: number;
  /** Changes all ids except those of the examples. Default `vbsctl`. */
  seed?: string | number;
  /** Creates this number of equal, available volumes instead of the named ones. */
  volumes?: number;
  /** Nightly backups of each volume. Default 3. */
  backupsPerVolume?: number;
  /** How long a restore takes. Default 5000. */
  jobDurationMs?: number;
  /** How long an accepted restore waits before volume and backup change their status. Default 0. */
  queueMs?: number;
  /** Default one hour. */
  tokenTtlMs?: number;
  /** Default `eu-de`. */
  region?: string;
  /** Default `operator`. */
  username?: string;
  /** Default `emulator-password`. */
  password?: string;
  /** Default `payments`. */
  project?: string;
}

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

interface SeedVolume {
  name: string;
  server: string;
  size_gb: number;
  /** Device name of an attached volume. Absent: the volume is detached. */
  device?: string;
}

/**
 * Seven servers. Most are stopped and their volumes detached, ready for a restore. `erp-db1` runs with all its volumes: it
 * is the example of a server to be restored.
 */
const SEED_VOLUMES: readonly SeedVolume[] = [
  { name: 'pay-db-boot', server: 'pay-db1', size_gb: 40 },
  { name: 'pay-db-data', server: 'pay-db1', size_gb: 500 },
  { name: 'pay-db-log', server: 'pay-db1', size_gb: 100 },
  { name: 'pay-app-boot', server: 'pay-app1', size_gb: 40 },
  { name: 'pay-app-data', server: 'pay-app1', size_gb: 200 },
  { name: 'crm-db-boot', server: 'crm-db1', size_gb: 40 },
  { name: 'crm-db-data', server: 'crm-db1', size_gb: 800 },
  { name: 'crm-db-log', server: 'crm-db1', size_gb: 200, device: '/dev/vdc' },
  { name: 'mail-boot', server: 'mail1', size_gb: 40 },
  { name: 'mail-spool', server: 'mail1', size_gb: 300 },
  { name: 'web-boot', server: 'web1', size_gb: 40, device: '/dev/vda' },
  { name: 'ci-boot', server: 'ci1', size_gb: 60 },
  { name: 'ci-cache', server: 'ci1', size_gb: 250 },
  { name: 'erp-db-boot', server: 'erp-db1', size_gb: 40, device: '/dev/vda' },
  { name: 'erp-db-data', server: 'erp-db1', size_gb: 400, device: '/dev/vdb' },
  { name: 'erp-db-log', server: 'erp-db1', size_gb: 100, device: '/dev/vdc' },
];

/** Ids that the examples and the documentation use. */
const KNOWN_IDS: Record<string, string> = {
  'volume pay-db-data': 'c96e4a94-927a-425c-8795-63f9964cfebd',
  'volume pay-db-log': '2748f2f2-4394-4e6e-af8d-8dd34496c024',
  'backup pay-db-data 1': '0a5c1f5e-6a53-4b8e-9d3b-0c6a2f6f7f11',
};

/** Creates a world. */
export function seedWorld(options: SeedOptions = {}): World {
  const now_ms = options.now ?? Date.now();
  const id = (...parts: (string | number)[]) =>
    KNOWN_IDS[parts.join(' ')] ?? hashedUuid(options.seed ?? 'vbsctl', ...parts);

  const world = emptyWorld(options, id);
  const specs =
    options.volumes === undefined ? SEED_VOLUMES : Array.from({ length: options.volumes }, loadTestVolume);
  for (const spec of specs) addVolume(world, spec, now_ms, options.backupsPerVolume ?? 3, id);
  if (options.volumes === undefined) addDemoCases(world, now_ms, id);
  return world;
}

type MakeId = (...parts: (string | number)[]) => string;

function emptyWorld(options: SeedOptions, id: MakeId): World {
  const domain = 'Default';
  const own: Project = { id: hexId(id('project', 'own')), name: options.project ?? 'payments', domain };
  const other: Project = { id: hexId(id('project', 'other')), name: 'platform-images', domain };
  const user_id = hexId(id('user', 'operator'));
  const credential_id = hexId(id('application credential'));
  return {
    format: 'vbsctl-emulator-world',
    version: 1,
    id: id('world'),
    starts: 0,
    lists_version: 0,
    region: options.region ?? 'eu-de',
    settings: {
      job_duration_ms: options.jobDurationMs ?? 5000,
      queue_ms: options.queueMs ?? 0,
      backup_duration_ms: 10_000,
      token_ttl_ms: options.tokenTtlMs ?? HOUR,
      list_links: true,
      list_limit_max: 1000,
      service_up: true,
    },
    projects: { [own.id]: own, [other.id]: other },
    users: {
      [user_id]: {
        id: user_id,
        name: options.username ?? 'operator',
        domain,
        password: options.password ?? 'emulator-password',
        project_ids: [own.id, other.id],
      },
    },
    application_credentials: {
      [credential_id]: {
        id: credential_id,
        name: 'pipeline',
        secret: 'emulator-secret',
        user_id,
        project_id: own.id,
      },
    },
    access_keys: {
      EMULATORACCESSKEY000: {
        id: 'EMULATORACCESSKEY000',
        secret: 'emulator-secret-access-key',
        user_id,
        security_token: null,
      },
    },
    tokens: {},
    servers: {},
    volumes: {},
    backups: {},
    jobs: {},
    running: [],
    scheduled_events: [],
    faults: startPlan({}),
    fault_log: [],
  };
}

/** Keystone writes ids without dashes. */
function hexId(uuid: string): string {
  return uuid.replaceAll('-', '');
}

function loadTestVolume(_: unknown, index: number): SeedVolume {
  const number = String(index + 1).padStart(5, '0');
  return { name: `disk-${number}`, server: `server-${number}`, size_gb: 10 * (1 + (index % 10)) };
}

function addVolume(world: World, spec: SeedVolume, now_ms: number, nights: number, id: MakeId): void {
  const [project_id = ''] = Object.keys(world.projects);
  const created_ms = lastNight(now_ms, 90);
  const volume: Volume = {
    id: id('volume', spec.name),
    project_id,
    name: spec.name,
    status: 'available',
    size_gb: spec.size_gb,
    volume_type: spec.name.includes('-db-') ? 'SSD' : 'SAS',
    availability_zone: `${world.region}-01`,
    bootable: spec.name.endsWith('-boot'),
    encrypted: false,
    multiattach: false,
    metadata: {},
    attachments: [],
    created_ms,
    updated_ms: lastNight(now_ms, 1),
    dr_site: false,
    content: 'original',
  };
  world.volumes[volume.id] = volume;
  const server_id = id('server', spec.server);
  world.servers[server_id] = { id: server_id, name: spec.server, project_id, created_ms };
  if (spec.device !== undefined) {
    volume.status = 'in-use';
    volume.attachments.push({
      attachment_id: id('attachment', spec.name),
      server_id,
      device: spec.device,
      attached_ms: created_ms,
    });
  }
  for (let night = nights; night >= 1; night -= 1)
    addBackup(world, volume, lastNight(now_ms, night), id('backup', spec.name, night));
}

function addBackup(world: World, volume: Volume, created_ms: number, id: string): Backup {
  const day = new Date(created_ms).toISOString().slice(0, 10);
  const backup: Backup = {
    id,
    project_id: volume.project_id,
    name: `${volume.name}-${day}`,
    description: JSON.stringify({ DESC: 'nightly', INC: 0 }),
    volume_id: volume.id,
    status: 'available',
    size_gb: volume.size_gb,
    is_incremental: false,
    fail_reason: null,
    created_ms,
    updated_ms: created_ms + HOUR / 2,
    shared_with: [],
  };
  world.backups[id] = backup;
  return backup;
}

/** 01:00 UTC, at least 90 minutes ago, so that the backups of the last night are complete. */
function lastNight(now_ms: number, nights: number): number {
  const settled = now_ms - 2.5 * HOUR;
  return settled - (settled % DAY) + HOUR - (nights - 1) * DAY;
}

/** Cases for demos: a failed backup, one in progress, and one that another project shares. */
function addDemoCases(world: World, now_ms: number, id: MakeId): void {
  const failed = world.backups[id('backup', 'crm-db-data', 2)];
  if (failed !== undefined) {
    failed.status = 'error';
    failed.fail_reason = 'Failed to create the backup: the snapshot could not be read.';
  }

  const spool = world.volumes[id('volume', 'mail-spool')];
  if (spool !== undefined) {
    const started_ms = now_ms - 5 * 60_000;
    const creating = addBackup(world, spool, started_ms, id('backup', 'mail-spool', 'creating'));
    creating.name = 'mail-spool-before-upgrade';
    creating.status = 'creating';
    creating.updated_ms = started_ms;
    spool.status = 'backing-up';
    spool.updated_ms = started_ms;
    world.scheduled_events.push({
      at_ms: now_ms + HOUR / 2,
      event: 'backup_made',
      backup_id: creating.id,
      volume_status: 'available',
    });
  }

  const [own = '', other = ''] = Object.keys(world.projects);
  const ciBoot = world.volumes[id('volume', 'ci-boot')];
  if (ciBoot !== undefined) {
    const source: Volume = { ...ciBoot, id: id('volume', 'golden-image'), name: 'golden-image' };
    Object.assign(source, { project_id: other, size_gb: 40, metadata: {}, attachments: [] });
    world.volumes[source.id] = source;
    const shared = addBackup(world, source, lastNight(now_ms, 30), id('backup', 'golden-image', 'shared'));
    shared.shared_with = [own];
  }
}

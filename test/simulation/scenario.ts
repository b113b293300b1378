import type { BodyShape, FaultEffect, FaultRule, RouteKind } from '../../src/emulator/faults.ts';
import { type BucketSettings, withBucket } from './bucket-scenarios.ts';
import { type OtherClientAction, withOtherClients } from './other-client-scenarios.ts';
import { Random } from './random.ts';
import { withRareCombination } from './rare-combinations.ts';
import type { Op, Point, ProcessFault, StoreOp } from './sim-process.ts';

export type { BucketSettings } from './bucket-scenarios.ts';
export type { OtherClientAction } from './other-client-scenarios.ts';

/**
 * What happens to vbsctl, as plain data: all that is drawn from the seed is drawn here, so a scenario can be printed,
 * shortened and run again. Disks, backups and entries are meant by number, modulo how many there are: a scenario
 * that loses one of them is still a scenario.
 */
export interface Scenario {
  readonly seed: number;
  /** Absent: the state is a file. */
  readonly bucket?: BucketSettings;
  readonly api: 'vbs' | 'cinder';
  readonly disks: number;
  readonly backups_per_disk: number;
  readonly job_ms: number;
  readonly queue_ms: number;
  readonly token_ttl_ms: number;
  /** What the cloud's `Date` says beyond the true time, ms. */
  readonly date: number | 'missing';
  readonly settings: ScenarioSettings;
  readonly manifest: readonly Entry[];
  readonly faults: readonly Fault[];
  readonly steps: readonly Step[];
}

/** Absent: the default of the program. */
export interface ScenarioSettings {
  readonly settle_ms?: number;
  readonly after_ambiguous?: 'retry' | 'stop';
  readonly parallelism?: number;
  readonly requests_per_second?: number;
  readonly max_failures?: number;
  readonly timeout_ms?: number;
  readonly give_up_after_ms?: number;
}

/** A declared restore. */
export interface Entry {
  readonly set: string;
  readonly name: string;
  readonly disk: number;
  /** Of all backups of the world. */
  readonly backup: number;
  readonly generation: number;
  /** By the rule `as_of: latest` of that backup's disk instead of its id. */
  readonly by_rule?: boolean;
  /** Names of entries of the same set. */
  readonly after?: string;
}

/** What hits the n-th to m-th request that matches. */
export interface Fault {
  readonly route: RouteKind;
  readonly disk?: number;
  readonly after: number;
  readonly times: number;
  readonly effect: FaultEffect | OwnEffect;
}

/** What the simulation brings about itself: the emulated cloud knows of no such thing. */
export type OwnEffect =
  /** A read from a database that has not heard of the newest yet. */
  | { readonly kind: 'stale'; readonly lag_ms: number }
  /** An answer about another disk or backup. */
  | { readonly kind: 'wrong_answer' };

export interface Step {
  readonly edits: readonly Edit[];
  readonly command: 'apply' | 'submit' | 'wait' | 'saved';
  readonly machine: 0 | 1;
  /** `--lock-timeout`; absent: 0. */
  readonly lock_timeout_ms?: number;
  /** The operator looks into open matters before. */
  readonly operator: boolean;
  readonly processFaults: readonly ProcessFault[];
  readonly meanwhile: readonly ConcurrentEvent[];
  /** Between this step and the next. */
  readonly pause_ms: number;
}

export type Edit =
  | { readonly kind: 'rename'; readonly entry: number }
  | { readonly kind: 'move'; readonly entry: number }
  | { readonly kind: 'swap'; readonly entry: number; readonly with: number }
  | { readonly kind: 'remove'; readonly entry: number }
  | { readonly kind: 'revert' }
  | { readonly kind: 'raise'; readonly entry: number }
  | { readonly kind: 'exchange'; readonly entry: number; readonly backup: number }
  | { readonly kind: 'double'; readonly entry: number }
  /** Of the operator’s policy, not of the manifest: its disk is protected from now on. */
  | { readonly kind: 'protect'; readonly entry: number };

/** `after_ms` from the beginning of the step. */
export type ConcurrentEvent = { readonly after_ms: number } & (
  | { readonly kind: 'kill'; readonly since?: 'request'; readonly entry?: number }
  | { readonly kind: 'interrupt' }
  | { readonly kind: 'clock'; readonly jump_ms: number }
  | { readonly kind: 'cut_off'; readonly for_ms: number }
  /** A run on the other machine. */
  | { readonly kind: 'rival'; readonly lock_timeout_ms?: number }
  /** The bucket cannot be reached. */
  | { readonly kind: 'store_away'; readonly for_ms: number }
  | { readonly kind: 'attach'; readonly disk: number; readonly for_ms: number }
  | { readonly kind: 'restore'; readonly disk: number; readonly backup: number }
  | { readonly kind: 'restore_same'; readonly entry: number }
  /** Its backup into another disk; `both`: and another's backup into its disk. */
  | { readonly kind: 'restore_elsewhere' | 'restore_both'; readonly entry: number }
  | { readonly kind: 'delete_backup'; readonly backup: number }
  | { readonly kind: 'extend'; readonly disk: number }
  | { readonly kind: 'daemon'; readonly for_ms: number }
  | OtherClientAction
);

export interface DrawOptions {
  /** Late starts up to this share of settle; above 1 they come too late to be told. */
  readonly latest?: number;
}

const DEFAULT_SETTLE_MS = 120_000;

export function drawScenario(seed: number, { latest = 0.9 }: DrawOptions = {}): Scenario {
  const random = new Random(seed);
  const api = random.chance(0.7) ? 'vbs' : 'cinder';
  const settings = random.chance(0.6) ? {} : drawSettings(random);
  const settleMs = settings.settle_ms ?? DEFAULT_SETTLE_MS;
  // Queue and lateness together stay below settle, or nobody could tell.
  const staleMaxMs = Math.min(10_000, settleMs / 10);
  const budgetMs = settleMs * latest - staleMaxMs - 3_000;
  const queue_ms = api === 'cinder' || random.chance(0.5) ? 0 : random.skewed(500, budgetMs / 3);
  const disks = random.int(1, 4);
  const backups_per_disk = random.int(1, 2);
  const limits: DrawLimits = {
    random,
    api,
    disks,
    backups: disks * backups_per_disk,
    lateMaxMs: Math.max(1_000, budgetMs - queue_ms),
    staleMaxMs,
  };
  const scenario: Scenario = {
    seed,
    api,
    disks,
    backups_per_disk,
    job_ms: random.chance(0.3) ? random.int(100, 4_000) : random.skewed(4_000, 900_000),
    queue_ms,
    token_ttl_ms: random.chance(0.2) ? random.skewed(20_000, 600_000) : 3_600_000,
    date: random.chance(0.8) ? 0 : random.pick([-30_000, -3_000, 900, 'missing'] as const),
    settings,
    manifest: drawManifest(limits),
    faults: random.some(0, 7, () => drawFault(limits)),
    steps: withDeepFreezes(
      seed,
      random.some(1, 4, () => drawStep(limits)),
    ),
  };
  // Beyond settle only what comes late is looked at.
  if (latest > 1) return scenario;
  const withRareEvents = withOtherClients(
    withRareCombination(scenario, new Random(seed, 3)),
    new Random(seed, 5),
  );
  return withBucket(withRareEvents, new Random(seed, 4));
}

/** In some, a process is frozen in the worst moment: its intent just became durable, its request is about to leave. */
function withDeepFreezes(seed: number, steps: readonly Step[]): Step[] {
  const random = new Random(seed, 2);
  return steps.map((step) => {
    if (!random.chance(0.06)) return step;
    const at = { op: 'sync', nth: random.int(1, 3), when: 'after' } as const;
    const for_ms = random.skewed(5_500, 600_000);
    const asleep = random.chance(0.4);
    return {
      ...step,
      processFaults: [...step.processFaults, { kind: 'freeze', at, for_ms, ...(asleep ? { asleep } : {}) }],
    };
  });
}

interface DrawLimits {
  readonly random: Random;
  readonly api: Scenario['api'];
  readonly disks: number;
  readonly backups: number;
  readonly lateMaxMs: number;
  readonly staleMaxMs: number;
}

function drawSettings(random: Random): ScenarioSettings {
  return {
    settle_ms: random.pick([30_000, 60_000, 120_000, 300_000]),
    after_ambiguous: random.chance(0.25) ? 'stop' : 'retry',
    parallelism: random.pick([1, 2, 10]),
    requests_per_second: random.pick([2, 20, 100]),
    max_failures: random.pick([0, 1, 3]),
    timeout_ms: random.pick([60_000, 600_000, 7_200_000]),
    give_up_after_ms: random.pick([60_000, 900_000]),
  };
}

function drawManifest({ random, disks, backups }: DrawLimits): Entry[] {
  const count = random.chance(0.9) ? random.int(1, disks) : disks + 1;
  return Array.from({ length: count }, (_, index) => ({
    set: random.chance(0.7) ? 'one' : 'two',
    name: `r${index}`,
    disk: random.chance(0.9) ? index % disks : random.int(0, disks - 1),
    backup: random.int(0, backups - 1),
    generation: 1,
    ...(random.chance(0.1) ? { by_rule: true } : {}),
    ...(index > 0 && random.chance(0.15) ? { after: `r${random.int(0, index - 1)}` } : {}),
  }));
}

const BODIES: readonly BodyShape[] = ['service', 'gateway', 'html', 'empty'];
const AMBIGUOUS = [301, 302, 307, 408, 499, 500, 501, 502, 504] as const;
const NOT_YET = ['VolumeBackup.0089', 'VolumeBackup.0205', 'VolumeBackup.0206'] as const;
const NOT_YET_NATIVE = [
  [400, 'Invalid backup: Backup status must be available'],
  [400, 'Invalid volume: Volume to be restored to must be available'],
  [404, 'Service cinder-backup could not be found.'],
] as const;
const FOR_GOOD = [403, 404, 405, 406, 407, 413] as const;
const LOOK_FIRST = ['common.0011', 'VolumeBackup.0014', 'VolumeBackup.0200', 'VolumeBackup.0201'] as const;

function drawFault(limits: DrawLimits): Fault {
  const { random, api } = limits;
  const route = random.pick<RouteKind>([
    'restore',
    'restore',
    'restore',
    'restore',
    'restore',
    api === 'vbs' ? 'job' : 'messages',
    'volume',
    'volume',
    'backup',
    'backup',
    'token',
    'backups',
  ]);
  const effect = route === 'restore' ? drawRestoreEffect(limits) : drawReadEffect(limits, route);
  return {
    route,
    ...(route === 'restore' && random.chance(0.6) ? { disk: random.int(0, limits.disks - 1) } : {}),
    after: route === 'restore' ? (random.chance(0.6) ? 0 : random.int(1, 3)) : random.skewed(0, 25),
    times: random.chance(0.7) ? 1 : random.skewed(1, 6),
    effect,
  };
}

type When = 'before' | 'after';

function drawRestoreEffect({ random, api, lateMaxMs }: DrawLimits): FaultEffect {
  const when = (): When => random.pick(['before', 'after']);
  const nativeBodies = api === 'cinder';
  const draws: readonly (() => FaultEffect)[] = [
    () => ({ kind: 'status', when: when(), status: random.pick(AMBIGUOUS), body: random.pick(BODIES) }),
    () => ({ kind: 'status', when: when(), status: random.pick(AMBIGUOUS), body: random.pick(BODIES) }),
    () => ({
      kind: 'status',
      when: when(),
      status: random.pick([409, 429, 503]),
      body: random.pick(BODIES),
      ...(random.chance(0.5) ? { retry_after: random.skewed(0, 400) } : {}),
    }),
    () => {
      if (!nativeBodies)
        return { kind: 'status', when: when(), status: 400, body: 'service', code: random.pick(NOT_YET) };
      const [status, message] = random.pick(NOT_YET_NATIVE);
      return { kind: 'status', when: when(), status, body: 'service', message };
    },
    () =>
      nativeBodies
        ? { kind: 'status', when: when(), status: 500, body: 'service' }
        : {
            kind: 'status',
            when: when(),
            status: random.pick([400, 500, 503]),
            body: 'service',
            code: random.pick(LOOK_FIRST),
          },
    () => ({
      kind: 'status',
      when: when(),
      status: random.pick(FOR_GOOD),
      body: random.pick(BODIES),
    }),
    () => ({ kind: 'status', when: when(), status: 401, body: 'keystone' }),
    () => ({ kind: 'status', when: 'before', status: 200, body: random.pick(BODIES) }),
    () => ({ kind: 'reset', when: when() }),
    () => ({ kind: 'reset', when: when() }),
    () => ({ kind: 'hang', when: when(), for_ms: 90_000 }),
    () => ({ kind: 'cut' }),
    () => ({ kind: 'garbage', body: random.pick(['unreadable', 'no_job_id', 'error_body', 'empty']) }),
    () => ({ kind: 'slow', delay_ms: random.skewed(100, 70_000) }),
    () => ({ kind: 'late_start', after_ms: random.int(0, lateMaxMs) }),
    () => ({
      kind: 'late_start',
      after_ms: random.int(0, lateMaxMs),
      answer: { status: random.pick(AMBIGUOUS), body: random.pick(BODIES) },
    }),
    () => ({
      kind: 'late_start',
      after_ms: random.int(0, lateMaxMs),
      answer: {
        status: random.pick([302, 400, 401, 403, 404, 408, 409, 413, 429, 499, 500, 502, 503, 504]),
        body: random.pick(BODIES),
      },
    }),
    () => ({ kind: 'late_copy', after_ms: random.int(0, lateMaxMs) }),
    () => ({ kind: 'duplicate' }),
    () => ({ kind: 'token_expiry' }),
    () => ({ kind: 'huge', bytes: 1024 ** 3 }),
    () => ({
      kind: 'restore_fails',
      touched: random.chance(0.7),
      in_sub_job: random.chance(0.3),
      reason: 'drawn',
    }),
    ...(api === 'vbs'
      ? [
          () => ({ kind: 'job_vanishes', after_ms: random.skewed(0, 200_000) }) as const,
          () => ({ kind: 'job_endless' }) as const,
          () => ({ kind: 'job_unknown_status' }) as const,
          () => ({ kind: 'job_entities_mismatch' }) as const,
        ]
      : []),
  ];
  return random.pick(draws)();
}

function drawReadEffect({ random, staleMaxMs }: DrawLimits, route: RouteKind): Fault['effect'] {
  const when = (): When => random.pick(['before', 'after']);
  const draws: readonly (() => Fault['effect'])[] = [
    () => ({
      kind: 'status',
      when: when(),
      status: random.pick([302, 408, 429, 500, 502, 503, 504]),
      body: random.pick(BODIES),
    }),
    () => ({ kind: 'status', when: when(), status: 429, body: 'gateway', retry_after: random.skewed(0, 90) }),
    () => ({ kind: 'reset', when: when() }),
    () => ({ kind: 'hang', when: 'before', for_ms: 90_000 }),
    () => ({ kind: 'cut' }),
    () => ({ kind: 'garbage', body: random.pick(['unreadable', 'error_body', 'empty']) }),
    () => ({ kind: 'slow', delay_ms: random.skewed(100, 70_000) }),
    ...(route === 'token'
      ? []
      : [
          () => ({ kind: 'token_expiry' }) as const,
          () => ({ kind: 'status', when: 'before', status: 401, body: 'keystone' }) as const,
          () => ({ kind: 'status', when: 'before', status: 404, body: random.pick(BODIES) }) as const,
        ]),
    ...(route === 'volume' || route === 'backup' || route === 'backups'
      ? [
          () => ({ kind: 'stale', lag_ms: random.skewed(100, staleMaxMs) }) as const,
          () => ({ kind: 'stale', lag_ms: random.skewed(100, staleMaxMs) }) as const,
        ]
      : []),
    ...(route === 'job'
      ? [
          () => ({ kind: 'job_vanishes' }) as const,
          () => ({ kind: 'job_endless' }) as const,
          () => ({ kind: 'job_unknown_status' }) as const,
          () => ({ kind: 'job_entities_mismatch' }) as const,
          () => ({ kind: 'job_entities_mismatch', status: 'SUCCESS' }) as const,
        ]
      : []),
  ];
  return random.pick(draws)();
}

function drawStep(limits: DrawLimits): Step {
  const { random } = limits;
  return {
    edits: random.chance(0.5) ? random.some(1, 2, () => drawEdit(limits)) : [],
    command: random.pick(['apply', 'apply', 'apply', 'apply', 'submit', 'wait', 'saved'] as const),
    machine: random.chance(0.75) ? 0 : 1,
    operator: random.chance(0.5),
    processFaults: random.chance(0.7) ? random.some(1, 2, () => drawProcessFault(random)) : [],
    meanwhile: random.chance(0.5) ? random.some(1, 2, () => drawConcurrentEvent(limits)) : [],
    pause_ms: random.skewed(0, 400_000),
  };
}

function drawEdit({ random, backups }: DrawLimits): Edit {
  const entry = random.int(0, 3);
  return random.pick<() => Edit>([
    () => ({ kind: 'rename', entry }),
    () => ({ kind: 'rename', entry }),
    () => ({ kind: 'move', entry }),
    () => ({ kind: 'swap', entry, with: random.int(0, 3) }),
    () => ({ kind: 'remove', entry }),
    () => ({ kind: 'revert' }),
    () => ({ kind: 'raise', entry }),
    () => ({ kind: 'exchange', entry, backup: random.int(0, backups - 1) }),
    () => ({ kind: 'double', entry }),
  ])();
}

/** So often a run asks for each, about. */
const OFTEN: Readonly<Record<Exclude<Op, StoreOp> | 'any', number>> = {
  any: 250,
  token: 2,
  get: 60,
  post: 3,
  sleep: 60,
  lock: 12,
  read: 4,
  replace: 3,
  create: 1,
  write: 10,
  sync: 10,
  remove: 2,
};

function drawPoint(random: Random): Point {
  const op = random.pick<Exclude<Op, StoreOp> | 'any'>([
    'any',
    'any',
    'post',
    'post',
    'post',
    'write',
    'sync',
    'sync',
    'replace',
    'create',
    'remove',
    'get',
    'sleep',
    'lock',
  ]);
  return { op, nth: random.skewed(1, OFTEN[op]), when: random.pick(['before', 'after']) };
}

function drawProcessFault(random: Random): ProcessFault {
  return random.pick<() => ProcessFault>([
    () => ({ kind: 'die', at: drawPoint(random) }),
    () => ({ kind: 'die', at: drawPoint(random) }),
    () => ({ kind: 'die', at: drawPoint(random) }),
    () => ({ kind: 'die', at: drawPoint(random) }),
    () => ({ kind: 'power', at: drawPoint(random), keep: random.pick([0, 0.3, 0.7, 1]) }),
    () => ({ kind: 'freeze', at: drawPoint(random), for_ms: random.skewed(500, 600_000) }),
    () => {
      const takeover_ms = random.skewed(200, 60_000);
      const for_ms = random.chance(0.3) ? takeover_ms + random.int(0, 4_000) : random.skewed(4_000, 900_000);
      return { kind: 'freeze', at: drawPoint(random), for_ms, takeover_ms };
    },
    () => ({
      kind: 'disk',
      op: random.pick(['write', 'sync', 'sync', 'replace', 'remove']),
      nth: random.skewed(1, 8),
      code: random.pick(['ENOSPC', 'EIO']),
      part: random.pick([0, 0.5, 0.99]),
      kept: random.chance(0.5),
    }),
    () => ({ kind: 'full', nth: random.skewed(1, 8) }),
    () => {
      const op = random.pick(['get', 'post', 'token'] as const);
      return { kind: 'refused', op, nth: random.skewed(1, OFTEN[op]) };
    },
  ])();
}

function drawConcurrentEvent({ random, api, disks, backups }: DrawLimits): ConcurrentEvent {
  const after_ms = random.skewed(0, 300_000);
  const disk = random.int(0, disks - 1);
  const backup = random.int(0, backups - 1);
  return random.pick<() => ConcurrentEvent>([
    () => ({ kind: 'kill', after_ms }),
    () => ({ kind: 'interrupt', after_ms }),
    () => ({ kind: 'clock', after_ms, jump_ms: random.pick([-1, 1]) * random.skewed(1_000, 86_400_000) }),
    () => ({ kind: 'cut_off', after_ms, for_ms: random.skewed(100, 120_000) }),
    () => ({ kind: 'rival', after_ms }),
    () => ({ kind: 'attach', after_ms, disk, for_ms: random.skewed(1_000, 300_000) }),
    () => ({ kind: 'restore', after_ms, disk, backup }),
    () => ({ kind: 'restore_same', after_ms, entry: random.int(0, 3) }),
    () => ({ kind: 'delete_backup', after_ms, backup }),
    () => ({ kind: 'extend', after_ms, disk }),
    ...(api === 'cinder'
      ? [() => ({ kind: 'daemon', after_ms, for_ms: random.skewed(1_000, 200_000) }) as const]
      : []),
  ])();
}

/** The faults that the emulated cloud carries out itself. */
export function rulesOf(scenario: Scenario, volumeIds: readonly string[]): FaultRule[] {
  return scenario.faults.flatMap(({ route, disk, after, times, effect }, index) => {
    if (effect.kind === 'stale' || effect.kind === 'wrong_answer') return [];
    const volume_id = disk === undefined ? undefined : volumeIds[disk % volumeIds.length];
    const match = { route, ...(volume_id === undefined ? {} : { volume_id }) };
    return [{ name: `fault ${index + 1}`, match, after, times, effect }];
  });
}

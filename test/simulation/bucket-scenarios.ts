import type { Random } from './random.ts';
import { threeDisks } from './rare-combinations.ts';
import type { ConcurrentEvent, Fault, Scenario, Step } from './scenario.ts';
import type { StoreEffect, StoreFault } from './sim-bucket.ts';
import type { Point, ProcessFault, StoreOp } from './sim-process.ts';

/** A state in a bucket, and what befalls the way to it. */
export interface BucketSettings {
  /** How long a lock lasts that is not renewed. */
  readonly ttl_ms: number;
  /** What the wall clocks of the two machines show beyond the true time, ms. */
  readonly skews_ms: readonly [number, number];
  readonly faults: readonly StoreFault[];
}

/** Of eight scenarios these; the first of eight may have a rare combination. */
const IN_BUCKET = [3, 6];
const DEFAULT_SETTLE_MS = 120_000;

/** A quarter of the scenarios keep their state in a bucket, none of those with a rare combination. */
export function withBucket(scenario: Scenario, random: Random): Scenario {
  if (!IN_BUCKET.includes(scenario.seed % 8)) return scenario;
  const ttl_ms = random.pick([120_000, 120_000, 90_000, 70_000]);
  const overMs = ttl_ms + (scenario.settings.settle_ms ?? DEFAULT_SETTLE_MS) + 3_000;
  const limits = { random, ttl_ms, overMs };
  const steps = scenario.steps.map((step) => stepInBucket(step, limits));
  return withWorstMoments(
    {
      ...scenario,
      bucket: { ttl_ms, skews_ms: [skew(random), skew(random)], faults: drawFaults(random) },
      steps,
    },
    limits,
  );
}

interface DrawLimits {
  readonly random: Random;
  readonly ttl_ms: number;
  /** Not renewed for so long, a lock can be taken over. */
  readonly overMs: number;
}

function skew(random: Random): number {
  return random.chance(0.7) ? 0 : random.pick([-1, 1]) * random.skewed(500, 7_200_000);
}

function drawFaults(random: Random): StoreFault[] {
  // The answer to the making of a lock is lost.
  const first: StoreFault = {
    op: 'beat',
    after: random.int(0, 2),
    times: 1,
    effect: { kind: 'lost', when: 'after' },
  };
  const others = random.some(0, 6, () => {
    const op = random.pick<StoreOp>([
      'put',
      'put',
      'put',
      'beat',
      'beat',
      'beat',
      'fetch',
      'delete',
      'trial',
    ]);
    const after = random.skewed(0, op === 'fetch' ? 60 : op === 'delete' || op === 'trial' ? 5 : 16);
    return { op, after, times: random.chance(0.7) ? 1 : random.skewed(1, 8), effect: drawEffect(random, op) };
  });
  return random.chance(0.15) ? [first, ...others] : others;
}

function drawEffect(random: Random, op: StoreOp): StoreEffect {
  const when = () => random.pick(['before', 'after'] as const);
  return random.pick<() => StoreEffect>([
    () => ({ kind: 'lost', when: when() }),
    () => ({ kind: 'lost', when: 'after' }),
    () => ({ kind: 'late', after_ms: random.skewed(100, 600_000), reset: random.chance(0.5) }),
    () => ({ kind: 'slow', delay_ms: random.skewed(100, 40_000) }),
    () => ({ kind: 'slow', delay_ms: random.int(10_000, 29_000) }),
    () => ({
      kind: 'busy',
      when: when(),
      status:
        op === 'put' || op === 'beat' ? random.pick([409, 429, 500, 503]) : random.pick([429, 500, 503]),
    }),
    () => ({ kind: 'lost', when: 'before' }),
    ...(random.chance(0.6) ? [() => ({ kind: 'denied' }) as const] : []),
  ])();
}

/** What a process asks of a disk it asks of the bucket; a disk's own troubles there are none. */
function stepInBucket(step: Step, { random, overMs }: DrawLimits): Step {
  const processFaults = step.processFaults.flatMap((fault): ProcessFault[] => {
    switch (fault.kind) {
      case 'disk':
      case 'full':
        return [];
      case 'refused':
        return [fault];
      case 'power':
        return [{ kind: 'die', at: pointInBucket(fault.at) }];
      case 'die':
        return [{ ...fault, at: pointInBucket(fault.at) }];
      case 'freeze':
        return [{ ...fault, at: pointInBucket(fault.at) }];
      default:
        return fault satisfies never;
    }
  });
  const meanwhile = step.meanwhile.map(
    (event): ConcurrentEvent =>
      event.kind === 'rival' && random.chance(0.6)
        ? { ...event, lock_timeout_ms: overMs + random.skewed(1, 400_000) }
        : event,
  );
  const away: ConcurrentEvent = {
    kind: 'store_away',
    after_ms: random.skewed(0, 300_000),
    for_ms: random.skewed(500, random.chance(0.7) ? 90_000 : 900_000),
  };
  return {
    ...step,
    processFaults,
    meanwhile: random.chance(0.2) ? [...meanwhile, away] : meanwhile,
    lock_timeout_ms: random.pick([0, 60_000, overMs + random.skewed(1, 300_000), overMs + 300_000]),
  };
}

const OPS: Readonly<Partial<Record<Point['op'], StoreOp>>> = {
  lock: 'beat',
  read: 'fetch',
  replace: 'put',
  create: 'put',
  write: 'put',
  sync: 'put',
  remove: 'delete',
};

function pointInBucket(at: Point): Point {
  return { ...at, op: OPS[at.op] ?? at.op };
}

/** What rarely happens together by chance: each changes one step, and the next run waits for the lock. */
const WORST = [
  frozenUntilTakenOver,
  frozenUntilTakenOver,
  frozenUntilTakenOver,
  killed,
  race,
  shortOfLease,
  slowBeats,
  setBack,
  deniedMeanwhile,
] as const;

function withWorstMoments(scenario: Scenario, limits: DrawLimits): Scenario {
  const { random } = limits;
  if (random.chance(0.15)) return scenario;
  return random.pick(WORST)(scenario, limits);
}

/** Frozen where it hurts, and woken up right when the next run has taken the lock over. */
function frozenUntilTakenOver(scenario: Scenario, { random, overMs }: DrawLimits): Scenario {
  const at = random.pick<() => Point>([
    // Its intent is durable and its request about to leave, or left.
    () => ({ op: 'put', nth: random.skewed(2, 4), when: 'after' }),
    () => ({ op: 'post', nth: 1, when: 'before' }),
    () => ({ op: 'post', nth: 1, when: 'after' }),
    // Between its look at the lock and what it does then.
    () => ({ op: 'put', nth: random.skewed(2, 6), when: 'before' }),
    () => ({ op: 'put', nth: random.skewed(1, 4), when: 'before' }),
    () => ({ op: 'fetch', nth: random.int(2, 30), when: 'after' }),
    () => ({ op: 'beat', nth: random.skewed(2, 6), when: random.pick(['before', 'after']) }),
    () => ({ op: 'beat', nth: 2, when: 'before' }),
    () => ({ op: 'delete', nth: 2, when: 'before' }),
  ])();
  const fault: ProcessFault = {
    kind: 'freeze',
    at,
    for_ms: overMs + random.skewed(1_000, 900_000),
    takeover_ms: random.skewed(200, 60_000),
    ...(random.chance(0.3) ? { asleep: true } : {}),
    wake_ms: random.pick([() => 0, () => random.int(0, 80), () => random.skewed(50, 300_000)])(),
  };
  return withNext(scenario, random, overMs, { processFaults: [fault] });
}

/** Killed, and the next run has to wait for its lease to end. */
function killed(scenario: Scenario, { random, overMs }: DrawLimits): Scenario {
  const op = random.pick(['post', 'put', 'beat', 'get'] as const);
  const fault: ProcessFault = {
    kind: 'die',
    at: { op, nth: random.skewed(1, 6), when: random.pick(['before', 'after']) },
  };
  return withNext(scenario, random, overMs, { processFaults: [fault] });
}

/** Killed, and two wait for its lease to end, in step. */
function race(scenario: Scenario, limits: DrawLimits): Scenario {
  const { random, overMs } = limits;
  const rival: ConcurrentEvent = {
    kind: 'rival',
    after_ms: random.int(0, 30),
    lock_timeout_ms: overMs + 300_000,
  };
  const next = killed(scenario, limits);
  return {
    ...next,
    steps: next.steps.map((step, index) => (index === 1 ? { ...step, meanwhile: [rival] } : step)),
  };
}

/** Stopped with its request about to leave, and meanwhile the clock is set back. */
function setBack(scenario: Scenario, { random }: DrawLimits): Scenario {
  const [first, ...rest] = scenario.steps;
  if (!first) return scenario;
  const fault: ProcessFault = {
    kind: 'freeze',
    at: { op: 'post', nth: 1, when: 'before' },
    for_ms: random.int(10_000, 100_000),
  };
  const clock: ConcurrentEvent = { kind: 'clock', after_ms: random.int(4_000, 9_000), jump_ms: -7_200_000 };
  return {
    ...scenario,
    steps: [{ ...first, command: 'apply', edits: [], processFaults: [fault], meanwhile: [clock] }, ...rest],
  };
}

/** Its lock cannot be renewed for a while, and requests become due. */
function shortOfLease(scenario: Scenario, { random, ttl_ms }: DrawLimits): Scenario {
  const faults: StoreFault[] = [
    {
      op: 'beat',
      after: random.int(1, 4),
      times: random.int(1, 5),
      effect: { kind: 'lost', when: 'before' },
    },
  ];
  return manyPosts({ ...scenario, bucket: { ...bucketOf(scenario), faults } }, random, ttl_ms);
}

/** Renewals are heard of long after they took place. */
function slowBeats(scenario: Scenario, { random, ttl_ms }: DrawLimits): Scenario {
  const effect: StoreEffect = { kind: 'slow', delay_ms: random.int(8_000, 29_500) };
  const faults: StoreFault[] = [{ op: 'beat', after: random.int(0, 2), times: random.int(2, 40), effect }];
  return manyPosts({ ...scenario, bucket: { ...bucketOf(scenario), faults } }, random, ttl_ms);
}

/** A commit of one restore is refused while the request of another is under way. */
function deniedMeanwhile(scenario: Scenario, { random, ttl_ms }: DrawLimits): Scenario {
  const slow: Fault = {
    route: 'restore',
    disk: 0,
    after: 0,
    times: 1,
    effect: { kind: 'slow', delay_ms: random.int(5_000, 40_000) },
  };
  const denied: StoreFault = { op: 'put', after: random.int(3, 7), times: 1, effect: { kind: 'denied' } };
  const many = manyPosts(scenario, random, ttl_ms);
  return {
    ...many,
    job_ms: random.int(500, 4_000),
    settings: { ...many.settings, parallelism: 10 },
    faults: [slow],
    bucket: { ...bucketOf(scenario), faults: [denied] },
  };
}

/** Restores of one disk after the other, or one that is told to come back, so that requests leave at any time. */
function manyPosts(scenario: Scenario, random: Random, ttl_ms: number): Scenario {
  const [first, ...rest] = scenario.steps;
  return {
    ...scenario,
    disks: Math.max(scenario.disks, 3),
    job_ms: random.int(1_000, ttl_ms),
    settings: { ...scenario.settings, parallelism: 1, max_failures: 0, timeout_ms: 7_200_000 },
    manifest: threeDisks(scenario),
    steps: first ? [{ ...first, command: 'apply', processFaults: [] }, ...rest] : [],
  };
}

function bucketOf(scenario: Scenario): BucketSettings {
  if (!scenario.bucket) throw new Error('a scenario without a bucket');
  return scenario.bucket;
}

/** The first step so, the second on the other machine, waiting for the lock. */
function withNext(scenario: Scenario, random: Random, overMs: number, first: Partial<Step>): Scenario {
  const [one, two, ...rest] = scenario.steps;
  if (!one) return scenario;
  const next = two ?? { ...one, edits: [], operator: false, pause_ms: 0 };
  return {
    ...scenario,
    steps: [
      { ...one, command: 'apply', meanwhile: [], pause_ms: random.skewed(0, 5_000), ...first },
      {
        ...next,
        command: 'apply',
        machine: one.machine === 0 ? 1 : 0,
        processFaults: random.chance(0.7) ? [] : next.processFaults,
        meanwhile: [],
        lock_timeout_ms: overMs + 300_000,
      },
      ...rest,
    ],
  };
}

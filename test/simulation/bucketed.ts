import type { Random } from './random.ts';
import type { StoreEffect, StoreFault } from './sim-bucket.ts';
import type { Fate, Point, StoreOp } from './sim-process.ts';
import type { Chapter, Fault, Happening, Story } from './story.ts';
import { threeDisks } from './themes.ts';

/** A state in a bucket, and what befalls the way to it. */
export interface Bucketed {
  /** How long a lock lasts that is not renewed. */
  readonly ttl_ms: number;
  /** What the wall clocks of the two machines show beyond the true time, ms. */
  readonly skews_ms: readonly [number, number];
  readonly faults: readonly StoreFault[];
}

/** Of eight stories these; the first of eight may have a theme. */
const IN_BUCKET = [3, 6];
const DEFAULT_SETTLE_MS = 120_000;

/** A quarter of the stories keep their state in a bucket, none of those with a theme. */
export function bucketed(story: Story, random: Random): Story {
  if (!IN_BUCKET.includes(story.seed % 8)) return story;
  const ttl_ms = random.pick([120_000, 120_000, 90_000, 70_000]);
  const overMs = ttl_ms + (story.settings.settle_ms ?? DEFAULT_SETTLE_MS) + 3_000;
  const dials = { random, ttl_ms, overMs };
  const chapters = story.chapters.map((chapter) => inBucket(chapter, dials));
  return withWorstMoments(
    {
      ...story,
      bucket: { ttl_ms, skews_ms: [skew(random), skew(random)], faults: drawFaults(random) },
      chapters,
    },
    dials,
  );
}

interface Dials {
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
function inBucket(chapter: Chapter, { random, overMs }: Dials): Chapter {
  const fates = chapter.fates.flatMap((fate): Fate[] => {
    switch (fate.kind) {
      case 'disk':
      case 'full':
        return [];
      case 'refused':
        return [fate];
      case 'power':
        return [{ kind: 'die', at: inBucketAt(fate.at) }];
      case 'die':
        return [{ ...fate, at: inBucketAt(fate.at) }];
      case 'freeze':
        return [{ ...fate, at: inBucketAt(fate.at) }];
      default:
        return fate satisfies never;
    }
  });
  const meanwhile = chapter.meanwhile.map(
    (happening): Happening =>
      happening.kind === 'rival' && random.chance(0.6)
        ? { ...happening, lock_timeout_ms: overMs + random.skewed(1, 400_000) }
        : happening,
  );
  const away: Happening = {
    kind: 'store_away',
    after_ms: random.skewed(0, 300_000),
    for_ms: random.skewed(500, random.chance(0.7) ? 90_000 : 900_000),
  };
  return {
    ...chapter,
    fates,
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

function inBucketAt(at: Point): Point {
  return { ...at, op: OPS[at.op] ?? at.op };
}

/** What chance alone seldom brings together: each bends one chapter, and the next run waits for the lock. */
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

function withWorstMoments(story: Story, dials: Dials): Story {
  const { random } = dials;
  if (random.chance(0.15)) return story;
  return random.pick(WORST)(story, dials);
}

/** Frozen where it hurts, and woken up right when the next run has taken the lock over. */
function frozenUntilTakenOver(story: Story, { random, overMs }: Dials): Story {
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
  const fate: Fate = {
    kind: 'freeze',
    at,
    for_ms: overMs + random.skewed(1_000, 900_000),
    takeover_ms: random.skewed(200, 60_000),
    ...(random.chance(0.3) ? { asleep: true } : {}),
    wake_ms: random.pick([() => 0, () => random.int(0, 80), () => random.skewed(50, 300_000)])(),
  };
  return withNext(story, random, overMs, { fates: [fate] });
}

/** Killed, and the next run has to wait for its lease to end. */
function killed(story: Story, { random, overMs }: Dials): Story {
  const op = random.pick(['post', 'put', 'beat', 'get'] as const);
  const fate: Fate = {
    kind: 'die',
    at: { op, nth: random.skewed(1, 6), when: random.pick(['before', 'after']) },
  };
  return withNext(story, random, overMs, { fates: [fate] });
}

/** Killed, and two wait for its lease to end, in step. */
function race(story: Story, dials: Dials): Story {
  const { random, overMs } = dials;
  const rival: Happening = { kind: 'rival', after_ms: random.int(0, 30), lock_timeout_ms: overMs + 300_000 };
  const next = killed(story, dials);
  return {
    ...next,
    chapters: next.chapters.map((chapter, index) =>
      index === 1 ? { ...chapter, meanwhile: [rival] } : chapter,
    ),
  };
}

/** Stopped with its request about to leave, and meanwhile the clock is set back. */
function setBack(story: Story, { random }: Dials): Story {
  const [first, ...rest] = story.chapters;
  if (!first) return story;
  const fate: Fate = {
    kind: 'freeze',
    at: { op: 'post', nth: 1, when: 'before' },
    for_ms: random.int(10_000, 100_000),
  };
  const clock: Happening = { kind: 'clock', after_ms: random.int(4_000, 9_000), jump_ms: -7_200_000 };
  return {
    ...story,
    chapters: [{ ...first, command: 'apply', edits: [], fates: [fate], meanwhile: [clock] }, ...rest],
  };
}

/** Its lock cannot be renewed for a while, and requests become due. */
function shortOfLease(story: Story, { random, ttl_ms }: Dials): Story {
  const faults: StoreFault[] = [
    {
      op: 'beat',
      after: random.int(1, 4),
      times: random.int(1, 5),
      effect: { kind: 'lost', when: 'before' },
    },
  ];
  return manyPosts({ ...story, bucket: { ...bucketOf(story), faults } }, random, ttl_ms);
}

/** Renewals are heard of long after they took place. */
function slowBeats(story: Story, { random, ttl_ms }: Dials): Story {
  const effect: StoreEffect = { kind: 'slow', delay_ms: random.int(8_000, 29_500) };
  const faults: StoreFault[] = [{ op: 'beat', after: random.int(0, 2), times: random.int(2, 40), effect }];
  return manyPosts({ ...story, bucket: { ...bucketOf(story), faults } }, random, ttl_ms);
}

/** A commit of one restore is refused while the request of another is under way. */
function deniedMeanwhile(story: Story, { random, ttl_ms }: Dials): Story {
  const slow: Fault = {
    route: 'restore',
    disk: 0,
    after: 0,
    times: 1,
    effect: { kind: 'slow', delay_ms: random.int(5_000, 40_000) },
  };
  const denied: StoreFault = { op: 'put', after: random.int(3, 7), times: 1, effect: { kind: 'denied' } };
  const many = manyPosts(story, random, ttl_ms);
  return {
    ...many,
    job_ms: random.int(500, 4_000),
    settings: { ...many.settings, parallelism: 10 },
    faults: [slow],
    bucket: { ...bucketOf(story), faults: [denied] },
  };
}

/** Restores of one disk after the other, or one that is told to come back, so that requests leave at any time. */
function manyPosts(story: Story, random: Random, ttl_ms: number): Story {
  const [first, ...rest] = story.chapters;
  return {
    ...story,
    disks: Math.max(story.disks, 3),
    job_ms: random.int(1_000, ttl_ms),
    settings: { ...story.settings, parallelism: 1, max_failures: 0, timeout_ms: 7_200_000 },
    manifest: threeDisks(story),
    chapters: first ? [{ ...first, command: 'apply', fates: [] }, ...rest] : [],
  };
}

function bucketOf(story: Story): Bucketed {
  if (!story.bucket) throw new Error('a story without a bucket');
  return story.bucket;
}

/** The first chapter so, the second on the other machine, waiting for the lock. */
function withNext(story: Story, random: Random, overMs: number, first: Partial<Chapter>): Story {
  const [one, two, ...rest] = story.chapters;
  if (!one) return story;
  const next = two ?? { ...one, edits: [], person: false, pause_ms: 0 };
  return {
    ...story,
    chapters: [
      { ...one, command: 'apply', meanwhile: [], pause_ms: random.skewed(0, 5_000), ...first },
      {
        ...next,
        command: 'apply',
        machine: one.machine === 0 ? 1 : 0,
        fates: random.chance(0.7) ? [] : next.fates,
        meanwhile: [],
        lock_timeout_ms: overMs + 300_000,
      },
      ...rest,
    ],
  };
}

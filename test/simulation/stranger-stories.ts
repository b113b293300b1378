import type { Random } from './random.ts';
import type { Chapter, Entry, Fault, Happening, Story } from './story.ts';

/**
 * What other people do with the disk and the backup of a declared restore while nobody knows what became of it. Times
 * are ms. `after_ms` of the happening counts from `since`: absent, the beginning of the chapter; `request`, when a
 * request for this restore first reached the cloud; `end`, when a restore into its disk, whosever, first ended.
 */
export type StrangersDeed = { readonly entry: number; readonly since?: 'request' | 'end' } & (
  | {
      /** One restores another backup into its disk, and a second one its backup into another disk. */
      readonly kind: 'crossed';
      readonly gap_ms: number;
      readonly first: 'disk' | 'backup';
      readonly from: OtherBackup;
      readonly length?: readonly [disk_ms: number, backup_ms: number];
    }
  /** Another backup into its disk. */
  | {
      readonly kind: 'overwrite';
      readonly from: OtherBackup;
      readonly length_ms?: number;
      readonly fails?: true;
    }
  /** What is writing its disk will fail. */
  | { readonly kind: 'fail' }
  /** Somebody sets the status of its disk back to `available`, should it be in error. */
  | { readonly kind: 'reset' }
);

/** A backup of the disk itself, which leaves no `src_backup_id`, or one of another disk. */
export type OtherBackup = 'own' | 'foreign';

/** Of eight stories this one is about strangers; in the others they turn up by chance. */
const AMONG_STRANGERS = 4;
const BY_CHANCE = 0.12;
/** The shortest pause between two reads. */
const LOOK_MS = 2_000;
const DEFAULT_SETTLE_MS = 120_000;

export function amongStrangers(story: Story, random: Random): Story {
  if (story.seed % 8 === AMONG_STRANGERS) return random.pick(PLOTS)(story, random);
  if (story.seed % 8 === 0 || story.seed % 8 === 7 || !random.chance(BY_CHANCE)) return story;
  const at = random.int(0, story.chapters.length - 1);
  const fail: Happening = { kind: 'fail', entry: 0, since: 'request', after_ms: 100 };
  const deeds = random.pick([
    [crossed(story, random)],
    [crossed(story, random)],
    [overwrite(story, random, 'request')],
    [overwrite(story, random, 'end')],
    [fail, reset(story, random)],
    [fail, reset(story, random), overwrite(story, random, 'end')],
  ]);
  return {
    ...story,
    chapters: story.chapters.map((chapter, index) =>
      index === at ? { ...chapter, meanwhile: [...chapter.meanwhile, ...deeds] } : chapter,
    ),
  };
}

type Plot = (story: Story, random: Random) => Story;

/** The request is lost without an effect, and the restores of two strangers cross. */
const lostAndCrossed: Plot = (story, random) => stage(story, random, [lost(random, 'before')], crossed);

/** The same, but ours takes place, at once or late. */
const doneAndCrossed: Plot = (story, random) =>
  stage(story, random, [random.chance(0.6) ? lost(random, 'after') : late(story, random)], crossed);

/** A no for good, or for now, while the restores of two strangers cross. */
const refusedAndCrossed: Plot = (story, random) => {
  const status = random.pick([400, 403, 404, 409, 429, 503]);
  const no: Fault = {
    route: 'restore',
    after: 0,
    times: random.int(1, 2),
    effect: { kind: 'status', when: 'before', status, body: random.pick(['service', 'gateway', 'html']) },
  };
  return stage(story, random, [no], crossed);
};

/** Ours has just ended, and somebody restores another backup into the disk. */
const overwrittenAfterwards: Plot = (story, random) => {
  const faults = random.chance(0.7) ? [lost(random, 'after')] : [];
  return stage(story, random, faults, (told) => overwrite(told, random, 'end'));
};

/** Ours is under way, and somebody restores another backup into the disk, as far as the cloud lets him. */
const overwrittenMeanwhile: Plot = (story, random) => {
  const faults = random.chance(0.5) ? [lost(random, random.pick(['before', 'after']))] : [];
  return stage(story, random, faults, (told) => overwrite(told, random, 'request'));
};

/** Ours fails, and a person sets the status of the disk back; somebody may go on and restore into it. */
const resetAfterFailure: Plot = (story, random) =>
  stage(
    story,
    random,
    [
      ...(random.chance(0.4) ? [lost(random, 'after')] : []),
      ...(random.chance(0.3) ? [noMessages(random)] : []),
    ],
    () => ({ kind: 'fail', entry: 0, since: 'request', after_ms: 100 }),
    reset,
    ...(random.chance(0.4) ? [(told: Story) => overwrite(told, random, 'end')] : []),
  );

/** The request is lost without an effect, and a stranger asks for the very same. */
const sameByAStranger: Plot = (story, random) =>
  stage(story, random, [lost(random, 'before')], () => ({
    kind: 'restore_same',
    after_ms: random.skewed(500, 60_000),
    entry: 0,
  }));

const PLOTS: readonly Plot[] = [
  lostAndCrossed,
  lostAndCrossed,
  lostAndCrossed,
  doneAndCrossed,
  refusedAndCrossed,
  overwrittenAfterwards,
  overwrittenMeanwhile,
  resetAfterFailure,
  resetAfterFailure,
  sameByAStranger,
];

/** Two restores at most, the first from a backup of its own disk or of another one; a run that may be killed, and others after it. */
function stage(
  story: Story,
  random: Random,
  faults: readonly Fault[],
  ...deeds: readonly ((story: Story, random: Random) => Happening)[]
): Story {
  const disks = Math.max(story.disks, 3);
  const backups_per_disk = 2;
  const own = random.chance(0.6);
  const manifest: Entry[] = [
    { set: 'one', name: 'r0', disk: 0, backup: own ? 0 : backups_per_disk, generation: 1 },
    ...(random.chance(0.3)
      ? [{ set: 'one', name: 'r1', disk: 2, backup: 2 * backups_per_disk, generation: 1 }]
      : []),
  ];
  const bent: Story = {
    ...story,
    disks,
    backups_per_disk,
    job_ms: random.chance(0.2) ? random.int(500, 4_000) : random.skewed(4_000, 600_000),
    manifest,
    faults: [
      ...faults,
      ...(random.chance(0.2) ? story.faults.filter(({ route }) => route !== 'restore') : []),
    ],
  };
  const settings = { ...bent.settings, after_ambiguous: random.chance(0.8) ? 'retry' : 'stop' } as const;
  const meanwhile = deeds.map((deed) => deed(bent, random));
  return { ...bent, settings, chapters: chaptersWith(bent, random, meanwhile) };
}

function chaptersWith(story: Story, random: Random, deeds: readonly Happening[]): Chapter[] {
  const quiet = { edits: [], machine: 0, person: false, fates: [], meanwhile: [] } as const;
  const killed: Happening[] = random.chance(0.4)
    ? [{ kind: 'kill', since: 'request', entry: 0, after_ms: drawGap(story, random) }]
    : [];
  const first: Chapter = {
    ...quiet,
    command: random.pick(['apply', 'apply', 'apply', 'submit'] as const),
    meanwhile: [...killed, ...deeds],
    pause_ms: killed.length > 0 ? random.skewed(0, 30_000) : random.skewed(0, 200_000),
  };
  const rest = random.some(
    0,
    2,
    (): Chapter => ({
      ...quiet,
      command: random.pick(['apply', 'apply', 'wait'] as const),
      pause_ms: random.skewed(0, 200_000),
    }),
  );
  return [first, ...rest];
}

function crossed(story: Story, random: Random): Happening {
  if (random.chance(0.2)) return crossedAtALook(random);
  return {
    kind: 'crossed',
    entry: 0,
    since: 'request',
    after_ms: random.chance(0.7) ? random.skewed(0, 30_000) : drawGap(story, random),
    gap_ms: drawGap(story, random),
    first: random.pick(['disk', 'disk', 'backup']),
    from: random.pick(['own', 'own', 'foreign']),
    ...(random.chance(0.3)
      ? { length: [drawLength(story, random), drawLength(story, random)] as const }
      : {}),
  };
}

/** One begins right before the second look after the request, the other right after it, within the same second or the next. */
function crossedAtALook(random: Random): Happening {
  return {
    kind: 'crossed',
    entry: 0,
    since: 'request',
    after_ms: LOOK_MS + random.int(-100, 40),
    gap_ms: random.int(80, 900),
    first: random.pick(['disk', 'disk', 'backup']),
    from: 'own',
  };
}

function overwrite(story: Story, random: Random, since: 'request' | 'end'): Happening {
  return {
    kind: 'overwrite',
    entry: 0,
    since,
    after_ms: random.chance(0.6) ? random.skewed(0, 4_000) : drawGap(story, random),
    from: random.pick(['own', 'own', 'foreign']),
    ...(random.chance(0.4) ? { length_ms: drawLength(story, random) } : {}),
    ...(random.chance(0.15) ? { fails: true } : {}),
  };
}

function reset(_: Story, random: Random): Happening {
  return {
    kind: 'reset',
    entry: 0,
    since: 'end',
    after_ms: random.chance(0.7) ? random.skewed(0, 10_000) : random.skewed(0, 300_000),
  };
}

/** Between the beginnings of two restores: none, less than a look apart, at a look, and up to beyond settle. */
function drawGap({ job_ms, settings }: Story, random: Random): number {
  const settle = settings.settle_ms ?? DEFAULT_SETTLE_MS;
  const gap = random.pick<() => number>([
    () => 0,
    () => random.int(1, 200),
    () => random.int(200, 1_500),
    () => random.int(1_000, 4_000),
    () => LOOK_MS * random.int(1, 8) + random.int(-60, 60),
    () => random.skewed(1, job_ms),
    () => Math.max(0, job_ms + random.int(-3_000, 3_000)),
    () => settle + random.int(-3_000, 30_000),
  ])();
  return Math.round(gap);
}

function drawLength({ job_ms }: Story, random: Random): number {
  return random.pick([Math.max(100, job_ms + random.int(-2_000, 2_000)), random.skewed(200, 600_000)]);
}

function lost(random: Random, when: 'before' | 'after'): Fault {
  const effect = random.pick([
    { kind: 'reset', when },
    { kind: 'status', when, status: 504, body: 'gateway' },
    { kind: 'hang', when, for_ms: 90_000 },
  ] as const);
  return { route: 'restore', after: 0, times: 1, effect };
}

/** Cinder tells nobody why a restore failed. */
function noMessages(random: Random): Fault {
  const status = random.pick([403, 404, 500, 503]);
  return {
    route: 'messages',
    after: 0,
    times: 20,
    effect: { kind: 'status', when: 'before', status, body: 'service' },
  };
}

function late({ settings }: Story, random: Random): Fault {
  const settle = settings.settle_ms ?? DEFAULT_SETTLE_MS;
  const after_ms = random.int(0, Math.round(settle * 0.7));
  return {
    route: 'restore',
    after: 0,
    times: 1,
    effect: { kind: 'late_start', after_ms, answer: { status: 504, body: 'gateway' } },
  };
}

import type { Random } from './random.ts';
import type { Fate } from './sim-process.ts';
import type { Chapter, Edit, Entry, Fault, Happening, Story } from './story.ts';

/**
 * What chance alone brings about too seldom: each theme bends a story towards one thing that has to meet another at
 * the right moment, and leaves the rest as it was drawn.
 */
const THEMES = [oldReads, lookAlikes, longQueue, crowd, longWait, movedBetween, mixUps, failures] as const;

/** About what is found out and asked for between two requests. */
const BETWEEN_THEMES = [settledThenRefused, begunThenRaised, protectedMeanwhile, askedToPause] as const;

/** About what came before: an end of another restore, an earlier declaration, a former holder, a place taken. */
const BEFORE_THEMES = [failedBefore, doneBefore, foldedTooLate, placeBeforePause] as const;

/** Every eighth story has a theme of the first, one after the other, and every sixteenth one of each of the others. */
export function themed(story: Story, random: Random): Story {
  const { seed } = story;
  if (seed % 8 === 0) return THEMES[(seed / 8) % THEMES.length]?.(story, random) ?? story;
  if (seed % 8 !== 7) return story;
  const themes = seed % 16 === 7 ? BETWEEN_THEMES : BEFORE_THEMES;
  return themes[Math.floor(seed / 16) % themes.length]?.(story, random) ?? story;
}

/** Right after a yes of Cinder, which has no job to ask, disk and backup are read from an old copy, both at once. */
function oldReads(story: Story, random: Random): Story {
  const lag_ms = Math.min(10_000, settleOf(story) / 10);
  const old = (route: 'volume' | 'backup'): Fault => ({
    route,
    after: random.int(0, 6),
    times: random.int(2, 8),
    effect: { kind: 'stale', lag_ms },
  });
  const gone: Fault = {
    route: 'backup',
    after: random.int(2, 4),
    times: random.int(1, 3),
    effect: { kind: 'status', when: 'before', status: 404, body: 'service' },
  };
  const faults = random.pick([[old('volume'), old('backup')], [old('volume')], [gone]]);
  return {
    ...story,
    api: 'cinder',
    queue_ms: 0,
    job_ms: random.skewed(500, 60_000),
    manifest: story.manifest.slice(0, 2),
    faults,
    chapters: firstWith(story),
  };
}

/** The first of several restores, one after the other, fails. */
function failures(story: Story, random: Random): Story {
  const manifest = [0, 1, 2].map((disk) => ({
    set: 'one',
    name: `r${disk}`,
    disk,
    backup: disk * story.backups_per_disk,
    generation: 1,
  }));
  const effect = random.pick([
    { kind: 'status', when: 'before', status: 403, body: 'service' },
    { kind: 'restore_fails', touched: true },
  ] as const);
  return {
    ...story,
    disks: Math.max(story.disks, 3),
    settings: { ...story.settings, parallelism: 1, max_failures: 1 },
    manifest,
    faults: [{ route: 'restore', after: 0, times: 1, effect }],
    chapters: firstWith(story),
  };
}

/** The request is lost before it had an effect, and strangers move its disk and its backup, each with another. */
function lookAlikes(story: Story, random: Random): Story {
  const meanwhile: Happening = { kind: 'restore_both', after_ms: random.int(2_000, 30_000), entry: 0 };
  return {
    ...story,
    disks: Math.max(story.disks, 2),
    job_ms: random.int(5_000, 90_000),
    faults: [lost(random)],
    chapters: firstWith(story, meanwhile),
  };
}

/** Restores wait long in the queue: the cloud shows a lag that raises settle. */
function longQueue(story: Story, random: Random): Story {
  const settle = settleOf(story);
  return {
    ...story,
    api: 'vbs',
    disks: Math.max(story.disks, 3),
    settings: { ...story.settings, after_ambiguous: 'retry', parallelism: 10, timeout_ms: 7_200_000 },
    queue_ms: random.int(Math.ceil(settle * 0.4), Math.ceil(settle * 0.8)),
    manifest: threeDisks(story),
    faults: [{ ...lost(random), disk: 0 }],
    chapters: firstWith(story),
  };
}

/** Several restores from one backup, handed over one after the other while the first still waits in its queue. */
function crowd(story: Story, random: Random): Story {
  const disks = Math.max(story.disks, 3);
  const settings = { ...story.settings, ...(random.chance(0.5) ? { timeout_ms: 60_000 } : {}) };
  const settle = settings.settle_ms ?? 120_000;
  const [first, ...rest] = firstWith(story);
  return {
    ...story,
    api: 'vbs',
    disks,
    settings,
    queue_ms: Math.round(settle * 0.25),
    manifest: [0, 1, 2].map((disk) => ({ set: 'one', name: `r${disk}`, disk, backup: 0, generation: 1 })),
    faults: story.faults.filter(({ route }) => route !== 'restore'),
    chapters: [...(first ? [{ ...first, command: 'submit' as const }] : []), ...rest],
  };
}

/** A request is lost, and its backup is in use for hours: nothing can be told within the timeout. */
function longWait(story: Story, random: Random): Story {
  const meanwhile: Happening = { kind: 'restore_elsewhere', after_ms: random.int(1_000, 20_000), entry: 0 };
  return {
    ...story,
    disks: Math.max(story.disks, 2),
    job_ms: random.int(2, 6) * 3_600_000,
    settings: { ...story.settings, timeout_ms: 60_000, give_up_after_ms: 60_000 },
    faults: [lost(random)],
    chapters: firstWith(story, meanwhile),
  };
}

/** Each request is lost, until the pause before the next one outlasts settle, and then somebody uses the disks for a moment. */
function movedBetween(story: Story, random: Random): Story {
  const meanwhile = [0, 1, 2].map(
    (disk): Happening => ({
      kind: 'attach',
      disk,
      after_ms: random.int(230_000, 800_000),
      for_ms: random.int(1_000, 10_000),
    }),
  );
  return {
    ...story,
    disks: Math.max(story.disks, 3),
    job_ms: Math.min(story.job_ms, 20_000),
    settings: {
      settle_ms: 30_000,
      after_ambiguous: 'retry',
      max_failures: 0,
      timeout_ms: 7_200_000,
      give_up_after_ms: 900_000,
    },
    manifest: threeDisks(story),
    faults: [{ ...lost(random), times: 100 }],
    chapters: firstWith(story, ...meanwhile),
  };
}

/** A request is lost, settle shows that it did nothing, and the repeat is refused for good. */
function settledThenRefused(story: Story, random: Random): Story {
  const status = random.pick([403, 404, 405, 413]);
  return {
    ...story,
    settings: { ...story.settings, after_ambiguous: 'retry', timeout_ms: 7_200_000 },
    manifest: story.manifest.slice(0, 1),
    faults: [
      lost(random),
      {
        route: 'restore',
        after: 0,
        times: 1,
        effect: { kind: 'status', when: 'before', status, body: 'service' },
      },
    ],
    chapters: firstWith(story),
  };
}

/** A request is lost, the run is killed, and before the next one somebody raises the generation. */
function begunThenRaised(story: Story, random: Random): Story {
  return killedAndEdited(story, random, { kind: 'raise', entry: 0 });
}

/** A request is lost, the run is killed, and before the next one the policy protects the disk. */
function protectedMeanwhile(story: Story, random: Random): Story {
  return killedAndEdited(story, random, { kind: 'protect', entry: 0 });
}

function killedAndEdited(story: Story, random: Random, edit: Edit): Story {
  const kill: Happening = { kind: 'kill', since: 'request', entry: 0, after_ms: random.int(0, 90_000) };
  const [first] = firstWith(story, kill);
  const next: Chapter = {
    edits: [edit],
    command: random.pick(['wait', 'apply', 'apply'] as const),
    machine: 0,
    person: false,
    fates: [],
    meanwhile: [],
    pause_ms: random.skewed(0, 60_000),
  };
  return {
    ...story,
    settings: { ...story.settings, after_ambiguous: 'retry' },
    manifest: story.manifest.slice(0, 1),
    faults: [lost(random)],
    chapters: first ? [{ ...first, pause_ms: random.skewed(0, 60_000) }, next] : [],
  };
}

/** Several restores at a time, and the cloud asks to send less, whatever the request was. */
function askedToPause(story: Story, random: Random): Story {
  const asks = (): Fault => ({
    route: random.pick(['restore', 'restore', 'volume', 'backup']),
    after: random.int(0, 4),
    times: random.int(1, 2),
    effect: {
      kind: 'status',
      when: 'before',
      status: random.pick([429, 429, 503, 409]),
      body: random.pick(['service', 'gateway', 'empty']),
      retry_after: random.skewed(1, 400),
    },
  });
  return {
    ...story,
    disks: Math.max(story.disks, 3),
    settings: { ...story.settings, parallelism: 10, timeout_ms: 7_200_000 },
    manifest: threeDisks(story),
    faults: random.some(1, 3, asks),
    chapters: firstWith(story),
  };
}

/** One restore after the other, each only after the one before it, and the first fails. */
function failedBefore(story: Story, random: Random): Story {
  const chained = threeDisks(story).map((entry, index) =>
    index === 0 ? entry : { ...entry, after: `r${random.int(0, index - 1)}` },
  );
  return {
    ...failures(story, random),
    settings: { ...story.settings, max_failures: 0 },
    manifest: chained,
  };
}

/** A restore is done, another one takes its place, and then the first is declared again. */
function doneBefore(story: Story, random: Random): Story {
  const exchange = (backup: number): Edit => ({ kind: 'exchange', entry: 0, backup });
  const renamed: Edit[] = random.chance(0.3) ? [{ kind: 'rename', entry: 0 }] : [];
  const apply = (...edits: readonly Edit[]): Chapter => ({
    edits,
    command: 'apply',
    machine: 0,
    person: false,
    fates: [],
    meanwhile: [],
    pause_ms: random.skewed(0, 60_000),
  });
  return {
    ...story,
    backups_per_disk: 2,
    job_ms: Math.min(story.job_ms, 60_000),
    manifest: [{ set: 'one', name: 'r0', disk: 0, backup: 0, generation: 1 }],
    faults: random.chance(0.7) ? [] : story.faults.filter(({ route }) => route !== 'restore'),
    chapters: [apply(), apply(exchange(1)), apply(...renamed, exchange(0))],
  };
}

/** Frozen right before it folds its journal into the state, taken for dead, and woken up while or after the next one works. */
function foldedTooLate(story: Story, random: Random): Story {
  const fate: Fate = {
    kind: 'freeze',
    at: { op: random.pick(['replace', 'remove']), nth: random.int(1, 4), when: 'before' },
    for_ms: random.skewed(2_000, 300_000),
    takeover_ms: random.skewed(200, 2_000),
  };
  const [first] = firstWith(story);
  const next: Chapter = {
    edits: [{ kind: 'raise', entry: 0 }],
    command: 'apply',
    machine: random.pick([0, 1]),
    person: false,
    fates: [],
    meanwhile: [],
    pause_ms: 300_000,
  };
  return {
    ...story,
    job_ms: random.skewed(500, 120_000),
    faults: [],
    chapters: first ? [{ ...first, fates: [fate], pause_ms: 0 }, next] : [],
  };
}

/** One restore has its place for a request, but its last look takes long; meanwhile the cloud asks another one to pause. */
function placeBeforePause(story: Story, random: Random): Story {
  const slow: Fault = {
    route: random.pick(['volume', 'backup']),
    after: random.int(3, 5),
    times: 1,
    effect: { kind: 'slow', delay_ms: random.int(300, 10_000) },
  };
  const asks: Fault = {
    route: 'restore',
    after: random.int(0, 1),
    times: 1,
    effect: {
      kind: 'status',
      when: 'before',
      status: random.pick([429, 503]),
      body: 'service',
      retry_after: random.skewed(1, 200),
    },
  };
  return {
    ...story,
    disks: Math.max(story.disks, 3),
    settings: { ...story.settings, parallelism: 10, timeout_ms: 7_200_000 },
    manifest: threeDisks(story),
    faults: [slow, asks],
    chapters: firstWith(story),
  };
}

/** Answers about another disk or backup than was asked about. */
function mixUps(story: Story, random: Random): Story {
  const mixUp = (route: 'restore' | 'volume' | 'backup'): Fault => ({
    route,
    after: route === 'restore' ? 0 : random.int(0, 4),
    times: random.int(1, 3),
    effect: { kind: 'mix_up' },
  });
  return { ...story, faults: [mixUp('restore'), mixUp(random.pick(['volume', 'backup'] as const))] };
}

function lost(random: Random): Fault {
  const effect = random.pick([
    { kind: 'reset', when: 'before' },
    { kind: 'status', when: 'before', status: 504, body: 'gateway' },
  ] as const);
  return { route: 'restore', after: 0, times: 1, effect };
}

/** The first chapter is an undisturbed `apply`, but for this. */
function firstWith(story: Story, ...meanwhile: readonly Happening[]): readonly Chapter[] {
  const [first, ...rest] = story.chapters;
  return first ? [{ ...first, command: 'apply', fates: [], meanwhile }, ...rest] : [];
}

function settleOf({ settings }: Story): number {
  return settings.settle_ms ?? 120_000;
}

/** The first three disks, each from its first backup. */
export function threeDisks({ backups_per_disk }: Story): Entry[] {
  return [0, 1, 2].map((disk) => ({
    set: 'one',
    name: `r${disk}`,
    disk,
    backup: disk * backups_per_disk,
    generation: 1,
  }));
}

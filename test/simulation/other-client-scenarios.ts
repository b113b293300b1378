import type { Random } from './random.ts';
import type { ConcurrentEvent, Entry, Fault, Scenario, Step } from './scenario.ts';

/**
 * What other clients do with the disk and the backup of a declared restore while nobody knows what became of it. Times
 * are ms. `after_ms` of the event counts from `since`: absent, the beginning of the step; `request`, when a
 * request for this restore first reached the cloud; `end`, when a restore into its disk, first ended.
 */
export type OtherClientAction = { readonly entry: number; readonly since?: 'request' | 'end' } & (
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

/** Of eight scenarios one is about other clients; in the others they act by chance. */
const WITH_OTHER_CLIENTS = 4;
const BY_CHANCE = 0.12;
/** The shortest pause between two reads. */
const READ_MS = 2_000;
const DEFAULT_SETTLE_MS = 120_000;

export function withOtherClients(scenario: Scenario, random: Random): Scenario {
  if (scenario.seed % 8 === WITH_OTHER_CLIENTS) return random.pick(TEMPLATES)(scenario, random);
  if (scenario.seed % 8 === 0 || scenario.seed % 8 === 7 || !random.chance(BY_CHANCE)) return scenario;
  const at = random.int(0, scenario.steps.length - 1);
  const fail: ConcurrentEvent = { kind: 'fail', entry: 0, since: 'request', after_ms: 100 };
  const actions = random.pick([
    [crossed(scenario, random)],
    [crossed(scenario, random)],
    [overwrite(scenario, random, 'request')],
    [overwrite(scenario, random, 'end')],
    [fail, reset(scenario, random)],
    [fail, reset(scenario, random), overwrite(scenario, random, 'end')],
  ]);
  return {
    ...scenario,
    steps: scenario.steps.map((step, index) =>
      index === at ? { ...step, meanwhile: [...step.meanwhile, ...actions] } : step,
    ),
  };
}

type Template = (scenario: Scenario, random: Random) => Scenario;

/** The request is lost without an effect, and the restores of two other clients cross. */
const lostAndCrossed: Template = (scenario, random) =>
  compose(scenario, random, [lost(random, 'before')], crossed);

/** The same, but ours takes place, at once or late. */
const doneAndCrossed: Template = (scenario, random) =>
  compose(scenario, random, [random.chance(0.6) ? lost(random, 'after') : late(scenario, random)], crossed);

/** A final or retryable rejection while the restores of two other clients cross. */
const refusedAndCrossed: Template = (scenario, random) => {
  const status = random.pick([400, 403, 404, 409, 429, 503]);
  const no: Fault = {
    route: 'restore',
    after: 0,
    times: random.int(1, 2),
    effect: { kind: 'status', when: 'before', status, body: random.pick(['service', 'gateway', 'html']) },
  };
  return compose(scenario, random, [no], crossed);
};

/** Ours has just ended, and somebody restores another backup into the disk. */
const overwrittenAfterwards: Template = (scenario, random) => {
  const faults = random.chance(0.7) ? [lost(random, 'after')] : [];
  return compose(scenario, random, faults, (told) => overwrite(told, random, 'end'));
};

/** Ours is under way, and somebody restores another backup into the disk, as far as the cloud lets him. */
const overwrittenMeanwhile: Template = (scenario, random) => {
  const faults = random.chance(0.5) ? [lost(random, random.pick(['before', 'after']))] : [];
  return compose(scenario, random, faults, (told) => overwrite(told, random, 'request'));
};

/** Ours fails, and an operator sets the status of the disk back; somebody may go on and restore into it. */
const resetAfterFailure: Template = (scenario, random) =>
  compose(
    scenario,
    random,
    [
      ...(random.chance(0.4) ? [lost(random, 'after')] : []),
      ...(random.chance(0.3) ? [noMessages(random)] : []),
    ],
    () => ({ kind: 'fail', entry: 0, since: 'request', after_ms: 100 }),
    reset,
    ...(random.chance(0.4) ? [(told: Scenario) => overwrite(told, random, 'end')] : []),
  );

/** The request is lost without an effect, and another client asks for the very same. */
const sameByAnotherClient: Template = (scenario, random) =>
  compose(scenario, random, [lost(random, 'before')], () => ({
    kind: 'restore_same',
    after_ms: random.skewed(500, 60_000),
    entry: 0,
  }));

const TEMPLATES: readonly Template[] = [
  lostAndCrossed,
  lostAndCrossed,
  lostAndCrossed,
  doneAndCrossed,
  refusedAndCrossed,
  overwrittenAfterwards,
  overwrittenMeanwhile,
  resetAfterFailure,
  resetAfterFailure,
  sameByAnotherClient,
];

/** Two restores at most, the first from a backup of its own disk or of another one; a run that may be killed, and others after it. */
function compose(
  scenario: Scenario,
  random: Random,
  faults: readonly Fault[],
  ...actions: readonly ((scenario: Scenario, random: Random) => ConcurrentEvent)[]
): Scenario {
  const disks = Math.max(scenario.disks, 3);
  const backups_per_disk = 2;
  const own = random.chance(0.6);
  const manifest: Entry[] = [
    { set: 'one', name: 'r0', disk: 0, backup: own ? 0 : backups_per_disk, generation: 1 },
    ...(random.chance(0.3)
      ? [{ set: 'one', name: 'r1', disk: 2, backup: 2 * backups_per_disk, generation: 1 }]
      : []),
  ];
  const bent: Scenario = {
    ...scenario,
    disks,
    backups_per_disk,
    job_ms: random.chance(0.2) ? random.int(500, 4_000) : random.skewed(4_000, 600_000),
    manifest,
    faults: [
      ...faults,
      ...(random.chance(0.2) ? scenario.faults.filter(({ route }) => route !== 'restore') : []),
    ],
  };
  const settings = { ...bent.settings, after_ambiguous: random.chance(0.8) ? 'retry' : 'stop' } as const;
  const meanwhile = actions.map((action) => action(bent, random));
  return { ...bent, settings, steps: stepsWith(bent, random, meanwhile) };
}

function stepsWith(scenario: Scenario, random: Random, actions: readonly ConcurrentEvent[]): Step[] {
  const quiet = { edits: [], machine: 0, operator: false, processFaults: [], meanwhile: [] } as const;
  const killed: ConcurrentEvent[] = random.chance(0.4)
    ? [{ kind: 'kill', since: 'request', entry: 0, after_ms: drawGap(scenario, random) }]
    : [];
  const first: Step = {
    ...quiet,
    command: random.pick(['apply', 'apply', 'apply', 'submit'] as const),
    meanwhile: [...killed, ...actions],
    pause_ms: killed.length > 0 ? random.skewed(0, 30_000) : random.skewed(0, 200_000),
  };
  const rest = random.some(
    0,
    2,
    (): Step => ({
      ...quiet,
      command: random.pick(['apply', 'apply', 'wait'] as const),
      pause_ms: random.skewed(0, 200_000),
    }),
  );
  return [first, ...rest];
}

function crossed(scenario: Scenario, random: Random): ConcurrentEvent {
  if (random.chance(0.2)) return crossedAtARead(random);
  return {
    kind: 'crossed',
    entry: 0,
    since: 'request',
    after_ms: random.chance(0.7) ? random.skewed(0, 30_000) : drawGap(scenario, random),
    gap_ms: drawGap(scenario, random),
    first: random.pick(['disk', 'disk', 'backup']),
    from: random.pick(['own', 'own', 'foreign']),
    ...(random.chance(0.3)
      ? { length: [drawLength(scenario, random), drawLength(scenario, random)] as const }
      : {}),
  };
}

/** One begins right before the second look after the request, the other right after it, within the same second or the next. */
function crossedAtARead(random: Random): ConcurrentEvent {
  return {
    kind: 'crossed',
    entry: 0,
    since: 'request',
    after_ms: READ_MS + random.int(-100, 40),
    gap_ms: random.int(80, 900),
    first: random.pick(['disk', 'disk', 'backup']),
    from: 'own',
  };
}

function overwrite(scenario: Scenario, random: Random, since: 'request' | 'end'): ConcurrentEvent {
  return {
    kind: 'overwrite',
    entry: 0,
    since,
    after_ms: random.chance(0.6) ? random.skewed(0, 4_000) : drawGap(scenario, random),
    from: random.pick(['own', 'own', 'foreign']),
    ...(random.chance(0.4) ? { length_ms: drawLength(scenario, random) } : {}),
    ...(random.chance(0.15) ? { fails: true } : {}),
  };
}

function reset(_: Scenario, random: Random): ConcurrentEvent {
  return {
    kind: 'reset',
    entry: 0,
    since: 'end',
    after_ms: random.chance(0.7) ? random.skewed(0, 10_000) : random.skewed(0, 300_000),
  };
}

/** Between the beginnings of two restores: none, less than a look apart, at a look, and up to beyond settle. */
function drawGap({ job_ms, settings }: Scenario, random: Random): number {
  const settle = settings.settle_ms ?? DEFAULT_SETTLE_MS;
  const gap = random.pick<() => number>([
    () => 0,
    () => random.int(1, 200),
    () => random.int(200, 1_500),
    () => random.int(1_000, 4_000),
    () => READ_MS * random.int(1, 8) + random.int(-60, 60),
    () => random.skewed(1, job_ms),
    () => Math.max(0, job_ms + random.int(-3_000, 3_000)),
    () => settle + random.int(-3_000, 30_000),
  ])();
  return Math.round(gap);
}

function drawLength({ job_ms }: Scenario, random: Random): number {
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

function late({ settings }: Scenario, random: Random): Fault {
  const settle = settings.settle_ms ?? DEFAULT_SETTLE_MS;
  const after_ms = random.int(0, Math.round(settle * 0.7));
  return {
    route: 'restore',
    after: 0,
    times: 1,
    effect: { kind: 'late_start', after_ms, answer: { status: 504, body: 'gateway' } },
  };
}

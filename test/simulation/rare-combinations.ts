import type { Random } from './random.ts';
import type { ConcurrentEvent, Edit, Entry, Fault, Scenario, Step } from './scenario.ts';
import type { ProcessFault } from './sim-process.ts';

/**
 * What rarely happens by chance: each combination changes a scenario so that two events meet at the right moment, and
 * leaves the rest as it was drawn.
 */
const COMBINATIONS = [
  oldReads,
  similarRestores,
  longQueue,
  sharedBackup,
  longWait,
  movedBetween,
  wrongAnswers,
  failures,
] as const;

/** About what is found out and asked for between two requests. */
const BETWEEN_REQUESTS = [settledThenRefused, begunThenRaised, protectedMeanwhile, askedToPause] as const;

/** About what came before: an end of another restore, an earlier declaration, a former holder, a place taken. */
const AFTER_EARLIER_RUNS = [failedBefore, doneBefore, foldedTooLate, slotBeforePause] as const;

/** Every eighth scenario has one of the first list, in turn, and every sixteenth one of each other list. */
export function withRareCombination(scenario: Scenario, random: Random): Scenario {
  const { seed } = scenario;
  if (seed % 8 === 0) return COMBINATIONS[(seed / 8) % COMBINATIONS.length]?.(scenario, random) ?? scenario;
  if (seed % 8 !== 7) return scenario;
  const combinations = seed % 16 === 7 ? BETWEEN_REQUESTS : AFTER_EARLIER_RUNS;
  return combinations[Math.floor(seed / 16) % combinations.length]?.(scenario, random) ?? scenario;
}

/** Right after an acceptance by Cinder, which has no job to ask, disk and backup are read from an old copy, both at once. */
function oldReads(scenario: Scenario, random: Random): Scenario {
  const lag_ms = Math.min(10_000, settleOf(scenario) / 10);
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
    ...scenario,
    api: 'cinder',
    queue_ms: 0,
    job_ms: random.skewed(500, 60_000),
    manifest: scenario.manifest.slice(0, 2),
    faults,
    steps: firstWith(scenario),
  };
}

/** The first of several restores, one after the other, fails. */
function failures(scenario: Scenario, random: Random): Scenario {
  const manifest = [0, 1, 2].map((disk) => ({
    set: 'one',
    name: `r${disk}`,
    disk,
    backup: disk * scenario.backups_per_disk,
    generation: 1,
  }));
  const effect = random.pick([
    { kind: 'status', when: 'before', status: 403, body: 'service' },
    { kind: 'restore_fails', touched: true },
  ] as const);
  return {
    ...scenario,
    disks: Math.max(scenario.disks, 3),
    settings: { ...scenario.settings, parallelism: 1, max_failures: 1 },
    manifest,
    faults: [{ route: 'restore', after: 0, times: 1, effect }],
    steps: firstWith(scenario),
  };
}

/** The request is lost before it had an effect, and other clients move its disk and its backup, each with another. */
function similarRestores(scenario: Scenario, random: Random): Scenario {
  const meanwhile: ConcurrentEvent = { kind: 'restore_both', after_ms: random.int(2_000, 30_000), entry: 0 };
  return {
    ...scenario,
    disks: Math.max(scenario.disks, 2),
    job_ms: random.int(5_000, 90_000),
    faults: [lost(random)],
    steps: firstWith(scenario, meanwhile),
  };
}

/** Restores wait long in the queue: the cloud shows a lag that raises settle. */
function longQueue(scenario: Scenario, random: Random): Scenario {
  const settle = settleOf(scenario);
  return {
    ...scenario,
    api: 'vbs',
    disks: Math.max(scenario.disks, 3),
    settings: { ...scenario.settings, after_ambiguous: 'retry', parallelism: 10, timeout_ms: 7_200_000 },
    queue_ms: random.int(Math.ceil(settle * 0.4), Math.ceil(settle * 0.8)),
    manifest: threeDisks(scenario),
    faults: [{ ...lost(random), disk: 0 }],
    steps: firstWith(scenario),
  };
}

/** Several restores from one backup, handed over one after the other while the first still waits in its queue. */
function sharedBackup(scenario: Scenario, random: Random): Scenario {
  const disks = Math.max(scenario.disks, 3);
  const settings = { ...scenario.settings, ...(random.chance(0.5) ? { timeout_ms: 60_000 } : {}) };
  const settle = settings.settle_ms ?? 120_000;
  const [first, ...rest] = firstWith(scenario);
  return {
    ...scenario,
    api: 'vbs',
    disks,
    settings,
    queue_ms: Math.round(settle * 0.25),
    manifest: [0, 1, 2].map((disk) => ({ set: 'one', name: `r${disk}`, disk, backup: 0, generation: 1 })),
    faults: scenario.faults.filter(({ route }) => route !== 'restore'),
    steps: [...(first ? [{ ...first, command: 'submit' as const }] : []), ...rest],
  };
}

/** A request is lost, and its backup is in use for hours: nothing can be told within the timeout. */
function longWait(scenario: Scenario, random: Random): Scenario {
  const meanwhile: ConcurrentEvent = {
    kind: 'restore_elsewhere',
    after_ms: random.int(1_000, 20_000),
    entry: 0,
  };
  return {
    ...scenario,
    disks: Math.max(scenario.disks, 2),
    job_ms: random.int(2, 6) * 3_600_000,
    settings: { ...scenario.settings, timeout_ms: 60_000, give_up_after_ms: 60_000 },
    faults: [lost(random)],
    steps: firstWith(scenario, meanwhile),
  };
}

/** Each request is lost, until the pause before the next one outlasts settle; then the disks are attached for a moment. */
function movedBetween(scenario: Scenario, random: Random): Scenario {
  const meanwhile = [0, 1, 2].map(
    (disk): ConcurrentEvent => ({
      kind: 'attach',
      disk,
      after_ms: random.int(230_000, 800_000),
      for_ms: random.int(1_000, 10_000),
    }),
  );
  return {
    ...scenario,
    disks: Math.max(scenario.disks, 3),
    job_ms: Math.min(scenario.job_ms, 20_000),
    settings: {
      settle_ms: 30_000,
      after_ambiguous: 'retry',
      max_failures: 0,
      timeout_ms: 7_200_000,
      give_up_after_ms: 900_000,
    },
    manifest: threeDisks(scenario),
    faults: [{ ...lost(random), times: 100 }],
    steps: firstWith(scenario, ...meanwhile),
  };
}

/** A request is lost, settle shows that it did nothing, and the repeat is refused for good. */
function settledThenRefused(scenario: Scenario, random: Random): Scenario {
  const status = random.pick([403, 404, 405, 413]);
  return {
    ...scenario,
    settings: { ...scenario.settings, after_ambiguous: 'retry', timeout_ms: 7_200_000 },
    manifest: scenario.manifest.slice(0, 1),
    faults: [
      lost(random),
      {
        route: 'restore',
        after: 0,
        times: 1,
        effect: { kind: 'status', when: 'before', status, body: 'service' },
      },
    ],
    steps: firstWith(scenario),
  };
}

/** A request is lost, the run is killed, and before the next one the operator raises the generation. */
function begunThenRaised(scenario: Scenario, random: Random): Scenario {
  return killedAndEdited(scenario, random, { kind: 'raise', entry: 0 });
}

/** A request is lost, the run is killed, and before the next one the policy protects the disk. */
function protectedMeanwhile(scenario: Scenario, random: Random): Scenario {
  return killedAndEdited(scenario, random, { kind: 'protect', entry: 0 });
}

function killedAndEdited(scenario: Scenario, random: Random, edit: Edit): Scenario {
  const kill: ConcurrentEvent = { kind: 'kill', since: 'request', entry: 0, after_ms: random.int(0, 90_000) };
  const [first] = firstWith(scenario, kill);
  const next: Step = {
    edits: [edit],
    command: random.pick(['wait', 'apply', 'apply'] as const),
    machine: 0,
    operator: false,
    processFaults: [],
    meanwhile: [],
    pause_ms: random.skewed(0, 60_000),
  };
  return {
    ...scenario,
    settings: { ...scenario.settings, after_ambiguous: 'retry' },
    manifest: scenario.manifest.slice(0, 1),
    faults: [lost(random)],
    steps: first ? [{ ...first, pause_ms: random.skewed(0, 60_000) }, next] : [],
  };
}

/** Several restores at a time, and the cloud asks to send less, whatever the request was. */
function askedToPause(scenario: Scenario, random: Random): Scenario {
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
    ...scenario,
    disks: Math.max(scenario.disks, 3),
    settings: { ...scenario.settings, parallelism: 10, timeout_ms: 7_200_000 },
    manifest: threeDisks(scenario),
    faults: random.some(1, 3, asks),
    steps: firstWith(scenario),
  };
}

/** One restore after the other, each only after the one before it, and the first fails. */
function failedBefore(scenario: Scenario, random: Random): Scenario {
  const chained = threeDisks(scenario).map((entry, index) =>
    index === 0 ? entry : { ...entry, after: `r${random.int(0, index - 1)}` },
  );
  return {
    ...failures(scenario, random),
    settings: { ...scenario.settings, max_failures: 0 },
    manifest: chained,
  };
}

/** A restore is done, another one takes its place, and then the first is declared again. */
function doneBefore(scenario: Scenario, random: Random): Scenario {
  const exchange = (backup: number): Edit => ({ kind: 'exchange', entry: 0, backup });
  const renamed: Edit[] = random.chance(0.3) ? [{ kind: 'rename', entry: 0 }] : [];
  const apply = (...edits: readonly Edit[]): Step => ({
    edits,
    command: 'apply',
    machine: 0,
    operator: false,
    processFaults: [],
    meanwhile: [],
    pause_ms: random.skewed(0, 60_000),
  });
  return {
    ...scenario,
    backups_per_disk: 2,
    job_ms: Math.min(scenario.job_ms, 60_000),
    manifest: [{ set: 'one', name: 'r0', disk: 0, backup: 0, generation: 1 }],
    faults: random.chance(0.7) ? [] : scenario.faults.filter(({ route }) => route !== 'restore'),
    steps: [apply(), apply(exchange(1)), apply(...renamed, exchange(0))],
  };
}

/** Frozen right before it folds its journal into the state, taken for dead, and woken up while or after the next one works. */
function foldedTooLate(scenario: Scenario, random: Random): Scenario {
  const fault: ProcessFault = {
    kind: 'freeze',
    at: { op: random.pick(['replace', 'remove']), nth: random.int(1, 4), when: 'before' },
    for_ms: random.skewed(2_000, 300_000),
    takeover_ms: random.skewed(200, 2_000),
  };
  const [first] = firstWith(scenario);
  const next: Step = {
    edits: [{ kind: 'raise', entry: 0 }],
    command: 'apply',
    machine: random.pick([0, 1]),
    operator: false,
    processFaults: [],
    meanwhile: [],
    pause_ms: 300_000,
  };
  return {
    ...scenario,
    job_ms: random.skewed(500, 120_000),
    faults: [],
    steps: first ? [{ ...first, processFaults: [fault], pause_ms: 0 }, next] : [],
  };
}

/** One restore has its place for a request, but its last look takes long; meanwhile the cloud asks another one to pause. */
function slotBeforePause(scenario: Scenario, random: Random): Scenario {
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
    ...scenario,
    disks: Math.max(scenario.disks, 3),
    settings: { ...scenario.settings, parallelism: 10, timeout_ms: 7_200_000 },
    manifest: threeDisks(scenario),
    faults: [slow, asks],
    steps: firstWith(scenario),
  };
}

/** Answers about another disk or backup than was asked about. */
function wrongAnswers(scenario: Scenario, random: Random): Scenario {
  const mixUp = (route: 'restore' | 'volume' | 'backup'): Fault => ({
    route,
    after: route === 'restore' ? 0 : random.int(0, 4),
    times: random.int(1, 3),
    effect: { kind: 'wrong_answer' },
  });
  return { ...scenario, faults: [mixUp('restore'), mixUp(random.pick(['volume', 'backup'] as const))] };
}

function lost(random: Random): Fault {
  const effect = random.pick([
    { kind: 'reset', when: 'before' },
    { kind: 'status', when: 'before', status: 504, body: 'gateway' },
  ] as const);
  return { route: 'restore', after: 0, times: 1, effect };
}

/** The first step is an undisturbed `apply`, but for this. */
function firstWith(scenario: Scenario, ...meanwhile: readonly ConcurrentEvent[]): readonly Step[] {
  const [first, ...rest] = scenario.steps;
  return first ? [{ ...first, command: 'apply', processFaults: [], meanwhile }, ...rest] : [];
}

function settleOf({ settings }: Scenario): number {
  return settings.settle_ms ?? 120_000;
}

/** The first three disks, each from its first backup. */
export function threeDisks({ backups_per_disk }: Scenario): Entry[] {
  return [0, 1, 2].map((disk) => ({
    set: 'one',
    name: `r${disk}`,
    disk,
    backup: disk * backups_per_disk,
    generation: 1,
  }));
}

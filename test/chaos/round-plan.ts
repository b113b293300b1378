import type { FaultPlan, RouteKind } from '../../src/emulator/index.ts';

/** What befalls one round, drawn from its seed alone. What the machine adds is time. */
export interface RoundPlan {
  readonly seed: number;
  readonly api: 'vbs' | 'cinder';
  readonly disks: number;
  /** Disks that are restored from the backup of the disk before them: two restores want one backup. */
  readonly shared: readonly number[];
  readonly jobDurationMs: number;
  readonly queueMs: number;
  readonly settleMs: number;
  readonly parallelism: number;
  readonly afterAmbiguous: 'retry' | 'stop';
  readonly faults: NonNullable<FaultPlan['seeded']>;
  /** One run of `apply` each; what is left then is run until it is done. */
  readonly acts: readonly Act[];
}

/** When something happens to a run of the program. */
export type Moment =
  /** After its first request. */
  | { readonly at: 'time'; readonly ms: number }
  /**
   * While the answer to its `nth` restore is outstanding. The cloud never acts on it (`never`), has acted
   * (`done`), or acts `late_ms` after the client is gone.
   */
  | {
      readonly at: 'in_flight';
      readonly nth: number;
      readonly effect: 'never' | 'done' | { late_ms: number };
    }
  /** As the answer to its `nth` restore leaves the cloud. */
  | { readonly at: 'answer'; readonly nth: number };

export type Act =
  | { readonly kind: 'kill'; readonly when: Moment }
  /** SIGSTOP; a person unlocks and applies again; SIGCONT, with the second one over or in the middle of it. */
  | { readonly kind: 'freeze'; readonly when: Moment; readonly wake: 'after' | { readonly ms: number } }
  /**
   * The request for one disk is lost, and the restores of two strangers cross: one writes another backup into that
   * disk, the other reads its backup into a disk that nobody declared. `gap_ms`: between their beginnings.
   */
  | {
      readonly kind: 'crossed';
      readonly disk: number;
      readonly effect: 'never' | 'done';
      readonly after_ms: number;
      readonly gap_ms: number;
      readonly first: 'disk' | 'backup';
      readonly from: 'own' | 'foreign';
      /** From the request on. */
      readonly kill_ms?: number;
    }
  | { readonly kind: 'two'; readonly patient: boolean; readonly apart_ms: number }
  | {
      readonly kind: 'stop';
      readonly when: Moment;
      readonly signal: NodeJS.Signals;
      readonly twice: boolean;
    };

/** Longest delay of a late start, ms. Settle has to be longer: what comes later still is the known residue. */
const LATE_MS_MAX = 1_000;
/** A request that was frozen before it left may leave so long after its intent, ms (`INTENT_FRESH_MS`). */
const FRESH_MS = 5_000;

export function planRound(seed: number): RoundPlan {
  const draw = randomNumbers(seed);
  const below = (n: number) => Math.floor(draw() * n);
  const pick = <T>(...options: readonly T[]): T => options[below(options.length)] as T;
  const some = (share: number) => draw() < share;

  const moment = (): Moment => {
    const kind = below(10);
    const nth = 1 + below(3);
    if (kind < 4) return { at: 'time', ms: below(900) };
    if (kind < 8)
      return {
        at: 'in_flight',
        nth,
        effect: pick<'never' | 'done' | { late_ms: number }>('never', 'done', 'done', {
          late_ms: below(LATE_MS_MAX),
        }),
      };
    return { at: 'answer', nth };
  };
  const act = (): Act => {
    const kind = below(20);
    if (kind < 11) return { kind: 'kill', when: moment() };
    if (kind < 14)
      return { kind: 'freeze', when: moment(), wake: some(0.5) ? 'after' : { ms: 200 + below(4_000) } };
    if (kind < 16) return { kind: 'two', patient: some(0.5), apart_ms: below(300) };
    return { kind: 'stop', when: moment(), signal: pick('SIGINT', 'SIGTERM', 'SIGHUP'), twice: some(0.3) };
  };

  const disturbed = Array.from({ length: 1 + below(4) }, act);
  const frozen = disturbed.some(({ kind }) => kind === 'freeze');
  const disks = 3 + below(4);
  const crossed = (): Act => ({
    kind: 'crossed',
    disk: below(disks),
    effect: pick('never', 'never', 'done'),
    after_ms: below(800),
    gap_ms: pick(0, below(300), 1_000 + below(500), 1_000 + below(3_000)),
    first: pick('disk', 'disk', 'backup'),
    from: pick('own', 'foreign'),
    ...(some(0.4) ? { kill_ms: below(4_000) } : {}),
  });
  const plan: Omit<RoundPlan, 'acts'> = {
    seed,
    api: some(0.25) ? 'cinder' : 'vbs',
    disks,
    shared: Array.from({ length: disks - 1 }, (_, n) => n + 1).filter(() => some(0.15)),
    jobDurationMs: 300 + below(2_500),
    queueMs: pick(0, 50, 300),
    // A frozen run may send what is fresh when it wakes; with the default settle of two minutes that is covered.
    settleMs: frozen ? FRESH_MS + 1_000 : LATE_MS_MAX + 1_000,
    parallelism: pick(2, 3, 10),
    afterAmbiguous: some(0.15) ? 'stop' : 'retry',
    faults: {
      seed,
      rates: some(0.2)
        ? {}
        : {
            status: 0.08,
            reset: 0.05,
            hang: 0.02,
            cut: 0.03,
            garbage: 0.03,
            slow: 0.05,
            late_start: 0.05,
            duplicate: 0.03,
            token_expiry: 0.02,
            huge: 0.002,
            job_vanishes: 0.01,
            job_entities_mismatch: 0.01,
            restore_fails: 0.03,
          },
      // Faults of reads end a run before it begins, so most rounds are about what is sent and followed.
      ...pick<{ routes?: RouteKind[] }>({}, { routes: ['restore'] }, { routes: ['restore', 'job'] }),
      per_resource_max: 2,
    },
  };
  // Drawn last, so that the other rounds stay as they were.
  const strangers = some(0.6) ? [crossed()] : [];
  return { ...plan, acts: some(0.5) ? [...strangers, ...disturbed] : [...disturbed, ...strangers] };
}

/** Numbers in [0, 1) from a seed. */
export function randomNumbers(seed: number): () => number {
  let state = Math.imul(seed, 2_654_435_761) >>> 0;
  const next = () => {
    // xorshift32 over a stirred seed: neighbouring seeds tell different rounds.
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
  state ||= 1;
  for (let n = 0; n < 8; n++) next();
  return next;
}

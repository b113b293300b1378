import type { Reply } from './answer-table.ts';
import { begunBy, type Endings, endingsOf } from './endings.ts';
import { LeaseRules, type LeaseSettings } from './lease-rules.ts';
import { ProcessRules, type Rules, type Sent } from './process-rules.ts';
import { ReadLog } from './read-log.ts';
import { StateReader, type StoredAttempt, type StoredRecord, type StoredState } from './stored-state.ts';
import { type SuccessException, truthOfSuccess } from './success-rules.ts';

/**
 * Judges a simulated life of vbsctl. It knows what truly happened in the cloud (the cloud's own list of restores),
 * what left the program's processes (the network's log), and what the state's files hold of it after every change
 * that would survive a power failure. It shares no code with what it judges, and asks it nothing.
 */

/** The promises, each by its name. */
export const CLAUSES = {
  'double-start':
    'two starts caused by vbsctl for one (disk, backup, generation), and nobody resolved between',
  'accepted-restore-recorded': 'a restore that the cloud accepted is missing from the state',
  'false-success': 'called succeeded although the cloud had not done it, or another client had',
  'false-untouched': 'called failed and untouched, and the disk was touched',
  'intent-before-request': 'a request left without a durable intent',
  'fresh-intent': 'a request left more than five seconds after its intent was durable',
  'read-before-request': 'a request left although disk and backup were not read since the last one',
  'one-at-a-time': 'two restores of vbsctl’s on one disk or one backup at the same time',
  'as-planned': 'a request that the plan of its run did not show',
  'after-ambiguous-stop': 'with `after_ambiguous: stop`, a request in doubt was repeated',
  'resolve-while-restoring': '`resolve --as not-started` was accepted while the disk was being restored',
  'dependencies-first': 'a restore started before its dependencies had succeeded',
  'wait-starts-nothing': '`vbsctl wait` started something',
  'no-restart-after-end':
    'a restore started again that had succeeded, was unknown or may have touched the disk',
  'open-restore-kept': 'an open restore vanished from the state, or the serial went back',
  'outcome-durable-first': 'the run reported an outcome that its state does not hold',
  'remedy-named': 'an open restore that the plan does not list, or lists without a remedy',
  'answer-table': 'an answer was classified wrongly, or what followed is not allowed after it',
  'settle-before-repeat': 'a request in doubt was repeated before settle had passed',
  'no-needless-settle': 'the run waited for settle although nothing had been sent',
  baseline: 'a request left whose baseline cannot show the restore, or is not what the disk shows',
  limits: 'more was started after max_failures, or a restore outlasted its timeout',
  'success-observed': 'called succeeded without having read that it is',
  'needless-doubt':
    'called maybe touched, although each request was settled or refused and the disk did not change',
  'remedy-not-repeated': 'the remedy that a plan named had no effect, and the next plan names it again',
  policy: 'a request for a disk that the policy of its run protects',
  'pause-kept': 'a request left although the cloud had asked the run to send nothing for a while',
  'evidence-used': 'the run gave up although its last read showed the restore under way or done',
  'one-restore-per-volume': 'a plan that restores one disk twice',
  'no-early-takeover': 'a lock was taken over before its time to live and settle had passed',
  'lease-outlasts-request': 'a request left that could outlast the lease of its run',
  'former-holder-fenced': 'a former holder overwrote what the next one had written',
  'acknowledged-commit-kept':
    'a commit was acknowledged that the next holder of the lock may never have seen',
  'no-write-after-failure': 'a run wrote its state again after a commit of it had failed',
  'only-own-lock-removed': 'a run removed the lock of another run',
  'writable-state-used': 'a run gave up a state that it held and could write',
  'unsaved-job-kept': 'a run learnt a job id, could not save it, and left no errored.state.json with it',
  'run-ends': 'a run that does not end, or leaves a restore of its plan without an end',
  'restores-end': 'in the final phase a declared restore does not come to its end',
  bug: 'the program failed with something that is none of its own errors',
} as const;
export type Clause = keyof typeof CLAUSES;

export interface Violation {
  readonly clause: Clause;
  readonly what: string;
}

/** A restore that the cloud took on, by its own account. Times are epoch ms. */
export interface TrueRestore {
  readonly id: string;
  readonly volume_id: string;
  readonly backup_id: string;
  readonly request_id: string;
  readonly cause: string;
  readonly phase: 'queued' | 'running' | 'succeeded' | 'failed';
  readonly accepted_ms: number;
  readonly started_ms: number | null;
  readonly ended_ms: number | null;
  /** Restores that wrote the same disk or read the same backup at the same time. */
  readonly overlapped_with: readonly string[];
}

/** What cannot be told apart without the cloud's help; counted, by name. */
export type KnownException =
  | SuccessException
  /** One request, delivered twice by the network, was taken on twice by the cloud. */
  | 'delivered-twice';

interface Post {
  readonly request_id: string;
  readonly process: string;
  readonly volume_id: string;
  readonly backup_id: string;
  /** Undefined when no intent stood for it. */
  readonly key: string | undefined;
}

export interface Planned {
  readonly volume_id: string;
  readonly backup_id: string;
  /** GB of the disk, as shown. */
  readonly size: number | undefined;
  readonly depends_on: readonly string[];
}

interface Run {
  readonly command: string;
  readonly isProtected: ReadonlySet<string>;
  /** Disk and backup of what the plan starts or resumes → the rest of it. */
  readonly planned: Map<string, Planned>;
  /** What was read with success since the last request for it, and what it said. */
  readonly seen: Map<string, string>;
  /** Disk or backup → when it was last read, monotonic ms. */
  readonly readAt: Map<string, number>;
}

/** What does not change in a scenario. */
export interface CheckerSettings {
  /** Path of the snapshot; the journal lies beside it. */
  readonly state: string;
  readonly after_ambiguous: 'retry' | 'stop';
  readonly rules: Rules;
  /** Backup → the disk that it was made of. */
  readonly sources: ReadonlyMap<string, string>;
  /** Where the state's lock has an end. */
  readonly lease?: LeaseSettings;
}

const FRESH_MS = 5_000;
/** An answer is so old when it is read. */
const ONE_WAY_MS = 10;
/** One way over the simulated network, and a moment. */
const FRESH_SLACK_MS = 100;

export class Checker {
  readonly violations: Violation[] = [];
  readonly exceptions = new Map<KnownException, number>();
  readonly #state: string;
  readonly #settings: CheckerSettings;
  readonly #reader = new StateReader();
  readonly #posts = new Map<string, Post>();
  readonly #runs = new Map<string, Run>();
  /** Key → which attempt is durable, and since when (monotonic ms). */
  readonly #intents = new Map<string, { readonly nth: string; readonly at: number }>();
  readonly #judgedSuccesses = new Set<string>();
  readonly #reads = new ReadLog();
  /** Disk → when somebody set its status back, epoch ms. */
  readonly #resets = new Map<string, number[]>();
  /** Key → `now`: when the disk or backup of its baseline was read, epoch ms; `at`: when it was begun, monotonic ms. */
  readonly #begun = new Map<string, { readonly now: number; readonly at: number }>();
  /** Restores that were begun before the final phase. */
  #begunByThen: ReadonlySet<string> | undefined;
  readonly #known = new Set<string>();
  readonly processRules: ProcessRules;
  readonly lease: LeaseRules | undefined;
  /** Process → ids of the jobs that it was told of; and the text of what it could not save. */
  readonly #told = new Map<string, { readonly jobs: string[]; left: string }>();
  #storedState: StoredState | undefined;
  #open = new Map<string, string>();
  #closedCount = 0;
  #jobs: readonly TrueRestore[] = [];

  constructor(world: CheckerSettings) {
    this.#state = world.state;
    this.#settings = world;
    this.processRules = new ProcessRules(
      world.rules,
      (clause, what) => this.#violated(clause, what),
      (record) => this.#isDisturbed(record),
    );
    this.lease = world.lease && new LeaseRules(world.lease, (clause, what) => this.#violated(clause, what));
  }

  get storedState(): StoredState | undefined {
    return this.#storedState;
  }

  /** A process began. `isProtected`: disks that its policy lets nobody overwrite. */
  /** `wall`: by the clock of its machine, epoch ms. */
  began(process: string, command: string, isProtected: ReadonlySet<string>, at: number, wall: number): void {
    this.processRules.began(process, at, wall);
    const run = {
      command,
      isProtected: new Set(isProtected),
      planned: new Map(),
      seen: new Map(),
      readAt: new Map(),
    };
    this.#runs.set(process, run);
    this.#told.set(process, { jobs: [], left: '' });
  }

  planned(process: string, plan: readonly Planned[]): void {
    const disks = new Set<string>();
    for (const one of plan) {
      this.#runs.get(process)?.planned.set(`${one.volume_id} ${one.backup_id}`, one);
      if (disks.has(one.volume_id))
        this.#violated('one-restore-per-volume', `${process}: disk ${one.volume_id}`);
      disks.add(one.volume_id);
    }
  }

  /** A process read a disk or backup, and the cloud answered with it. */
  observed(process: string, id: string, text: string, at: number): void {
    const run = this.#runs.get(process);
    if (isAbout(text, id)) run?.seen.set(id, text);
    else run?.seen.delete(id);
    run?.readAt.set(id, at);
    this.#reads.observed(process, id, statusIn(text), at);
    this.processRules.observed(process, id, text, at);
  }

  /** A process gives a restore's request to the network. Times are monotonic ms. */
  sends(process: string, pair: { readonly volume_id: string; readonly backup_id: string }): Sent {
    return this.processRules.sends(process, pair, this.#storedState);
  }

  reply(sent: Sent, reply: Reply, at: number): void {
    this.processRules.reply(sent, reply, at);
    if (sent.reply?.as === 'accepted' && reply.kind === 'answer')
      this.#told.get(sent.process)?.jobs.push(...jobIn(reply.text));
  }

  /** What a run could not save, as it left it for people. */
  leftBehind(process: string, text: string): void {
    const told = this.#told.get(process);
    if (told) told.left = text;
  }

  /** A restore's request left a process. `at`: monotonic ms; `now`: true epoch ms. */
  posted(
    process: string,
    post: { readonly request_id: string; readonly volume_id: string; readonly backup_id: string },
    at: number,
    now: number,
  ): void {
    const { volume_id, backup_id, request_id } = post;
    const pair = `disk ${volume_id} from ${backup_id}`;
    const record = [...(this.#storedState?.records.values() ?? [])].find(
      (r) => r.status === 'intended' && r.volume_id === volume_id && r.backup_id === backup_id,
    );
    const standing = record?.attempts.at(-1)?.answer === undefined && record;
    // A process that was frozen a moment ago may have lost its lease; then its own fresh intent is what counts.
    const fresh = [...this.#intents].find(
      ([of, { at: since }]) => of.startsWith(`${volume_id} ${backup_id} `) && at - since <= FRESH_MS,
    );
    const key = standing ? keyOf(standing) : fresh?.[0];
    if (!key)
      this.#violated(
        'intent-before-request',
        `${pair}: ${record ? 'its last intent is answered' : 'no record'}`,
      );
    const run = this.#runs.get(process);
    this.lease?.posted(process, pair, at);
    if (standing) {
      const intendedAt = this.#intents.get(keyOf(standing))?.at ?? at;
      this.processRules.posted(process, post, this.#storedState, intendedAt, at, now);
    }
    if (key) {
      const since = at - (this.#intents.get(key)?.at ?? Number.NEGATIVE_INFINITY);
      if (since > FRESH_MS + FRESH_SLACK_MS) this.#violated('fresh-intent', `${pair}: ${since} ms old`);
      const repeated = (standing ? standing.attempts : []).slice(0, -1).some(isInDoubt);
      if (repeated && this.#settings.after_ambiguous === 'stop') this.#violated('after-ambiguous-stop', pair);
      const closed = this.#closedAs(key);
      if (closed) this.#violated('no-restart-after-end', `${pair} is ${closed}`);
    }
    if (run) {
      const seenSize = sizeIn(run.seen.get(volume_id));
      if (!run.seen.delete(volume_id) || !run.seen.delete(backup_id))
        this.#violated('read-before-request', pair);
      if (run.isProtected.has(volume_id)) this.#violated('policy', pair);
      if (run.command === 'wait') this.#violated('wait-starts-nothing', pair);
      const plan = run.planned.get(`${volume_id} ${backup_id}`);
      if (!plan) this.#violated('as-planned', pair);
      if (plan?.size !== undefined && seenSize !== undefined && seenSize !== plan.size)
        this.#violated('as-planned', `${pair}: ${plan.size} GB planned, ${seenSize} GB seen`);
      for (const address of plan?.depends_on ?? [])
        if (this.#storedState?.records.get(address)?.status !== 'succeeded')
          this.#violated('dependencies-first', `${pair}: before ${address}`);
    }
    this.#posts.set(request_id, { request_id, process, volume_id, backup_id, key });
  }

  /** What the cloud has taken on so far. */
  cloud(jobs: readonly TrueRestore[]): void {
    this.#jobs = jobs;
    const ours = jobs.filter((job) => this.#posts.has(job.request_id));
    for (const job of ours) if (!this.#known.has(job.id)) this.#started(job, ours);
    this.#judge();
  }

  /** What would survive a power failure now. `at`: monotonic ms; `now`: true epoch ms. */
  durable(
    files: ReadonlyMap<string, { readonly id: number; readonly durable: Buffer }>,
    at: number,
    jobs: readonly TrueRestore[],
    writer: string | undefined,
    now: number,
  ): void {
    const journal = files.get(`${this.#state}.journal`);
    const before = this.#storedState?.serial ?? 0;
    if (writer !== undefined) this.#reads.wrote(writer, at);
    this.#storedState = this.#reader.read(
      files.get(this.#state)?.durable,
      journal && { id: journal.id, bytes: journal.durable },
    );
    if (!this.#storedState) return;
    if (this.#storedState.serial < before)
      this.#violated('open-restore-kept', `serial ${this.#storedState.serial} after ${before}`);
    for (const record of this.#storedState.records.values()) {
      if (record.status !== 'intended') continue;
      const key = keyOf(record);
      const closed = this.#storedState.closed.filter((one) => keyOf(one) === key).length;
      const nth = `${closed} ${record.attempts.length}`;
      if (this.#intents.get(key)?.nth !== nth) this.#intents.set(key, { nth, at });
      if (this.#begun.has(key)) continue;
      const { volume_id, backup_id } = record;
      const looks = this.#runs.get(writer ?? '')?.readAt;
      const looked = Math.min(looks?.get(volume_id) ?? at, looks?.get(backup_id) ?? at);
      this.#begun.set(key, { now: now - (at - looked) - ONE_WAY_MS, at });
    }
    this.#nothingForgotten(this.#storedState);
    this.processRules.durable(this.#storedState, writer, at);
    this.cloud(jobs);
  }

  /** A run told how its restores ended. `fatal`: the state was not its own to write any more. */
  ended(
    process: string,
    planned: readonly string[],
    ends: readonly { readonly address: string; readonly status: string | undefined }[],
    fatal: boolean,
    interrupted: boolean,
  ): void {
    if (!interrupted) this.#jobsAreKept(process);
    const told = new Map(ends.map(({ address, status }) => [address, status]));
    if (fatal) return;
    for (const address of planned)
      if (!told.has(address)) this.#violated('run-ends', `${process}: ${address} has no end`);
    for (const [address, status] of told) {
      const record = this.#storedState?.records.get(address);
      if (status !== undefined && record?.status !== status)
        this.#violated(
          'outcome-durable-first',
          `${process}: ${address} is ${status}, durable ${record?.status}`,
        );
    }
  }

  /** Who asks to stop does not wait for an answer; everybody else's job ids are kept somewhere. */
  #jobsAreKept(process: string): void {
    const { jobs = [], left = '' } = this.#told.get(process) ?? {};
    const saved = [...(this.#storedState?.records.values() ?? []), ...(this.#storedState?.closed ?? [])];
    const kept = new Set([...saved, ...recordsIn(left)].map(({ job_id }) => job_id));
    for (const id of jobs) if (!kept.has(id)) this.#violated('unsaved-job-kept', `${process}: job ${id}`);
  }

  /** A plan, as shown: every open matter is in it, and each that is blocked says what to do. */
  shown(plan: {
    readonly actions: readonly {
      readonly kind: string;
      readonly address: string;
      readonly was?: string;
      readonly reasons?: readonly { readonly remedy?: unknown; readonly detail?: unknown }[];
    }[];
    readonly orphans: readonly { readonly address: string }[];
  }): void {
    const at = (address: string) =>
      plan.actions.filter(
        ({ address: here, was, reasons }) =>
          here === address ||
          was === address ||
          reasons?.some(({ detail }) => String(detail).includes(address)),
      );
    const orphans = new Set(plan.orphans.map(({ address }) => address));
    for (const record of this.#storedState?.records.values() ?? []) {
      const open = ['intended', 'running', 'unknown'].includes(record.status);
      const doubtful = record.status === 'failed' && record.touched === 'maybe' && !record.resolution;
      if (!open && !doubtful) continue;
      const actions = at(record.address);
      const named = open
        ? actions.some(({ kind }) => kind === 'resume' || kind === 'blocked')
        : actions.length > 0;
      if (!named && !orphans.has(record.address))
        this.#violated('remedy-named', `${record.address} (${record.status}) is not in the plan`);
    }
    for (const action of plan.actions)
      if (action.kind === 'blocked' && !action.reasons?.every(({ remedy }) => (remedy ?? '') !== ''))
        this.#violated('remedy-named', `${action.address} is blocked without a remedy`);
  }

  /** Somebody set the status of a disk back from an error. */
  reset(volume_id: string, now: number): void {
    this.#resets.set(volume_id, [...(this.#resets.get(volume_id) ?? []), now]);
  }

  /** From now on nothing goes wrong any more. */
  beginFinalPhase(): void {
    this.#begunByThen = begunBy(this.#storedState);
  }

  /** How the restores ended that were begun before. */
  endings(): Endings {
    return endingsOf(this.#storedState, this.#begunByThen ?? begunBy(this.#storedState));
  }

  /** A plan right after `vbsctl wait`, undisturbed: it sends nobody to `wait` again for what is over. */
  followed(
    actions: readonly {
      readonly kind: string;
      readonly reasons?: readonly { readonly remedy?: unknown }[];
    }[],
  ): void {
    for (const record of this.#storedState?.records.values() ?? []) {
      if (record.status !== 'intended') continue;
      const remedies = actions.flatMap(({ reasons = [] }) => reasons.map(({ remedy }) => String(remedy)));
      if (remedies.some((remedy) => remedy.includes(`vbsctl wait ${record.address};`)))
        this.#violated('remedy-not-repeated', `${record.address} is still begun after vbsctl wait`);
    }
  }

  found(clause: Clause, what: string): void {
    this.#violated(clause, what);
  }

  /** Requests that the cloud took on, by the operator who can look at everything: what to say about a record. */
  truthOf(record: StoredRecord): 'succeeded' | 'failed' | 'not-started' | 'under-way' {
    const key = keyOf(record);
    const own = this.#jobs.filter((job) => this.#posts.get(job.request_id)?.key === key);
    if (own.some(({ phase }) => phase === 'queued' || phase === 'running')) return 'under-way';
    if (own.some(({ phase }) => phase === 'succeeded')) return 'succeeded';
    return own.some(({ started_ms }) => started_ms !== null) ? 'failed' : 'not-started';
  }

  #started(job: TrueRestore, ours: readonly TrueRestore[]): void {
    this.#known.add(job.id);
    const post = this.#posts.get(job.request_id);
    if (!post) return;
    const twin = ours.find((other) => other !== job && other.request_id === job.request_id);
    if (twin && this.#known.has(twin.id)) {
      this.exceptions.set('delivered-twice', (this.exceptions.get('delivered-twice') ?? 0) + 1);
      return;
    }
    // What was taken on and given up before it wrote a byte is none: nobody could tell it from nothing.
    const started = ours.filter(
      (other) => this.#posts.get(other.request_id)?.key === post.key && !wasHarmless(other),
    );
    const requests = new Set(started.map(({ request_id }) => request_id));
    const allowed = 1 + this.#resolvedAsNotStarted(post.key);
    if (requests.size > allowed)
      this.#violated('double-start', `${describe(job)}: ${requests.size} requests were taken on`);
    for (const other of ours) {
      // What the network delivered twice is no doing of vbsctl's.
      const twins = ours.filter(({ request_id }) => request_id === other.request_id);
      if (other.request_id === job.request_id || twins.length > 1) continue;
      if (other.volume_id !== job.volume_id && other.backup_id !== job.backup_id) continue;
      const apart = other.ended_ms !== null && other.ended_ms <= job.accepted_ms;
      if (!apart && other.accepted_ms <= job.accepted_ms)
        this.#violated('one-at-a-time', `${describe(job)} while ${describe(other)}`);
    }
  }

  #resolvedAsNotStarted(key: string | undefined): number {
    return (this.#storedState?.closed ?? []).filter(
      (record) => keyOf(record) === key && record.resolution?.as === 'not-started',
    ).length;
  }

  /** Why this restore must not start again, if so: by the last that the history says of it. */
  #closedAs(key: string): string | undefined {
    const last = this.#storedState?.closed.filter((record) => keyOf(record) === key).at(-1);
    if (!last || (last.status === 'failed' && last.touched === 'no')) return undefined;
    return last.status;
  }

  #judge(): void {
    const storedState = this.#storedState;
    const facts = new Map<string, StoredRecord[]>();
    const note = (record: StoredRecord) => {
      const key = keyOf(record);
      const list = facts.get(key);
      if (list) list.push(record);
      else facts.set(key, [record]);
    };
    for (const record of storedState?.closed ?? []) note(record);
    for (const record of storedState?.records.values() ?? []) note(record);

    for (const job of this.#jobs) {
      const post = this.#posts.get(job.request_id);
      if (!post?.key) continue;
      const known = facts.get(post.key) ?? [];
      if (known.some(accountsFor)) continue;
      if (wasHarmless(job)) continue;
      const untouched = known.find((record) => record.status === 'failed');
      if (untouched && job.started_ms !== null)
        this.#violated('false-untouched', `${describe(job)}: ${untouched.reason}`);
      else if (!untouched) this.#violated('accepted-restore-recorded', describe(job));
    }
    for (const [key, records] of facts)
      for (const record of records) {
        if (record.status === 'succeeded') this.#judgeSuccess(key, record);
        const sure = record.status === 'failed' && record.touched === 'no' && !record.resolution;
        if (sure && record.attempts.some((attempt) => isInDoubt(attempt) && !attempt.settled))
          this.#violated('false-untouched', `${key}: an attempt of it is in doubt`);
      }
  }

  #judgeSuccess(key: string, record: StoredRecord): void {
    const evidence = (['accepted', 'adopted'] as const).find((one) => one === record.evidence);
    if (!evidence) return;
    if (this.#judgedSuccesses.has(key)) return;
    this.#judgedSuccesses.add(key);
    const own = this.#jobs.filter((job) => this.#posts.get(job.request_id)?.key === key);
    const claim = {
      volume_id: record.volume_id,
      backup_id: record.backup_id,
      evidence,
      begun_ms: this.#begun.get(key)?.now ?? 0,
      sawDiskAlone: this.#reads.sawAlone(record.volume_id, record.backup_id, this.#begun.get(key)?.at ?? 0),
    };
    const truth = truthOfSuccess(claim, own, {
      api: this.#settings.rules.api,
      jobs: this.#jobs,
      sources: this.#settings.sources,
      resets: this.#resets.get(record.volume_id) ?? [],
    });
    if (truth.kind === 'exception')
      this.exceptions.set(truth.name, (this.exceptions.get(truth.name) ?? 0) + 1);
    if (truth.kind === 'false')
      this.#violated(
        'false-success',
        `${key} (${evidence}): ${truth.why}; ${own.map(describe).join(', ') || 'nothing of ours'}`,
      );
  }

  #isDisturbed(record: StoredRecord): boolean {
    const { volume_id, backup_id } = record;
    const since = this.#begun.get(keyOf(record))?.now ?? 0;
    const otherClients = this.#jobs.some(
      (job) =>
        job.cause === 'operator' &&
        (job.volume_id === volume_id || job.backup_id === backup_id) &&
        (job.ended_ms === null || job.ended_ms >= since),
    );
    return otherClients || (this.#resets.get(volume_id) ?? []).some((at) => at >= since);
  }

  #nothingForgotten(storedState: StoredState): void {
    if (storedState.closed.length < this.#closedCount)
      this.#violated(
        'open-restore-kept',
        `${storedState.closed.length} entries of history after ${this.#closedCount}`,
      );
    this.#closedCount = storedState.closed.length;
    const open = new Map<string, string>();
    for (const record of storedState.records.values())
      if (['intended', 'running', 'unknown'].includes(record.status)) open.set(keyOf(record), record.address);
    for (const [key, address] of this.#open) {
      if (open.has(key) || storedState.closed.some((record) => keyOf(record) === key)) continue;
      this.#violated('open-restore-kept', `${key} at ${address}`);
    }
    this.#open = open;
  }

  #violated(clause: Clause, what: string): void {
    this.violations.push({ clause, what });
  }
}

/** Whether this fact of the state owns up to a restore that the cloud took on. */
function accountsFor({ status, touched, resolution, attempts }: StoredRecord): boolean {
  if (resolution !== undefined) return true;
  if (status === 'failed') return touched === 'maybe';
  if (status !== 'intended') return true;
  return attempts.some(({ answer }) => answer !== 'not_sent');
}

export function keyOf(record: {
  readonly volume_id: string;
  readonly backup_id: string;
  readonly generation: number;
}): string {
  return `${record.volume_id} ${record.backup_id} ${record.generation}`;
}

function isInDoubt({ answer }: StoredAttempt): boolean {
  return answer === undefined || answer === 'ambiguous' || answer === 'accepted';
}

/** An answer about another disk or backup is no look at this one. */
function isAbout(text: string, id: string): boolean {
  try {
    const body = JSON.parse(text);
    return (body.volume ?? body.backup)?.id === id;
  } catch {
    return false;
  }
}

function jobIn(text: string): string[] {
  try {
    const { job_id } = JSON.parse(text);
    return typeof job_id === 'string' ? [job_id] : [];
  } catch {
    return [];
  }
}

function recordsIn(left: string): readonly StoredRecord[] {
  return left === '' ? [] : JSON.parse(left).records;
}

/** Of a disk or backup; empty if the answer is none. */
function statusIn(text: string): string {
  try {
    const body = JSON.parse(text);
    return String((body.volume ?? body.backup)?.status ?? '');
  } catch {
    return '';
  }
}

function sizeIn(text: string | undefined): number | undefined {
  return text === undefined ? undefined : JSON.parse(text).volume?.size;
}

function wasHarmless({ phase, started_ms }: TrueRestore): boolean {
  return phase === 'failed' && started_ms === null;
}

function describe(job: TrueRestore): string {
  const { id, volume_id, backup_id, phase, cause, request_id } = job;
  return `job ${id} (${request_id}, ${cause}, ${phase}): disk ${volume_id} from ${backup_id}`;
}

import { setMaxListeners } from 'node:events';
import { type Clock, isoTime } from '../domain/clock.ts';
import { type ApplyEvent, countResults, type End, type RunSummary } from '../domain/events.ts';
import { leaseTooShort } from '../domain/lease-too-short.ts';
import { optional } from '../domain/optional.ts';
import { isRunnable, type Plan, type RunnableAction } from '../domain/plan.ts';
import type { Waiver } from '../domain/policy.ts';
import { isUnderWay, jobIdOf, type RestoreRecord } from '../domain/record.ts';
import { advance, writtenBy } from '../domain/record-transitions.ts';
import { type Address, selectorKey } from '../domain/spec.ts';
import { allRecords, type State } from '../domain/state.ts';
import type { Driver } from '../drivers/driver.ts';
import type { Lease } from '../state/backend.ts';
import { PendingBackups } from './pending-backups.ts';
import { runRestore } from './restore.ts';
import { RestorePoller } from './restore-poller.ts';
import type { Run, RunMode, RunSettings } from './run.ts';
import { Schedule, type ScheduledTask } from './schedule.ts';
import { SlowWrites } from './slow-writes.ts';

/** Start here: the executor takes a plan and brings each of its restores as far as possible. */
export interface ExecuteInput {
  readonly plan: Plan;
  /** Digest of the saved plan, if the plan is one. Each record that the run writes has it. */
  readonly planDigest?: string;
  readonly lease: Lease;
  readonly driver: Driver;
  readonly clock: Clock;
  readonly random: () => number;
  readonly settings: RunSettings;
  /** Limits of the policy that the operator lifted for this run. Default: none. */
  readonly waivers?: readonly Waiver[];
  /** Default: `finish`. */
  readonly mode?: RunMode;
  readonly onEvent: (event: ApplyEvent) => void;
  readonly stop: AbortSignal;
}

export interface ExecutionOutcome {
  readonly ends: ReadonlyMap<Address, End>;
  readonly summary: RunSummary;
  /** The state could no longer be written. `unsaved`: the records that it should have and may not. */
  readonly fatal?: { readonly error: unknown; readonly unsaved: readonly RestoreRecord[] };
}

/** Never rejects: errors are in the outcome. */
export async function execute(input: ExecuteInput): Promise<ExecutionOutcome> {
  return new Execution(input).run();
}

interface RestoreTask extends ScheduledTask {
  readonly action: RunnableAction;
}

class Execution {
  readonly #input: ExecuteInput;
  readonly #run: Run;
  readonly #schedule: Schedule<RestoreTask>;
  readonly #ends = new Map<Address, End>();
  readonly #unsaved = new Map<Address, RestoreRecord>();
  /** Aborted when the state can no longer be written. */
  readonly #stateLost = new AbortController();
  readonly #startedAt: number;
  #failures = 0;
  #accepted = 0;
  #adopted = 0;
  #active = 0;
  /** Ids of all jobs that the state and this run know, in lower case. */
  #knownJobs: Set<string> | undefined;
  #fatal: { error: unknown } | undefined;
  #finish: () => void = () => {};

  constructor(input: ExecuteInput) {
    const { plan, settings, driver, lease, clock, random, stop } = input;
    this.#input = input;
    this.#startedAt = clock.monotonic();
    const halt = AbortSignal.any([stop, this.#stateLost.signal]);
    // Each restore that waits listens to them.
    setMaxListeners(0, halt, stop);
    const emit: Run['emit'] = (event) => this.#emit({ ...event, at: isoTime(clock.now()) } as ApplyEvent);
    this.#run = {
      driver,
      lease,
      clock,
      random,
      settings,
      mode: input.mode ?? 'finish',
      stop: halt,
      interrupt: stop,
      unsaved: this.#unsaved,
      lag: { longestMs: 0 },
      restorePoller: new RestorePoller(driver, clock, settings.poll, halt),
      pendingBackups: new PendingBackups(driver, clock, halt),
      waivers: new Set(input.waivers),
      planDigest: input.planDigest,
      emit,
      slowWrites: new SlowWrites(clock, emit),
      noNewStarts: () => this.#noNewStarts(),
      claimJob: (id) => this.#claimJob(id.toLowerCase()),
      isRestored: (address) => this.#schedule.hasSucceeded(address),
    };
    const tasks = plan.actions.filter(isRunnable).map(taskOf);
    // Resumed restores go first: they free volumes and backups that others wait for.
    tasks.sort((a, b) => Number(b.action.kind === 'resume') - Number(a.action.kind === 'resume'));
    const done = new Set(plan.actions.filter((a) => a.kind === 'noop').map((a) => a.address));
    this.#schedule = new Schedule(tasks, done, settings.apply.parallelism);
    this.#emit({
      type: 'run_started',
      at: isoTime(clock.now()),
      restores: tasks.length,
      parallelism: settings.apply.parallelism,
    });
  }

  async run(): Promise<ExecutionOutcome> {
    const { plan, lease, clock, driver } = this.#input;
    const unlisten = driver.onSlowdown((slowdown) => this.#run.emit({ type: 'slowed_down', ...slowdown }));
    try {
      this.#checkLeaseTtl();
      if (plan.moves.length > 0) await lease.commit([{ type: 'moved', moves: plan.moves }]);
      // Written with the digest of this run, so that a saved plan that is applied again does not undo a later change.
      const updated = updatedRecords(plan, lease.state(), isoTime(clock.now())).map((record) =>
        writtenBy(withoutPlanDigest(record), this.#input.planDigest),
      );
      if (updated.length > 0) await lease.commit(updated.map((record) => ({ type: 'record', record })));
      await new Promise<void>((resolve) => {
        this.#finish = resolve;
        this.#startReady();
      });
    } catch (error) {
      this.#fatal ??= { error };
    }
    unlisten();
    this.#endUnstarted();
    const summary = this.#summary;
    this.#run.emit({ type: 'run_ended', summary });
    return {
      ends: this.#ends,
      summary,
      ...(this.#fatal ? { fatal: { error: this.#fatal.error, unsaved: [...this.#unsaved.values()] } } : {}),
    };
  }

  /** Throws if the lease is shorter than a request may take: then no request would ever be sent. */
  #checkLeaseTtl(): void {
    const { lease, settings, mode } = this.#input;
    const timeoutMs = settings.http.request_timeout_ms;
    if (
      mode === 'follow' ||
      lease.failure ||
      // Rule: time-to-live-outlasts-a-request
      lease.lock.ttlMs > timeoutMs
    )
      return;
    throw leaseTooShort(lease.lock.ttlMs, timeoutMs);
  }

  #startReady(): void {
    // After too many failures nothing new starts, but resumed restores are still followed.
    const isAllowed = ({ action }: RestoreTask) => !this.#halted || action.kind === 'resume';
    for (const task of this.#run.stop.aborted ? [] : this.#schedule.begin(isAllowed)) {
      this.#active++;
      void this.#runTask(task);
    }
    if (this.#active === 0) this.#finish();
  }

  async #runTask(task: RestoreTask): Promise<void> {
    const { action } = task;
    const { lease } = this.#input;
    const resumed = action.kind === 'resume';
    this.#run.emit({ type: 'preparing', address: action.address, resumed });
    try {
      const end = await runRestore(this.#run, action, lease.state()?.records.get(action.address));
      this.#ended(task, end);
    } catch (error) {
      this.#fatal ??= { error };
      const record = this.#unsaved.get(task.id);
      if (record) this.#recordEnd(task.id, { kind: 'unsaved', record });
      this.#stateLost.abort(new Error('the state cannot be written any more'));
    }
    this.#active--;
    this.#startReady();
  }

  #ended(task: RestoreTask, end: End): void {
    this.#recordEnd(task.id, end);
    const status = end.kind === 'recorded' ? end.record.status : undefined;
    this.#schedule.end(task, {
      // Rule: dependency-is-met-only-by-success
      succeeded: status === 'succeeded',
      // Rule: volume-and-backup-are-held-until-at-rest
      release: isAtRest(end),
    });
    if (status !== 'failed' && status !== 'unknown') return;
    this.#failures++;
    const { max_failures } = this.#input.settings.apply;
    if (this.#failures === max_failures)
      this.#run.emit({ type: 'halted', failures: this.#failures, reason: this.#haltReason });
  }

  get #halted(): boolean {
    const { max_failures } = this.#input.settings.apply;
    // Rule: failures-halt-the-run
    return max_failures > 0 && this.#failures >= max_failures;
  }

  get #haltReason(): string {
    return `${this.#failures} restores failed or are unknown, max_failures is ${this.#input.settings.apply.max_failures}`;
  }

  #claimJob(id: string): boolean {
    this.#knownJobs ??= jobsOf(this.#input.lease.state());
    if (this.#knownJobs.has(id)) return false;
    this.#knownJobs.add(id);
    return true;
  }

  #noNewStarts(): ReturnType<Run['noNewStarts']> {
    if (this.#fatal || this.#input.lease.failure)
      return { code: 'halted', reason: 'the state cannot be written any more' };
    return this.#halted ? { code: 'halted', reason: this.#haltReason } : undefined;
  }

  /** Records an end for each restore of the plan that has not begun, or that the plan leaves out. */
  #endUnstarted(): void {
    for (const { task, why } of this.#schedule.unstarted()) {
      const reason = this.#input.stop.aborted
        ? ({ code: 'interrupted', reason: 'interrupted before it was started' } as const)
        : (this.#noNewStarts() ?? UNSTARTED[why]);
      const { action } = task;
      const end: End =
        action.kind === 'resume'
          ? { kind: 'recorded', record: action.record }
          : { kind: 'not_started', ...reason };
      this.#recordEnd(task.id, end);
    }
    for (const action of this.#input.plan.actions) {
      if (action.kind !== 'blocked') continue;
      const { address, reasons, unknown } = action;
      this.#recordEnd(address, { kind: 'blocked', reasons, ...optional('unknown', unknown) });
    }
  }

  #recordEnd(address: Address, end: End): void {
    this.#ends.set(address, end);
    this.#run.emit({ type: 'ended', address, end });
  }

  #emit(event: ApplyEvent): void {
    if (event.type === 'accepted') this.#accepted++;
    if (event.type === 'adopted') this.#adopted++;
    this.#input.onEvent(event);
  }

  get #summary(): RunSummary {
    return {
      started: this.#accepted,
      adopted: this.#adopted,
      ...countResults(this.#ends.values()),
      duration_ms: this.#input.clock.monotonic() - this.#startedAt,
      requests: this.#input.driver.requests(),
      slowdowns: this.#input.driver.slowdowns(),
    };
  }
}

const UNSTARTED = {
  busy: { code: 'busy', reason: 'its disk or backup is used by another restore' },
  dependency: { code: 'dependency', reason: 'a restore that it depends on did not succeed' },
} as const;

/** Records with what their declarations add to them, unless a record is of another restore by now. */
function updatedRecords({ actions }: Plan, state: State | undefined, at: string): RestoreRecord[] {
  return actions.flatMap((action) => {
    const record = state?.records.get(action.address);
    if (action.kind === 'resume' && action.protect && record && isUnderWay(record) && !record.protect)
      return [advance(record, { type: 'record_protect', at, protect: true })];
    if (action.kind !== 'noop') return [];
    const { new_selector: selector, new_protect: protect } = action;
    if (record?.status !== 'succeeded') return [];
    if (record.volume_id !== action.volume.id || record.backup_id !== action.backup.id) return [];
    let updated: RestoreRecord = record;
    if (selector && !(record.selector && selectorKey(record.selector) === selectorKey(selector)))
      updated = advance(updated, { type: 'record_selector', at, selector });
    if (protect !== undefined) updated = advance(updated, { type: 'record_protect', at, protect });
    return updated === record ? [] : [updated];
  });
}

function withoutPlanDigest({ plan_digest: _, ...record }: RestoreRecord): RestoreRecord {
  return record;
}

function jobsOf(state: State | undefined): Set<string> {
  const ids = state ? [...allRecords(state)].map(jobIdOf) : [];
  return new Set(ids.flatMap((id) => id?.toLowerCase() ?? []));
}

function taskOf(action: RunnableAction): RestoreTask {
  return {
    id: action.address,
    action,
    // Rule: backup-is-restored-once-at-a-time
    resources: [`volume ${action.volume.id}`, `backup ${action.backup.id}`],
    // Rule: dependencies-must-end-first
    // A resumed restore is followed whatever became of its dependencies; they count before it is sent again.
    depends_on: action.kind === 'resume' ? [] : action.depends_on,
  };
}

/** Whether the cloud certainly no longer works on volume and backup. */
function isAtRest(end: End): boolean {
  if (end.kind !== 'recorded') return end.kind === 'not_started' || end.kind === 'blocked';
  return end.record.status === 'succeeded' || end.record.status === 'failed';
}

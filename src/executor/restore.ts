import pRetry from 'p-retry';
import { backoffMs } from '../domain/backoff.ts';
import { type Moment, momentOf } from '../domain/clock.ts';
import type { Attachment, CloudFailure, StartOutcome } from '../domain/cloud.ts';
import type { Diagnostic } from '../domain/diagnostic.ts';
import { formatDuration } from '../domain/duration.ts';
import { unreachable } from '../domain/errors.ts';
import type { End, NotStarted } from '../domain/events.ts';
import type { RunnableAction } from '../domain/plan.ts';
import {
  type Baseline,
  isUnderWay,
  type LookHistory,
  type Observation,
  optional,
  type RestoreRecord,
  sameLook,
  sameSeen,
  wasEverInDoubt,
  worstDoubt,
} from '../domain/record.ts';
import type { Permit } from '../drivers/driver.ts';
import { follow } from './follow.ts';
import { growing } from './growing-interval.ts';
import type { Look } from './look.ts';
import { type Finding, probe } from './probe.ts';
import { checkReadiness, namedAsPlanned } from './readiness.ts';
import { withCloudsReason } from './reason.ts';
import { type Run, Session } from './run.ts';
import { watchWhile } from './watch.ts';

/** The POST leaves within this of its intent being written, else the intent is written anew. */
export const INTENT_FRESH_MS = 5_000;
/** How long a person who asked to stop waits for the answer to a POST that is under way. */
const STOP_GRACE_MS = 700;

/**
 * The life of one restore in one run, from whatever its record says to whatever can be known at the end of it.
 * The order of everything that matters is in `attempt` below: find out what earlier attempts did → wait until
 * ready → baseline → durable intent → POST → durable outcome.
 *
 * Rejects only when the state cannot be written any more.
 */
export async function runRestore(
  run: Run,
  action: RunnableAction,
  record: RestoreRecord | undefined,
): Promise<End> {
  // What is not under way has nothing to resume; starting it here would be a start that no plan showed.
  if (action.kind === 'resume' && !(record && isUnderWay(record)))
    return { kind: 'not_started', code: 'changed', reason: 'it is not under way any more' };
  const timeoutMs = action.timeout_ms ?? run.settings.apply.timeout_ms;
  const session = new Session(run, idsOf(action), record, timeoutMs);
  const attempts = new Attempts(session, action);
  try {
    return await pRetry(() => attempts.next(), {
      retries: Number.POSITIVE_INFINITY,
      // All waiting is done by `attempt` on the run's own clock.
      minTimeout: 0,
      factor: 1,
      shouldRetry: ({ error }) => error instanceof TryAgain,
    });
  } catch (error) {
    const asked = run.stop.aborted && (error === run.stop.reason || error instanceof Stopped);
    if (!asked) throw error;
    return standing(session, { code: 'interrupted', reason: 'interrupted before it was started' });
  }
}

/** Another attempt may be made; what came of this one is in the record. */
class TryAgain extends Error {}

class Attempts {
  readonly #session: Session;
  readonly #action: RunnableAction;
  /** Where the disk was when it was last seen attached: planned, or while it was waited for. */
  #attached: readonly Attachment[];
  /** Monotonic ms. */
  #notBefore = 0;
  #firstFailedAt: number | undefined;
  #patienceMs = 0;
  #failed = 0;
  #refusedTokens = 0;
  #lastFailure: CloudFailure | undefined;

  constructor(session: Session, action: RunnableAction) {
    this.#session = session;
    this.#action = action;
    this.#attached = action.volume.attachments ?? [];
  }

  async next(): Promise<End> {
    const session = this.#session;
    const { run } = session;
    const { clock } = run;
    const { record } = session;
    if (record?.status === 'running') return follow(session, record);

    if (record?.status === 'intended') {
      const finding = await probe(session, record);
      switch (finding.kind) {
        case 'adopt':
          return this.#adopt(finding.history);
        case 'failed':
          return this.#fail(await withCloudsReason(session, finding.because), true);
        case 'unknown':
          return this.#lose(finding.because, finding.observations);
        case 'open':
          return recorded(session);
        case 'retry':
          await this.#settle(finding);
          break;
        default:
          return unreachable(finding);
      }
      // Nothing is under way, and this run starts nothing: so it is over, and whatever comes next is a new start.
      if (run.reach === 'follow') return this.#fail(finding.because, false);
      if (this.#action.kind === 'resume' && this.#action.refused.length > 0)
        return { ...recorded(session), refused: this.#action.refused };
      if (this.#patienceIsOver)
        return this.#fail(
          `gave up after ${this.#failed} attempts: ${this.#lastFailure?.message ?? 'no answer'}`,
          false,
        );
      const pause = this.#notBefore - clock.monotonic();
      if (pause > session.timeLeftMs)
        return this.#fail(
          `timed out after ${formatDuration(session.timeoutMs)}, before the next attempt was due: ${this.#lastFailure?.message ?? 'no answer'}`,
          false,
        );
      if (pause > 0) await clock.sleep(pause, run.stop);
    }

    const ready = await this.#untilReady();
    if (ready.kind === 'refused') {
      if (session.record?.status === 'intended' && ready.policy)
        return { ...recorded(session), refused: ready.policy };
      if (session.record?.status === 'intended' && ready.code !== 'halted' && ready.code !== 'interrupted')
        return this.#fail(ready.reason, false);
      return standing(session, ready);
    }
    return this.#post(ready);
  }

  /** Looks until the POST may leave, and holds the permit for it. */
  async #untilReady(): Promise<Ready | Refused> {
    const session = this.#session;
    const { run } = session;
    const { clock, settings } = run;
    const interval = growing(settings.poll.min_interval_ms, settings.poll.max_interval_ms);
    let first: { seen: Observation; at: number } | undefined;
    let told = '';
    let goneBefore = false;
    for (;;) {
      const closed = this.#closed();
      if (closed) return closed;
      const reservation = await run.driver.reserve(run.stop);
      let reason: string;
      let recheckMs: number | undefined;
      if (reservation.kind === 'refused') {
        reason = reservation.failure.message;
        if (!reservation.retryable) return { kind: 'refused', code: 'cloud', reason };
      } else {
        // The last question of `checkReadiness`, which all that begin now share: behind their looks it would hold them all.
        if (!first) run.pendingBackups.soon();
        const look = await session.look();
        this.#noteAttached(look);
        if (!first || !sameLook(first.seen, look.seen)) first = { seen: look.seen, at: clock.monotonic() };
        const earlier = { seen: first.seen, ago_ms: clock.monotonic() - first.at };
        const begun = session.record?.status === 'intended' ? session.record.names : undefined;
        const readiness = await checkReadiness(run, this.#action, look, earlier, begun);
        switch (readiness.kind) {
          case 'ready':
            return { kind: 'ready', permit: reservation, look, baseline: readiness.baseline };
          case 'never':
            if (readiness.gone && !goneBefore) {
              goneBefore = true;
              reason = readiness.reason;
              recheckMs = settings.poll.min_interval_ms;
              break;
            }
            return { kind: 'refused', code: 'changed', reason: readiness.reason };
          case 'refused':
            return {
              kind: 'refused',
              code: 'policy',
              reason: readiness.reasons.map(({ summary }) => summary).join('; '),
              policy: readiness.reasons,
            };
          case 'not_yet':
            reason = readiness.reason;
            recheckMs = readiness.recheck_ms;
            break;
          default:
            return unreachable(readiness);
        }
      }
      if (session.timeIsUp)
        return { kind: 'refused', code: 'not_ready', reason: `not ready in time: ${reason}` };
      // A baseline that only has to settle is worth the seconds.
      if (run.reach === 'submit' && recheckMs === undefined)
        return { kind: 'refused', code: 'not_ready', reason: `not ready: ${reason}` };
      if (told !== reason) {
        run.emit({ type: 'waiting', address: session.ids.address, reason });
        told = reason;
      }
      await session.pause(recheckMs ?? interval());
    }
  }

  #noteAttached({ volume }: Look): void {
    if (volume.kind === 'found' && volume.value.attachments.length > 0)
      this.#attached = namedAsPlanned(volume.value, this.#action).attachments;
  }

  async #post({ permit, look, baseline }: Ready): Promise<End> {
    const session = this.#session;
    const { run, ids } = session;
    const earlier = session.record?.status === 'intended' ? session.record : undefined;
    let witness = baseline;
    if (earlier && wasEverInDoubt(earlier.attempts)) {
      // Only the first baseline can tell what an attempt in doubt did; if the disk left it, ask again.
      if (!sameSeen(baseline.volume, earlier.baseline.volume)) throw new TryAgain();
      witness = earlier.baseline;
    }
    const closed = this.#closed();
    if (closed) return standing(session, closed);

    // From before it is written: who is frozen while it is, and taken for dead, must not find it fresh afterwards.
    const freshUntil = momentOf(run.clock, INTENT_FRESH_MS);
    await session.step({
      type: 'intend',
      at: session.now(),
      address: ids.address,
      identity: {
        volume_id: ids.volume_id,
        backup_id: ids.backup_id,
        generation: this.#action.generation,
        ...optional('selector', this.#action.selector),
      },
      names: namesOf(look),
      baseline: witness,
      ...optional('attached_before', this.#attached.length > 0 ? this.#attached : undefined),
    });
    const record = intended(session);
    const attempt = record.attempts.length;
    run.emit({ type: 'intended', address: ids.address, attempt });

    let lateMs: number | undefined;
    const onWrittenLate = (late_ms: number) => {
      lateMs = late_ms;
      // At once: the state may not take it any more.
      run.emit({ type: 'written_late', address: ids.address, attempt, late_ms });
    };
    const posting = this.#send(permit, freshUntil, onWrittenLate);
    const { value: outcome, sighting } = await watchWhile(posting, session);
    if (outcome.kind === 'accepted') {
      session.acceptedAt = run.clock.monotonic();
      const { job_id, request_id } = outcome;
      await session.step({
        type: 'accept',
        at: session.now(),
        ...optional('job_id', job_id),
        ...optional('request_id', request_id),
        ...optional('written_late_ms', lateMs),
      });
      run.emit({
        type: 'accepted',
        address: ids.address,
        ...optional('job_id', job_id),
        ...optional('request_id', request_id),
      });
      return follow(session, running(session));
    }
    await session.step({
      type: 'answer',
      at: session.now(),
      outcome,
      ...optional('written_late_ms', lateMs),
    });
    if (sighting && wasEverInDoubt(intended(session).attempts)) {
      const { failure } = outcome;
      run.emit({
        type: 'answered',
        address: ids.address,
        attempt,
        answer: outcome.kind,
        failure,
        next: 'look',
      });
      run.emit({ type: 'verdict', address: ids.address, verdict: 'adopt', because: sighting.because });
      return this.#adopt(sighting.history);
    }
    return this.#afterNo(outcome, attempt);
  }

  /** The only place from which a POST leaves. */
  async #send(
    permit: Permit,
    freshUntil: Moment,
    onWrittenLate: (late_ms: number) => void,
  ): Promise<StartOutcome> {
    const { run, ids } = this.#session;
    const { lease, settings } = run;
    if (run.reach === 'follow') throw new Error('a run that only follows would start a restore');
    if (lease.poisoned) throw lease.poisoned;
    // What is started no more may have been told while the intent was written.
    const closed = run.closed();
    if (closed) return notSent(closed.reason);
    const holds = () => lease.remainingMs() > settings.http.request_timeout_ms;
    if (!holds()) return notSent('the lock on the state is lost, or could end before the request does');
    const posting = run.driver.start(permit, {
      volume_id: ids.volume_id,
      backup_id: ids.backup_id,
      fresh_until: freshUntil,
      // A connection takes its time: meanwhile a stop may have been asked for, or this process have been frozen.
      mayLeave: () => !run.stop.aborted && holds(),
      onWrittenLate,
    });
    const answer = await untilHurried(posting, run);
    // Its intent is durable: the next run finds out what came of it.
    if (!answer) throw new Stopped();
    return answer;
  }

  /** After anything but a yes: what it means for this restore. */
  async #afterNo(outcome: Exclude<StartOutcome, { kind: 'accepted' }>, attempt: number): Promise<End> {
    const { run, ids } = this.#session;
    const { failure } = outcome;
    const again = outcome.kind === 'rejected' ? outcome.again : 'later';
    this.#refusedTokens = again === 'reauthenticate' ? this.#refusedTokens + 1 : 0;
    const final = again === 'never' || this.#refusedTokens > 1;
    run.emit({
      type: 'answered',
      address: ids.address,
      attempt,
      answer: outcome.kind,
      failure,
      next: final ? 'give_up' : 'look',
    });
    if (final) return this.#refused(failure);

    const now = run.clock.monotonic();
    this.#failed++;
    this.#lastFailure = failure;
    this.#firstFailedAt ??= now;
    // What is only not ready yet may take as long as the restore itself may; a new token is tried once whatever settle takes.
    this.#patienceMs =
      again === 'when_ready' || again === 'reauthenticate'
        ? Number.POSITIVE_INFINITY
        : run.settings.retry.give_up_after_ms;
    this.#notBefore =
      again === 'reauthenticate'
        ? now
        : now + backoffMs(this.#failed, failure, run.settings.retry, run.random);
    throw new TryAgain();
  }

  /**
   * A no for good. It may still be the answer to a second copy of the request, which a gateway sent while the
   * first copy started the restore, or starts it soon: so the disk is looked at until settle has passed, as after any
   * other answer, before it is called untouched and the next run may start it.
   */
  async #refused(failure: CloudFailure): Promise<End> {
    const session = this.#session;
    const finding = await probe(session, intended(session));
    switch (finding.kind) {
      case 'adopt':
        return this.#adopt(finding.history);
      case 'retry':
        await this.#settle(finding);
        return this.#fail(describe(failure), false);
      case 'failed':
      case 'unknown':
        return this.#fail(describe(failure), true);
      case 'open':
        return recorded(session);
      default:
        return unreachable(finding);
    }
  }

  /** What is found out once is not in doubt again, in this run or a later one. */
  async #settle({ for_ms, seen }: Finding & { readonly kind: 'retry' }): Promise<void> {
    const session = this.#session;
    if (!seen || worstDoubt(intended(session).attempts) === 'none') return;
    await session.step({ type: 'settle', at: session.now(), for_ms, seen });
  }

  async #adopt(history: LookHistory): Promise<End> {
    await this.#session.step({ type: 'adopt', at: this.#session.now(), history });
    return follow(this.#session, running(this.#session));
  }

  async #fail(reason: string, moved: boolean): Promise<End> {
    await this.#session.step({ type: 'fail', at: this.#session.now(), reason, moved });
    return recorded(this.#session);
  }

  async #lose(cause: string, observations: readonly Observation[]): Promise<End> {
    await this.#session.step({ type: 'lose', at: this.#session.now(), cause, observations });
    return recorded(this.#session);
  }

  get #patienceIsOver(): boolean {
    if (this.#firstFailedAt === undefined) return false;
    const { clock } = this.#session.run;
    return this.#session.timeIsUp || clock.monotonic() - this.#firstFailedAt >= this.#patienceMs;
  }

  #closed(): Refused | undefined {
    const { run } = this.#session;
    run.stop.throwIfAborted();
    const closed = run.closed();
    if (closed) return { kind: 'refused', ...closed };
    const { valid_until } = this.#action;
    if (valid_until !== undefined && run.clock.now() >= Date.parse(valid_until))
      return { kind: 'refused', code: 'expired', reason: `it expired at ${valid_until}` };
    return undefined;
  }
}

interface Ready {
  readonly kind: 'ready';
  readonly permit: Permit;
  readonly look: Look;
  readonly baseline: Baseline;
}

interface Refused {
  readonly kind: 'refused';
  readonly code: NotStarted;
  readonly reason: string;
  /** The limits that today's policy sets, when they are why. */
  readonly policy?: readonly Diagnostic[];
}

/** How it stands when this run goes no further: by its record if it is under way, else as not started. */
function standing(session: Session, why: { readonly code: NotStarted; readonly reason: string }): End {
  const { record } = session;
  if (record && isUnderWay(record)) return { kind: 'recorded', record };
  return { kind: 'not_started', code: why.code, reason: why.reason };
}

function recorded(session: Session): End & { readonly kind: 'recorded' } {
  if (!session.record) throw new Error('nothing was recorded');
  return { kind: 'recorded', record: session.record };
}

function intended(session: Session) {
  if (session.record?.status !== 'intended') throw new Error('not intended');
  return session.record;
}

function running(session: Session) {
  if (session.record?.status !== 'running') throw new Error('not running');
  return session.record;
}

function idsOf(action: RunnableAction): Session['ids'] {
  const { address, volume, backup } = action;
  if (volume.id === undefined || backup.id === undefined) throw new Error(`${address} is not pinned`);
  return { address, volume_id: volume.id, backup_id: backup.id };
}

function namesOf({ volume, backup }: Look) {
  if (volume.kind !== 'found' || backup.kind !== 'found') throw new Error('ready without disk and backup');
  return {
    volume_name: volume.value.name,
    backup_name: backup.value.name,
    backup_created_at: backup.value.created_at,
    size: backup.value.size,
  };
}

function notSent(message: string): StartOutcome {
  return { kind: 'not_sent', failure: { cause: 'no_connection', message } };
}

function describe({ message, code, status }: CloudFailure): string {
  const label = code ?? (status === undefined ? undefined : `HTTP ${status}`);
  return label === undefined ? message : `${label}: ${message}`;
}

/** A person asked to stop while a request was under way. */
class Stopped extends Error {}

/** What the promise brings, or `undefined` a moment after a person asked to stop. */
async function untilHurried<T>(promise: Promise<T>, { hurry, clock }: Run): Promise<T | undefined> {
  let giveUp: (() => void) | undefined;
  const stopped = new Promise<undefined>((resolve) => {
    giveUp = () => void clock.sleep(STOP_GRACE_MS).then(() => resolve(undefined));
    if (hurry.aborted) giveUp();
    else hurry.addEventListener('abort', giveUp, { once: true });
  });
  try {
    return await Promise.race([promise, stopped]);
  } finally {
    if (giveUp) hurry.removeEventListener('abort', giveUp);
  }
}

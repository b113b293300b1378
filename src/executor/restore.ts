import { backoffMs } from '../domain/backoff.ts';
import { momentOf } from '../domain/clock.ts';
import type { Attachment, CloudFailure, StartOutcome } from '../domain/cloud.ts';
import { wasEverInDoubt, worstDoubt } from '../domain/doubt.ts';
import { formatDuration } from '../domain/duration.ts';
import { unreachable } from '../domain/errors.ts';
import type { End, NotStarted } from '../domain/events.ts';
import { type Observation, type ObservationHistory, sameResource } from '../domain/observation.ts';
import { optional } from '../domain/optional.ts';
import type { PinnedAction } from '../domain/plan.ts';
import { isUnderWay, type RestoreRecord } from '../domain/record.ts';
import { withCloudsReason } from './failure-report.ts';
import { follow } from './follow.ts';
import { type Finding, probe } from './probe.ts';
import type { FoundReadings } from './readings.ts';
import { intended, RestoreRun, type Run, recorded, running } from './run.ts';
import { sendRestore } from './send-restore.ts';
import { closedTo, type Ready, untilReady } from './until-ready.ts';
import { watchWhile } from './watch.ts';

/** The POST leaves within this of its intent being written, else the intent is written anew. */
export const INTENT_FRESH_MS = 5_000;

/**
 * The life of one restore in one run, from whatever its record says to whatever can be known at the end of it.
 * The order of everything that matters is in `next` below: find out what earlier attempts did → wait until
 * ready → baseline → durable intent → POST → durable outcome.
 *
 * Rejects only when the state cannot be written any more.
 */
export async function runRestore(
  run: Run,
  action: PinnedAction,
  record: RestoreRecord | undefined,
): Promise<End> {
  // What is not under way has nothing to resume; starting it here would be a start that no plan showed.
  if (action.kind === 'resume' && !(record && isUnderWay(record)))
    return { kind: 'not_started', code: 'changed', reason: 'it is no longer running' };
  const timeoutMs = action.timeout_ms ?? run.settings.apply.timeout_ms;
  const session = new RestoreRun(run, idsOf(action), record, timeoutMs);
  const attempts = new Attempts(session, action);
  try {
    for (;;) {
      const end = await attempts.next();
      if (end !== AGAIN) return end;
    }
  } catch (error) {
    if (!run.stop.aborted || error !== run.stop.reason) throw error;
    return standing(session, { code: 'interrupted', reason: 'interrupted before it was started' });
  }
}

/** In a row, each with another token; one more is final. */
// Rule: new-token-is-tried-once
const REFUSED_TOKENS_MAX = 1;

/** Another attempt may be made; what came of the last one is in the record. */
const AGAIN = 'again';

class Attempts {
  readonly #session: RestoreRun;
  readonly #action: PinnedAction;
  /** Where the disk was when it was last seen attached: planned, or while it was waited for. */
  #attached: readonly Attachment[];
  /** Monotonic ms. */
  #notBefore = 0;
  #firstFailedAt: number | undefined;
  #patienceMs = 0;
  #failed = 0;
  #refusedTokens = 0;
  #lastFailure: CloudFailure | undefined;

  constructor(session: RestoreRun, action: PinnedAction) {
    this.#session = session;
    this.#action = action;
    this.#attached = action.volume.attachments ?? [];
  }

  /** From what the record says now to the end of this restore in this run, or to the next attempt. */
  async next(): Promise<End | typeof AGAIN> {
    const session = this.#session;
    const { run } = session;
    const { clock } = run;
    const { record } = session;
    if (record?.status === 'running') return follow(session, record);

    // Rule: nothing-is-repeated-before-a-look
    if (record?.status === 'intended') {
      const finding = await probe(session, record);
      switch (finding.kind) {
        case 'adopt':
          return this.#adopt(finding);
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
      // Rule: wait-starts-nothing
      // Nothing is under way, and this run starts nothing: so it is over, and whatever comes next is a new start.
      if (run.mode === 'follow') return this.#fail(finding.because, false);
      // Rule: resume-heeds-the-policy-of-today
      if (this.#action.kind === 'resume' && this.#action.refused.length > 0)
        return { ...recorded(session), refused: this.#action.refused };
      // It may have been declared to depend on another since it was begun: then it starts anew, once that is restored.
      const missing = this.#action.depends_on.find((address) => !run.isRestored(address));
      if (missing !== undefined)
        return this.#fail(`it did not start, and ${missing}, which it depends on, is not restored`, false);
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

    const ready = await untilReady(session, this.#action, (attachments) => {
      this.#attached = attachments;
    });
    if (ready.kind === 'refused') {
      if (session.record?.status === 'intended' && ready.policy)
        return { ...recorded(session), refused: ready.policy };
      if (session.record?.status === 'intended' && ready.code !== 'halted' && ready.code !== 'interrupted')
        return this.#fail(ready.reason, false);
      return standing(session, ready);
    }
    return this.#post(ready);
  }

  async #post({ permit, look }: Ready): Promise<End | typeof AGAIN> {
    const session = this.#session;
    const { run, ids } = session;
    const earlier = session.record?.status === 'intended' ? session.record : undefined;
    const baseline = look.seen;
    let witness = baseline;
    if (earlier && wasEverInDoubt(earlier.attempts)) {
      // Only the first baseline can tell what an attempt in doubt did.
      // Rule: disk-that-left-its-baseline-is-judged-again
      if (!sameResource(baseline.volume, earlier.baseline.volume)) return AGAIN;
      // Rule: baseline-of-a-doubt-is-kept
      witness = earlier.baseline;
    }
    const closed = closedTo(session, this.#action);
    if (closed) return standing(session, closed);

    // Rule: intent-is-fresh-from-before-its-commit
    // From before it is written: who is frozen while it is, and taken for dead, must not find it fresh afterwards.
    const freshUntil = momentOf(run.clock, INTENT_FRESH_MS);
    // Rule: intent-is-durable-before-the-post
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
      ...optional('protect', this.#action.protect),
      settle_ms: run.settings.retry.settle_ms,
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
    const posting = sendRestore(session, permit, freshUntil, onWrittenLate);
    const { value, sighting } = await watchWhile(posting, session);
    const outcome = ofThisRestore(value, run);
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
      return this.#adopt(sighting);
    }
    return this.#afterNo(outcome, attempt);
  }

  /** After anything but a yes: what it means for this restore. */
  async #afterNo(
    outcome: Exclude<StartOutcome, { kind: 'accepted' }>,
    attempt: number,
  ): Promise<End | typeof AGAIN> {
    const { run, ids } = this.#session;
    const { failure } = outcome;
    const again = outcome.kind === 'rejected' ? outcome.again : 'later';
    this.#refusedTokens = again === 'reauthenticate' ? this.#refusedTokens + 1 : 0;
    const final =
      this.#refusedTokens > REFUSED_TOKENS_MAX ||
      // Rule: no-for-good-is-final
      again === 'never';
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
    return AGAIN;
  }

  /**
   * A no for good. It may still be the answer to a second copy of the request, which a gateway sent while the
   * first copy started the restore, or starts it soon: so the disk is looked at until settle has passed, as after any
   * other answer, before it is called untouched and the next run may start it.
   */
  async #refused(failure: CloudFailure): Promise<End> {
    const session = this.#session;
    // Rule: final-no-is-looked-at
    const finding = await probe(session, intended(session));
    switch (finding.kind) {
      case 'adopt':
        // Rule: restore-despite-a-final-no-is-followed
        return this.#adopt(finding);
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
  async #settle({ for_ms, seen, because }: Finding & { readonly kind: 'retry' }): Promise<void> {
    const session = this.#session;
    if (!seen) return;
    if (worstDoubt(intended(session).attempts) !== 'none')
      await session.step({ type: 'settle', at: session.now(), for_ms, seen });
    session.run.emit({ type: 'not_started', address: session.ids.address, because });
  }

  async #adopt({ history, because }: { history: ObservationHistory; because: string }): Promise<End> {
    const session = this.#session;
    await session.step({ type: 'adopt', at: session.now(), history });
    session.run.emit({ type: 'adopted', address: session.ids.address, because });
    return follow(session, running(session));
  }

  async #fail(reason: string, volumeChanged: boolean): Promise<End> {
    await this.#session.step({
      type: 'fail',
      at: this.#session.now(),
      reason,
      volume_changed: volumeChanged,
    });
    return recorded(this.#session);
  }

  async #lose(cause: string, observations: readonly Observation[]): Promise<End> {
    await this.#session.step({ type: 'mark_unknown', at: this.#session.now(), cause, observations });
    return recorded(this.#session);
  }

  get #patienceIsOver(): boolean {
    if (this.#firstFailedAt === undefined) return false;
    const { clock } = this.#session.run;
    return this.#session.timeIsUp || clock.monotonic() - this.#firstFailedAt >= this.#patienceMs;
  }
}

/** How it stands when this run goes no further: by its record if it is under way, else as not started. */
function standing(session: RestoreRun, why: { readonly code: NotStarted; readonly reason: string }): End {
  const { record } = session;
  if (record && isUnderWay(record)) return { kind: 'recorded', record };
  return { kind: 'not_started', code: why.code, reason: why.reason };
}

/** A yes that names the job of another restore is an old answer: what came of this request it does not say. */
function ofThisRestore(outcome: StartOutcome, run: Run): StartOutcome {
  if (outcome.kind !== 'accepted' || outcome.job_id === undefined || run.claimJob(outcome.job_id))
    return outcome;
  return {
    kind: 'ambiguous',
    failure: {
      cause: 'unreadable',
      message: `the answer names job ${outcome.job_id}, which is another restore's`,
      ...optional('request_id', outcome.request_id),
    },
  };
}

function idsOf({ address, volume, backup }: PinnedAction): RestoreRun['ids'] {
  return { address, volume_id: volume.id, backup_id: backup.id };
}

function namesOf({ volume, backup }: FoundReadings) {
  return {
    volume_name: volume.value.name,
    backup_name: backup.value.name,
    backup_created_at: backup.value.created_at,
    size: backup.value.size,
  };
}

function describe({ message, code, status }: CloudFailure): string {
  const label = code ?? (status === undefined ? undefined : `HTTP ${status}`);
  return label === undefined ? message : `${label}: ${message}`;
}

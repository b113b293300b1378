import { backoffMs } from '../domain/backoff.ts';
import { type Moment, momentOf } from '../domain/clock.ts';
import type { Attachment, CloudFailure, StartOutcome } from '../domain/cloud.ts';
import { wasEverInDoubt, worstDoubt } from '../domain/doubt.ts';
import { formatDuration } from '../domain/duration.ts';
import { unreachable } from '../domain/errors.ts';
import type { End, NotStarted } from '../domain/events.ts';
import { type Baseline, type ObservationHistory, sameResource } from '../domain/observation.ts';
import { optional } from '../domain/optional.ts';
import type { RunnableAction } from '../domain/plan.ts';
import { type Intended, isUnderWay, type RestoreRecord } from '../domain/record.ts';
import type { RecordEvent } from '../domain/record-transitions.ts';
import type { Permit } from '../drivers/driver.ts';
import { withCloudsReason } from './failure-report.ts';
import { follow } from './follow.ts';
import { type ProbeResult, probe } from './probe.ts';
import { type FoundReadings, namesOf } from './readings.ts';
import { assertIntended, assertRunning, endOf, RestoreRun } from './restore-run.ts';
import type { Run } from './run.ts';
import { sendRestore } from './send-restore.ts';
import { type Ready, startBlocked, untilReady } from './until-ready.ts';
import { readWhilePending } from './watch.ts';

/** A POST leaves within this time of its intent being written; otherwise the intent is written again. */
const INTENT_FRESH_MS = 5_000;

/**
 * Runs one restore as far as this run can bring it, starting from its record. `next`, `#post` and `#send` below hold the order
 * of all that matters: find out what earlier attempts did → wait until ready → baseline → durable intent → POST → durable
 * outcome.
 *
 * Rejects only if the state can no longer be written.
 */
export async function runRestore(
  run: Run,
  action: RunnableAction,
  record: RestoreRecord | undefined,
): Promise<End> {
  // The record changed since the plan: there is nothing to resume, and nobody has approved a new start.
  if (action.kind === 'resume' && !(record && isUnderWay(record)))
    return { kind: 'not_started', code: 'changed', reason: 'it is no longer running' };
  const timeoutMs = action.timeout_ms ?? run.settings.apply.timeout_ms;
  const restore = new RestoreRun(run, idsOf(action), record, timeoutMs);
  const attempts = new Attempts(restore, action);
  try {
    for (;;) {
      const end = await attempts.next();
      if (end !== NEXT_ATTEMPT) return end;
    }
  } catch (error) {
    if (!run.stop.aborted || error !== run.stop.reason) throw error;
    return endWithoutStart(restore, { code: 'interrupted', reason: 'interrupted before it was started' });
  }
}

/** After one refusal of a token, a new one is tried; a second refusal in a row is final. */
// Rule: new-token-is-tried-once
const REFUSED_TOKENS_MAX = 1;

/** There is no end yet: the loop continues with what the record says now, which may be another attempt. */
const NEXT_ATTEMPT = 'again';

class Attempts {
  readonly #restore: RestoreRun;
  readonly #action: RunnableAction;
  /** Where the volume was last seen attached, in the plan or while this run waited for it. */
  #attached: readonly Attachment[];
  /** When the next attempt is due, monotonic ms. */
  #notBefore = 0;
  /** Monotonic ms. */
  #firstFailedAt: number | undefined;
  /** No attempt is made later than this after the first that failed. */
  #giveUpAfterMs = 0;
  #failed = 0;
  #refusedTokens = 0;
  #lastFailure: CloudFailure | undefined;

  constructor(restore: RestoreRun, action: RunnableAction) {
    this.#restore = restore;
    this.#action = action;
    this.#attached = action.volume.attachments ?? [];
  }

  /** Brings the restore from its record to its end in this run, or to the next attempt. */
  async next(): Promise<End | typeof NEXT_ATTEMPT> {
    const restore = this.#restore;
    const { record } = restore;
    if (record?.status === 'running') return follow(restore, record);

    // Rule: nothing-is-repeated-before-a-probe
    if (record?.status === 'intended') {
      const end = await this.#endByEarlierAttempts(record);
      if (end) return end;
    }

    const ready = await untilReady(restore, this.#action, (attachments) => {
      this.#attached = attachments;
    });
    if (ready.kind === 'ready') return this.#post(ready);
    if (restore.record?.status === 'intended' && ready.policyViolations)
      return { ...endOf(restore), policy_violations: ready.policyViolations };
    if (restore.record?.status === 'intended' && ready.code !== 'halted' && ready.code !== 'interrupted')
      return this.#fail(ready.reason, false);
    return endWithoutStart(restore, ready);
  }

  /** Finds out what the earlier attempts did. Undefined if they did nothing and another one is due. */
  async #endByEarlierAttempts(record: Intended): Promise<End | undefined> {
    const restore = this.#restore;
    const { run } = restore;
    const finding = await probe(restore, record);
    switch (finding.kind) {
      case 'adopt':
        return this.#adopt(finding);
      case 'failed':
        return this.#fail(await withCloudsReason(restore, finding.reason), true);
      case 'unknown': {
        const { reason, observations } = finding;
        await restore.commit({ type: 'mark_unknown', at: restore.now(), reason, observations });
        return endOf(restore);
      }
      case 'undecided':
        return endOf(restore);
      case 'not_started':
        await this.#settle(finding);
        break;
      default:
        return unreachable(finding);
    }
    // Rule: follow-run-starts-nothing
    // Nothing is under way, and this run starts nothing: the restore has failed, and a later run starts it as a new one.
    if (run.mode === 'follow') return this.#fail(finding.reason, false);
    // Rule: resumed-restore-must-meet-the-current-policy
    if (this.#action.kind === 'resume' && this.#action.policy_violations.length > 0)
      return { ...endOf(restore), policy_violations: this.#action.policy_violations };
    // A dependency may have been declared since. Then the restore starts as a new one once its dependency is restored.
    const missing = this.#action.depends_on.find((address) => !run.isRestored(address));
    if (missing !== undefined)
      return this.#fail(`it did not start, and ${missing}, which it depends on, is not restored`, false);
    const lastFailure = this.#lastFailure?.message ?? 'no answer';
    if (this.#mustGiveUp) return this.#fail(`gave up after ${this.#failed} attempts: ${lastFailure}`, false);
    const pause = this.#notBefore - run.clock.monotonic();
    if (pause > restore.timeLeftMs)
      return this.#fail(
        `timed out after ${formatDuration(restore.timeoutMs)}, before the next attempt was due: ${lastFailure}`,
        false,
      );
    if (pause > 0) await run.clock.sleep(pause, run.stop);
    return undefined;
  }

  /** Commits the intent with its baseline, then sends the POST. */
  async #post({ permit, readings }: Ready): Promise<End | typeof NEXT_ATTEMPT> {
    const restore = this.#restore;
    const { run } = restore;
    const earlier = restore.record?.status === 'intended' ? restore.record : undefined;
    const baseline = readings.seen;
    let baselineToStore = baseline;
    if (earlier && wasEverInDoubt(earlier.attempts)) {
      // Only the first baseline can show what an attempt in doubt did.
      // Rule: volume-changed-since-its-baseline-is-judged-again
      if (!sameResource(baseline.volume, earlier.baseline.volume)) return NEXT_ATTEMPT;
      // Rule: baseline-of-an-attempt-in-doubt-is-kept
      baselineToStore = earlier.baseline;
    }
    const blocked = startBlocked(restore, this.#action);
    if (blocked) return endWithoutStart(restore, blocked);

    // Rule: intent-age-counts-from-before-its-commit
    // The time starts before the commit. If this process is frozen during the commit, another may take over its lock: then
    // the POST must not leave.
    const freshUntil = momentOf(run.clock, INTENT_FRESH_MS);
    // Rule: intent-is-durable-before-the-post
    await restore.commit(this.#intend(readings, baselineToStore));
    return this.#send(permit, freshUntil);
  }

  #intend(readings: FoundReadings, baseline: Baseline): RecordEvent {
    const { run, ids } = this.#restore;
    return {
      type: 'intend',
      at: this.#restore.now(),
      address: ids.address,
      identity: {
        volume_id: ids.volume_id,
        backup_id: ids.backup_id,
        generation: this.#action.generation,
        ...optional('selector', this.#action.selector),
      },
      names: namesOf(readings),
      baseline,
      ...optional('attached_before', this.#attached.length > 0 ? this.#attached : undefined),
      ...optional('protect', this.#action.protect),
      api: run.driver.api,
      settle_ms: run.settings.retry.settle_ms,
    };
  }

  /** Sends the POST of the attempt whose intent was committed, and commits its outcome. */
  async #send(permit: Permit, freshUntil: Moment): Promise<End | typeof NEXT_ATTEMPT> {
    const restore = this.#restore;
    const { run, ids } = restore;
    const attempt = assertIntended(restore).attempts.length;
    run.emit({ type: 'intended', address: ids.address, attempt });
    let lateMs: number | undefined;
    const onWrittenLate = (late_ms: number) => {
      lateMs = late_ms;
      // At once: the state may not accept a commit any more.
      run.emit({ type: 'written_late', address: ids.address, attempt, late_ms });
    };
    const posting = sendRestore(restore, permit, freshUntil, onWrittenLate);
    const { value, observedStart } = await readWhilePending(posting, restore);
    const outcome = ambiguousIfOtherJob(value, run);
    const writtenLate = optional('written_late_ms', lateMs);
    if (outcome.kind === 'accepted') {
      restore.acceptedAt = run.clock.monotonic();
      const { kind: _, ...answerIds } = outcome;
      await restore.commit({ type: 'accept', at: restore.now(), ...answerIds, ...writtenLate });
      run.emit({ type: 'accepted', address: ids.address, ...answerIds });
      return follow(restore, assertRunning(restore));
    }
    await restore.commit({ type: 'answer', at: restore.now(), outcome, ...writtenLate });
    const { kind: answer, failure } = outcome;
    const answered = { type: 'answered', address: ids.address, attempt, answer, failure } as const;
    if (observedStart && wasEverInDoubt(assertIntended(restore).attempts)) {
      run.emit({ ...answered, next: 'probe' });
      return this.#adopt(observedStart);
    }
    const again = this.#planRetry(outcome);
    run.emit({ ...answered, next: again ? 'probe' : 'give_up' });
    return again ? NEXT_ATTEMPT : this.#endByFinalRejection(failure);
  }

  /** Sets when the next attempt is due. Returns false if the outcome is final. */
  #planRetry(outcome: Exclude<StartOutcome, { kind: 'accepted' }>): boolean {
    const { run } = this.#restore;
    const { failure } = outcome;
    const again = outcome.kind === 'rejected' ? outcome.again : 'later';
    this.#refusedTokens = again === 'reauthenticate' ? this.#refusedTokens + 1 : 0;
    const final =
      this.#refusedTokens > REFUSED_TOKENS_MAX ||
      // Rule: final-rejection-ends-the-restore
      again === 'never';
    if (final) return false;

    const now = run.clock.monotonic();
    this.#failed++;
    this.#lastFailure = failure;
    this.#firstFailedAt ??= now;
    // give_up_after does not apply: the volume may become ready at any time before the timeout, and the attempt with a
    // new token waits for the settle time first.
    this.#giveUpAfterMs =
      again === 'when_ready' || again === 'reauthenticate'
        ? Number.POSITIVE_INFINITY
        : run.settings.retry.give_up_after_ms;
    this.#notBefore =
      again === 'reauthenticate'
        ? now
        : now + backoffMs(this.#failed, failure, run.settings.retry, run.random);
    return true;
  }

  /**
   * After a final refusal. A gateway may have sent the request twice: then the refusal may belong to the second copy, while
   * the first starts the restore. So the volume is read until settle has passed, as after any other answer, before it
   * counts as untouched and a later run may start the restore.
   */
  async #endByFinalRejection(failure: CloudFailure): Promise<End> {
    const restore = this.#restore;
    // Rule: final-rejection-is-probed
    const finding = await probe(restore, assertIntended(restore));
    switch (finding.kind) {
      case 'adopt':
        // Rule: restore-started-despite-a-rejection-is-followed
        return this.#adopt(finding);
      case 'not_started':
        await this.#settle(finding);
        return this.#fail(failureText(failure), false);
      case 'failed':
      case 'unknown':
        return this.#fail(failureText(failure), true);
      case 'undecided':
        return endOf(restore);
      default:
        return unreachable(finding);
    }
  }

  /** Commits that no attempt so far started anything, so that no later run probes them again. */
  async #settle({ for_ms, seen, reason }: ProbeResult & { readonly kind: 'not_started' }): Promise<void> {
    const restore = this.#restore;
    if (!seen) return;
    if (worstDoubt(assertIntended(restore).attempts) !== 'none')
      await restore.commit({ type: 'settle', at: restore.now(), for_ms, seen });
    restore.run.emit({ type: 'not_started', address: restore.ids.address, reason });
  }

  async #adopt({ history, reason }: { history: ObservationHistory; reason: string }): Promise<End> {
    const restore = this.#restore;
    await restore.commit({ type: 'adopt', at: restore.now(), history });
    restore.run.emit({ type: 'adopted', address: restore.ids.address, reason });
    return follow(restore, assertRunning(restore));
  }

  async #fail(reason: string, volumeChanged: boolean): Promise<End> {
    const restore = this.#restore;
    await restore.commit({ type: 'fail', at: restore.now(), reason, volume_changed: volumeChanged });
    return endOf(restore);
  }

  get #mustGiveUp(): boolean {
    if (this.#firstFailedAt === undefined) return false;
    const { clock } = this.#restore.run;
    return this.#restore.timeIsUp || clock.monotonic() - this.#firstFailedAt >= this.#giveUpAfterMs;
  }
}

/** The end of a restore that this run does not start: its record if it is under way, else `not_started`. */
function endWithoutStart(
  restore: RestoreRun,
  why: { readonly code: NotStarted; readonly reason: string },
): End {
  const { record } = restore;
  if (record && isUnderWay(record)) return { kind: 'recorded', record };
  return { kind: 'not_started', code: why.code, reason: why.reason };
}

/**
 * The outcome, except that an acceptance which names the job of another restore is ambiguous: it is outdated, so what this
 * request did is not known.
 */
function ambiguousIfOtherJob(outcome: StartOutcome, run: Run): StartOutcome {
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

function idsOf({ address, volume, backup }: RunnableAction): RestoreRun['ids'] {
  return { address, volume_id: volume.id, backup_id: backup.id };
}

function failureText({ message, code, status }: CloudFailure): string {
  const label = code ?? (status === undefined ? undefined : `HTTP ${status}`);
  return label === undefined ? message : `${label}: ${message}`;
}

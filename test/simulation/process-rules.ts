import { type AnswerClass, classOf, type Reply } from './answer-table.ts';
import type { StoredRecord, StoredState } from './stored-state.ts';

/** The settings that a scenario's runs go by. Times in ms; `max_failures` 0: no limit. */
export interface Rules {
  readonly api: 'vbs' | 'cinder';
  readonly settle_ms: number;
  readonly max_failures: number;
  readonly timeout_ms: number;
  readonly max_delay_ms: number;
  readonly give_up_after_ms: number;
}

export type ProcessClause =
  | 'answer-table'
  | 'settle-before-repeat'
  | 'no-needless-settle'
  | 'baseline'
  | 'limits'
  | 'success-observed'
  | 'needless-doubt'
  | 'pause-kept'
  | 'evidence-used';

interface Pair {
  readonly volume_id: string;
  readonly backup_id: string;
}

/** One POST of a restore, from when it was asked of the network to its reply. */
export interface Sent extends Pair {
  readonly process: string;
  readonly attempt: string | undefined;
  reply?: { readonly as: AnswerClass; readonly at: number };
}

/** What one process was told and did. Times are monotonic ms. */
interface ProcessHistory {
  /** Since when it holds the lock. */
  began: number;
  /** When it began, by the clock of its machine, epoch ms. */
  readonly wall: number;
  /** It was shown an older copy of the cloud. */
  hasReadStale: boolean;
  /** How long the cloud asked it to send nothing, all pauses together, ms. */
  paused: number;
  /** How long the store of the state may have kept it waiting. */
  storeDelayMs: number;
  /** Since when anything went wrong with it last. */
  trouble: number;
  frozen: boolean;
  asked: number;
  /** Until then the cloud asked it to send nothing. */
  pausedUntil: number;
  readonly seen: Map<string, Seen>;
  /** Disk → the yes; until the disk is seen restoring. */
  readonly accepted: Map<string, number>;
  readonly lags: { readonly at: number; readonly ms: number }[];
  readonly failures: number[];
  readonly begun: Map<string, number>;
}

interface Seen {
  readonly status: string;
  readonly updated_at: string;
  readonly src_backup_id: string | undefined;
}

/** Reads on the way to the next step that come late without a fault, and the pause between two reads. */
const UNHURRIED_MS = 40_000;
/** By default a pause that the cloud asks for is at least, and at most, so long. */
const PAUSE_MS_MIN = 1_000;
const PAUSE_MS_MAX = 300_000;
/** A request to where the state is kept that went wrong, and the pause after it. */
const STORE_DELAY_MS = 60_000;

/**
 * Judges what a process does by what it was told: from every answer that truly came back it derives itself what the state
 * has to call the attempt and what may follow, by the text of the design alone.
 */
export class ProcessRules {
  readonly #rules: Rules;
  readonly #violated: (clause: ProcessClause, what: string) => void;
  readonly #isDisturbed: (record: StoredRecord) => boolean;
  readonly #histories = new Map<string, ProcessHistory>();
  readonly #sent = new Map<string, Sent[]>();
  readonly #judged = new Set<string>();
  readonly #states = new Map<string, StoredRecord>();
  /** Jobs that were read as done. */
  readonly #doneJobs = new Set<string>();
  /** What was read last, by whomever. */
  readonly #seen = new Map<string, Seen>();
  /** When a disk or backup was seen restoring last. */
  readonly #restoringAt = new Map<string, number>();
  /** Disk → when a request for it was last accepted. */
  readonly #acceptedAt = new Map<string, number>();
  /** Disks, backups and jobs that were not found when they were read last. */
  readonly #gone = new Set<string>();

  /** `isDisturbed`: whether anybody else did anything to its disk or with its backup since it was begun. */
  constructor(
    rules: Rules,
    violated: (clause: ProcessClause, what: string) => void,
    isDisturbed: (record: StoredRecord) => boolean,
  ) {
    this.#rules = rules;
    this.#violated = violated;
    this.#isDisturbed = isDisturbed;
  }

  began(process: string, at: number, wall: number): void {
    this.#histories.set(process, {
      began: at,
      wall,
      hasReadStale: false,
      paused: 0,
      storeDelayMs: 0,
      trouble: at,
      frozen: false,
      asked: Number.NEGATIVE_INFINITY,
      pausedUntil: 0,
      seen: new Map(),
      accepted: new Map(),
      lags: [],
      failures: [],
      begun: new Map(),
    });
  }

  /** It holds the lock from now on: nothing that it saw or waited for before counts. */
  locked(process: string, at: number): void {
    const history = this.#histories.get(process);
    if (history) history.began = at;
  }

  /** A request to where the state is kept went wrong. */
  storeDelayed(process: string, at: number): void {
    const history = this.#histories.get(process);
    if (history) history.storeDelayMs += STORE_DELAY_MS;
    this.trouble(process, at);
  }

  trouble(process: string, at: number, frozen = false): void {
    const history = this.#histories.get(process);
    if (!history) return;
    history.trouble = at;
    history.frozen ||= frozen;
  }

  /** It was shown an older copy of the cloud: that two statuses contradict each other may be due to that. */
  readStale(process: string): void {
    const history = this.#histories.get(process);
    if (history) history.hasReadStale = true;
  }

  /** A request is given to the network. */
  leaves(process: string, what: string, at: number): void {
    const history = this.#histories.get(process);
    if (history && !history.frozen && at < history.pausedUntil)
      this.#violated(
        'pause-kept',
        `${process}: ${what}, ${history.pausedUntil - at} ms before the pause was over`,
      );
  }

  /** Whatever was asked, a 429 or an error with a `Retry-After` asks the whole run to pause. */
  answered(
    process: string,
    status: number,
    headers: Readonly<Record<string, string | undefined>>,
    at: number,
  ): void {
    const history = this.#histories.get(process);
    const seconds = Number(headers['retry-after'] ?? 0);
    if (!history || status < 400 || (status !== 429 && !(seconds > 0))) return;
    const pause = Math.min(Math.max(seconds * 1_000, PAUSE_MS_MIN), PAUSE_MS_MAX);
    const until = Math.max(history.pausedUntil, at + pause);
    history.paused += until - Math.max(history.pausedUntil, at);
    history.pausedUntil = until;
  }

  /** A token was asked for. */
  askedForToken(process: string, at: number): void {
    const history = this.#histories.get(process);
    if (history) history.asked = at;
  }

  /** A restore's POST is given to the network, whether it leaves or not. */
  sends(process: string, pair: Pair, storedState: StoredState | undefined): Sent {
    const record = standing(storedState, pair);
    const attempt = record && attemptId(record, record.attempts.length - 1);
    const sent: Sent = { process, ...pair, attempt };
    if (attempt !== undefined) this.#sent.set(attempt, [...(this.#sent.get(attempt) ?? []), sent]);
    return sent;
  }

  reply(sent: Sent, reply: Reply, at: number): void {
    const { process, volume_id } = sent;
    const as = classOf(reply, { api: this.#rules.api, ...sent });
    sent.reply = { as, at };
    if (as !== 'accepted') return;
    this.#histories.get(process)?.accepted.set(volume_id, at);
    this.#acceptedAt.set(volume_id, at);
  }

  /** A disk or backup was read: the text of a 200. */
  observed(process: string, id: string, text: string, at: number): void {
    const seen = seenIn(text, id);
    const history = this.#histories.get(process);
    if (!seen) this.learntNothing(process, id, undefined, at);
    if (!seen || !history) return;
    history.seen.set(id, seen);
    this.#seen.set(id, seen);
    this.#gone.delete(id);
    if (seen.status.startsWith('restoring')) this.#restoringAt.set(id, at);
    if (seen.status !== 'available') history.trouble = at;
    const accepted = history.accepted.get(id);
    if (seen.status !== 'restoring-backup' || accepted === undefined) return;
    history.accepted.delete(id);
    if (!history.frozen) history.lags.push({ at, ms: at - accepted });
  }

  /** A read brought nothing that tells how it is now. */
  learntNothing(process: string, id: string | undefined, status: number | undefined, at: number): void {
    this.trouble(process, at);
    if (id === undefined) return;
    this.#histories.get(process)?.seen.delete(id);
    if (status === 404) this.#gone.add(id);
  }

  readJob(id: string, text: string): void {
    this.#gone.delete(id);
    try {
      if (JSON.parse(text).status === 'SUCCESS') this.#doneJobs.add(id);
    } catch {
      // Not readable: not done.
    }
  }

  /** A restore's POST reached the cloud. `at`: monotonic; `now`: true epoch ms. */
  posted(
    process: string,
    pair: Pair,
    storedState: StoredState | undefined,
    intendedAt: number,
    at: number,
    now: number,
  ): void {
    const history = this.#histories.get(process);
    const record = standing(storedState, pair);
    if (!history || !record) return;
    const what = `disk ${pair.volume_id} from ${pair.backup_id}`;
    const earlier = record.attempts.slice(0, -1).map(({ answer, settled }, index) => ({
      answer,
      settled,
      sent: this.#sent.get(attemptId(record, index))?.at(-1),
    }));
    const last = earlier.at(-1);
    const own = earlier.filter(({ sent }) => sent?.process === process);
    if (last?.answer === 'rejected' && last === own.at(-1))
      this.#violated('answer-table', `${what}: a final rejection was repeated`);
    const refused = earlier.slice(-2).filter((one) => one.answer === 'unauthorized' && own.includes(one));
    if (refused.length === 2)
      this.#violated('answer-table', `${what}: a third token after two that were refused`);

    const sent = earlier.filter(({ answer }) => answer !== 'not_sent');
    const doubtful = sent.filter(({ settled }) => !settled);
    if (doubtful.length > 0)
      this.#settledFirst(
        history,
        what,
        own.filter((one) => doubtful.includes(one)),
        at,
      );
    else if (sent.length === 0 && last && last === own.at(-1))
      this.#didNotIdle(history, what, last.sent?.reply?.at ?? at, at);
    this.#baselineTells(history, what, pair, record, now);

    const { max_failures } = this.#rules;
    const halted = max_failures > 0 ? history.failures[max_failures - 1] : undefined;
    if (halted !== undefined && intendedAt > halted && !history.frozen)
      this.#violated('limits', `${what}: started after ${max_failures} failures`);
  }

  /** What the state holds now. `writer`: who wrote it, if a process did. */
  durable(storedState: StoredState, writer: string | undefined, at: number): void {
    for (const record of storedState.records.values()) {
      if (record.resolution || record.attempts.length === 0) continue;
      // By what it is, not by where it stands: it may be renamed, and the files written anew.
      const key = keyOf(record);
      const before = this.#states.get(key);
      if (before === record) continue;
      this.#states.set(key, record);
      this.#answerIsAsRead(record);
      this.#isSettledInTime(record, before, writer, at);
      const isNews =
        before?.status !== record.status || (before && lastAttempt(before)) !== lastAttempt(record);
      if (isNews) this.#endIsDue(record, before, writer, at);
    }
  }

  begun(process: string, address: string, at: number): void {
    this.#histories.get(process)?.begun.set(address, at);
  }

  ended(process: string, address: string, at: number): void {
    const history = this.#histories.get(process);
    const since = history?.begun.get(address);
    if (!history || since === undefined || history.frozen) return;
    const { timeout_ms, give_up_after_ms } = this.#rules;
    const allowed =
      timeout_ms +
      this.#settle(history, at) +
      2 * give_up_after_ms +
      UNHURRIED_MS +
      history.storeDelayMs +
      history.paused;
    if (at - since > allowed)
      this.#violated('limits', `${process}: ${address} took ${at - since} ms, at most ${allowed} were given`);
  }

  #answerIsAsRead(record: StoredRecord): void {
    const index = record.attempts.length - 1;
    const id = attemptId(record, index);
    const answer = record.attempts[index]?.answer;
    if (answer === undefined || this.#judged.has(id)) return;
    this.#judged.add(id);
    const sent = this.#sent.get(id) ?? [];
    const read = sent.length === 0 ? ['not_sent'] : sent.map(({ reply }) => reply?.as);
    if (!read.some((as) => as === undefined || as === answer))
      this.#violated('answer-table', `${keyOf(record)}: ${answer}, and the replies were ${read.join(', ')}`);
  }

  /** Called settled: settle has passed since its answer came, and since this process can have known of it. */
  #isSettledInTime(
    record: StoredRecord,
    before: StoredRecord | undefined,
    writer: string | undefined,
    at: number,
  ): void {
    const history = this.#histories.get(writer ?? '');
    const own = record.attempts.flatMap(({ settled }, index) =>
      // What an earlier process wrote and did not see through becomes durable with the next.
      settled && !before?.attempts[index]?.settled && (!history || Date.parse(settled.at) >= history.wall)
        ? [{ sent: this.#sent.get(attemptId(record, index))?.findLast((sent) => sent.process === writer) }]
        : [],
    );
    if (history && own.length > 0) this.#settledFirst(history, `${keyOf(record)} called settled`, own, at);
  }

  #settledFirst(
    history: ProcessHistory,
    what: string,
    own: readonly { readonly sent: Sent | undefined }[],
    at: number,
  ): void {
    const since = Math.max(history.began, ...own.map(({ sent }) => sent?.reply?.at ?? history.began));
    const settle = this.#settle(history, since + this.#rules.settle_ms);
    if (at - since < settle)
      this.#violated('settle-before-repeat', `${what}: after ${at - since} ms, settle is ${settle}`);
  }

  /** Three times the longest lag that this process saw by then, and never less than configured. */
  #settle({ lags }: ProcessHistory, by: number): number {
    const { settle_ms } = this.#rules;
    return Math.max(settle_ms, ...lags.filter(({ at }) => at < by).map(({ ms }) => 3 * ms));
  }

  #didNotIdle(history: ProcessHistory, what: string, since: number, at: number): void {
    const { settle_ms, max_delay_ms } = this.#rules;
    const most = max_delay_ms + UNHURRIED_MS;
    if (most < settle_ms && history.trouble < since && at - since > most)
      this.#violated('no-needless-settle', `${what}: nothing was sent, and ${at - since} ms were waited`);
  }

  #baselineTells(history: ProcessHistory, what: string, pair: Pair, record: StoredRecord, now: number): void {
    const { baseline } = record;
    const volume = history.seen.get(pair.volume_id);
    const backup = history.seen.get(pair.backup_id);
    if (!baseline || !volume || !backup) return;
    if (!isSame(volume, baseline.volume))
      this.#violated('baseline', `${what}: the disk moved, and was restored into all the same`);
    for (const [name, { updated_at }] of [
      ['disk', volume],
      ['backup', backup],
    ] as const)
      if (now < timeOf(updated_at) + 1_000)
        this.#violated('baseline', `${what}: the ${name} changed within the second of the request`);
  }

  #endIsDue(
    record: StoredRecord,
    before: StoredRecord | undefined,
    writer: string | undefined,
    at: number,
  ): void {
    const { status } = record;
    const history = this.#histories.get(writer ?? '');
    if (status === 'succeeded') this.#isProven(record);
    if (status !== 'failed' && status !== 'unknown') return;
    if (!history) return;
    history.failures.push(at);
    if (before?.status !== 'intended') return;
    this.#evidenceIsUsed(record, history);
    this.#doubtIsNeeded(record, history);
    const [attempt] = record.attempts;
    if (status !== 'failed' || record.attempts.length > 1 || attempt?.answer !== 'unauthorized') return;
    const sent = this.#sent.get(attemptId(record, 0))?.at(-1);
    const refusedAt = sent?.process === writer ? sent?.reply?.at : undefined;
    const inTime = at - (history.begun.get(record.address) ?? 0) < this.#rules.timeout_ms;
    if (refusedAt !== undefined && inTime && history.asked < refusedAt && history.trouble < refusedAt)
      this.#violated('answer-table', `${keyOf(record)}: 401, and no new token was asked for`);
  }

  /** Called succeeded: by a job that was read as done, or by a disk and a backup that no longer are as before. */
  #isProven(record: StoredRecord): void {
    const { evidence, job_id, baseline, volume_id, backup_id } = record;
    if ((evidence !== 'accepted' && evidence !== 'adopted') || !baseline) return;
    if (job_id !== undefined) {
      if (this.#doneJobs.has(job_id)) return;
      // A job that is not found any more leaves disk and backup to tell, if both were seen at it.
      const since = this.#acceptedAt.get(volume_id) ?? Number.POSITIVE_INFINITY;
      const sawBoth = [volume_id, backup_id].every((id) => (this.#restoringAt.get(id) ?? -1) >= since);
      if (!this.#gone.has(job_id) || !sawBoth) {
        this.#violated('success-observed', `${keyOf(record)}: job ${job_id} was not read as done`);
        return;
      }
    }
    const volume = this.#seen.get(volume_id);
    const backup = this.#seen.get(backup_id);
    if (!volume) return;
    const named = volume.src_backup_id !== baseline.volume.src_backup_id ? volume.src_backup_id : undefined;
    if (named !== undefined && named !== backup_id)
      this.#violated('success-observed', `${keyOf(record)}: the disk names ${named}`);
    if (isSame(volume, baseline.volume))
      this.#violated('success-observed', `${keyOf(record)}: the disk is as before`);
    if (evidence !== 'accepted' || named !== undefined || !backup) return;
    if (this.#gone.has(backup_id)) this.#violated('success-observed', `${keyOf(record)}: the backup is gone`);
    else if (isSame(backup, baseline.backup))
      this.#violated('success-observed', `${keyOf(record)}: the backup is as before`);
  }

  /** Failed, maybe touched; but settle was waited out after all attempts but the last, which was refused, and the disk did not move. */
  #doubtIsNeeded(record: StoredRecord, history: ProcessHistory): void {
    const { volume_id, baseline, status, touched, attempts } = record;
    if (status !== 'failed' || touched !== 'maybe' || attempts.length < 2 || !baseline) return;
    const volume = history.seen.get(volume_id);
    const refused = ['rejected', 'rejected_for_now', 'unauthorized', 'not_sent'].includes(
      attempts.at(-1)?.answer ?? '',
    );
    if (refused && volume && isSame(volume, baseline.volume))
      this.#violated('needless-doubt', `${keyOf(record)}: ${attempts.length} attempts, the last was refused`);
  }

  /** Given up, though the last look showed it under way or done. */
  #evidenceIsUsed(record: StoredRecord, history: ProcessHistory): void {
    const { volume_id, backup_id, baseline, status, attempts } = record;
    const volume = history.seen.get(volume_id);
    const backup = history.seen.get(backup_id);
    const sure = attempts.every(({ answer }) => answer === 'not_sent');
    if (!volume || !backup || !baseline || sure) return;
    // What others did can rule out that it is ours, whatever the last look showed; so can an older copy.
    if (this.#isDisturbed(record) || history.hasReadStale) return;
    const isNew = volume.src_backup_id !== baseline.volume.src_backup_id;
    const foreign = isNew && volume.src_backup_id !== undefined && volume.src_backup_id !== backup_id;
    if (volume.status === 'restoring-backup' && backup.status === 'restoring' && !foreign)
      this.#violated('evidence-used', `${keyOf(record)} is ${status}, and was seen under way`);
    if (volume.status === 'available' && backup.status === 'available' && isNew && !foreign)
      this.#violated('evidence-used', `${keyOf(record)} is ${status}, and the disk names its backup`);
  }
}

function standing(
  storedState: StoredState | undefined,
  { volume_id, backup_id }: Pair,
): StoredRecord | undefined {
  return [...(storedState?.records.values() ?? [])].find(
    (record) =>
      record.status === 'intended' &&
      record.volume_id === volume_id &&
      record.backup_id === backup_id &&
      record.attempts.at(-1)?.answer === undefined,
  );
}

function attemptId(record: StoredRecord, index: number): string {
  return `${keyOf(record)} ${index} ${record.attempts[index]?.intended_at}`;
}

function lastAttempt(record: StoredRecord): string {
  return attemptId(record, record.attempts.length - 1);
}

function keyOf({ volume_id, backup_id, generation }: StoredRecord): string {
  return `${volume_id} ${backup_id} ${generation}`;
}

/** What an answer says of the one that was asked about; of another, nothing. */
function seenIn(text: string, id: string): Seen | undefined {
  try {
    const body = JSON.parse(text);
    const one = body.volume ?? body.backup;
    if (one.id !== id) return undefined;
    return {
      status: one.status,
      updated_at: one.updated_at ?? one.created_at,
      src_backup_id: one.metadata?.src_backup_id,
    };
  } catch {
    return undefined;
  }
}

function isSame(seen: Seen, kept: NonNullable<StoredRecord['baseline']>['volume']): boolean {
  return (
    seen.status === kept.status &&
    timeOf(seen.updated_at) === timeOf(kept.updated_at) &&
    seen.src_backup_id === kept.src_backup_id
  );
}

/** UTC, with or without saying so. */
function timeOf(text: string | undefined): number {
  if (text === undefined) return 0;
  return Date.parse(/Z$|[+-]\d\d:\d\d$/.test(text) ? text : `${text}Z`);
}

import { EVIDENCE_MUTATIONS } from './evidence-mutations.ts';
import { LEASE_MUTATIONS } from './lease-mutations.ts';
import type { Patch } from './sources.ts';

/**
 * Every rule of the program that keeps a promise, broken once. The simulation has to notice each within a thousand
 * seeds: `npm run simulate:mutants` looks for the seeds, `caught.json` keeps them, and a test plays them again.
 */
export interface Mutation {
  readonly name: string;
  /** What the program promises there. */
  readonly rule: string;
  readonly patches: readonly Patch[];
}

const START = 'src/drivers/start-answers.ts';
const VBS = 'src/drivers/vbs-answers.ts';
const CINDER = 'src/drivers/cinder-answers.ts';
const POSTS = 'src/drivers/restore-posts.ts';
const RECORD = 'src/domain/record.ts';
const VERDICT = 'src/executor/verdict.ts';
const LOOKS = 'src/domain/look-history.ts';
const RESTORE = 'src/executor/restore.ts';
const SEND = 'src/executor/send-restore.ts';
const FOLLOW = 'src/executor/follow.ts';
const RUNNING = 'src/executor/judge-running.ts';
const READINESS = 'src/executor/readiness.ts';
const EXECUTE = 'src/executor/execute.ts';
const RUN = 'src/executor/run.ts';
const DECIDE = 'src/planner/decide.ts';
const RESOLVE = 'src/planner/resolve-spec.ts';
const INDEX = 'src/planner/record-index.ts';
const LOCAL = 'src/state/local/local-backend.ts';
const LEASE = 'src/state/lease.ts';
const PROBE = 'src/executor/probe.ts';
const JOURNAL = 'src/state/local/journal.ts';

const MOVED_WHILE_READY: Patch = {
  file: RESTORE,
  find: 'if (!sameSeen(baseline.volume, earlier.baseline.volume)) return AGAIN;',
  replace: '',
};
const UNMOVED: Patch = {
  file: RUNNING,
  find: `sameSeen(seen.volume, record.baseline.volume) ||
    (unseen && told_by === undefined && sameSeen(seen.backup, record.baseline.backup))`,
  replace: 'record.generation < 0',
};

export const MUTATIONS: readonly Mutation[] = [
  // The answer table, row by row, each row read as what does harm.
  {
    name: 'a yes is read as a no',
    rule: '200/202 as promised: accepted',
    patches: [
      {
        file: VBS,
        find: "return { kind: 'accepted', job_id: id, ...optional('request_id', requestId(answer)) };",
        replace: "return { kind: 'rejected', failure: unreadable(answer, 'mutant'), again: 'never' };",
      },
    ],
  },
  {
    name: 'a yes of Cinder is read as a no',
    rule: '200/202 as promised: accepted',
    patches: [
      {
        file: CINDER,
        find: "return { kind: 'accepted', ...optional('request_id', requestId(answer)) };",
        replace: "return { kind: 'not_sent', failure: unreadable(answer, 'mutant') };",
      },
    ],
  },
  {
    name: 'a yes without a job id is read as a no',
    rule: '200/202 unreadable, with an error body, or without the promised job id: ambiguous',
    patches: [
      {
        file: VBS,
        find: "return { kind: 'ambiguous', failure: unreadable(answer, why) };",
        replace: "return { kind: 'not_sent', failure: unreadable(answer, why) };",
      },
    ],
  },
  {
    name: 'an unreadable yes of Cinder is read as a no',
    rule: '200/202 unreadable: ambiguous',
    patches: [
      {
        file: CINDER,
        find: "return { kind: 'ambiguous', failure: unreadable(answer, why) };",
        replace: "return { kind: 'not_sent', failure: unreadable(answer, why) };",
      },
    ],
  },
  {
    name: 'a yes without a job id is believed, and a disk that did not move as well',
    rule: '200 without the promised job id: ambiguous; a disk as before is not restored',
    patches: [
      {
        file: VBS,
        find: "return { kind: 'ambiguous', failure: unreadable(answer, why) };",
        replace: "return { kind: 'accepted' };",
      },
      UNMOVED,
    ],
  },
  {
    name: '408 is a no for good',
    rule: '408: ambiguous',
    patches: [
      {
        file: START,
        find: 'case 408:',
        replace: "case 408: return { kind: 'rejected', failure, again: 'never' };",
      },
    ],
  },
  {
    name: '499 is a no for good',
    rule: '499: ambiguous',
    patches: [
      {
        file: START,
        find: 'case 499:',
        replace: "return ambiguous; case 499: return { kind: 'rejected', failure, again: 'never' };",
      },
    ],
  },
  {
    name: '5xx is a no for good',
    rule: '5xx: ambiguous',
    patches: [
      {
        file: START,
        find: 'if (status < 400 || status >= 500) return ambiguous;',
        replace: 'if (status < 400) return ambiguous;',
      },
    ],
  },
  {
    name: '3xx is a no for good',
    rule: '3xx: never followed, ambiguous',
    patches: [
      {
        file: START,
        find: 'if (status < 400 || status >= 500) return ambiguous;',
        replace: 'if (status >= 500) return ambiguous;',
      },
    ],
  },
  {
    name: 'a lost connection counts as never sent',
    rule: 'reset or timeout once a byte was written: ambiguous',
    patches: [
      {
        file: START,
        find: "    case 'broken':\n      return { kind: 'ambiguous',",
        replace: "    case 'broken':\n      return { kind: 'not_sent',",
      },
    ],
  },
  {
    name: 'a lost connection is a no for good',
    rule: 'reset or timeout once a byte was written: ambiguous',
    patches: [
      {
        file: START,
        find: "      return { kind: 'ambiguous', failure: failureOf(exchange, nowMs) };",
        replace: "      return { kind: 'rejected', failure: failureOf(exchange, nowMs), again: 'never' };",
      },
    ],
  },
  {
    name: '409, 429 and 503 are repeated at once',
    rule: '409, 429, 503 of the service or its gateway: probed before it is repeated',
    patches: [
      {
        file: START,
        find: "return body ? { kind: 'rejected', failure, again: 'later' } : ambiguous;",
        replace: "return body ? { kind: 'not_sent', failure } : ambiguous;",
      },
    ],
  },
  {
    name: '409, 429 and 503 are for good',
    rule: '409, 429, 503 of the service or its gateway: retryable',
    patches: [
      {
        file: START,
        find: "return body ? { kind: 'rejected', failure, again: 'later' } : ambiguous;",
        replace: "return body ? { kind: 'rejected', failure, again: 'never' } : ambiguous;",
      },
    ],
  },
  {
    name: 'a page of a gateway is a no',
    rule: '409, 429, 503 without an error body: ambiguous',
    patches: [
      {
        file: START,
        find: "return body ? { kind: 'rejected', failure, again: 'later' } : ambiguous;",
        replace: "return { kind: 'rejected', failure, again: body ? 'later' : 'never' };",
      },
    ],
  },
  {
    name: 'not yet counts as never',
    rule: '400 whose code says "not yet": waited for and probed',
    patches: [
      {
        file: START,
        find: 'again: dialect.again(status, body)',
        replace: "again: 'never'",
      },
    ],
  },
  {
    name: 'not yet and never are repeated at once',
    rule: 'a no may be the answer to a second copy: probed',
    patches: [
      {
        file: START,
        find: "return { kind: 'rejected', failure, again: dialect.again(status, body) };",
        replace: "return { kind: 'not_sent', failure };",
      },
    ],
  },
  {
    name: 'codes that leave it open are read as a no',
    rule: 'VolumeBackup.0014 and its kin: look first',
    patches: [
      {
        file: START,
        find: 'if (body && dialect.mayHaveStarted(body)) return ambiguous;',
        replace: "if (body && dialect.mayHaveStarted(body)) return { kind: 'not_sent', failure };",
      },
    ],
  },
  {
    name: 'a POST without an answer is sent again',
    rule: 'a driver makes one attempt and never repeats a POST',
    patches: [
      {
        file: POSTS,
        find: 'const exchange = await wire.sendReserved({',
        replace:
          "const twice = async (r: PostRequest) => { const e = await wire.sendReserved(r); return e.kind === 'broken' ? wire.sendReserved(r) : e; };\n    const exchange = await twice({",
      },
    ],
  },

  // What an attempt leaves behind.
  {
    name: 'an attempt without an answer counts as nothing',
    rule: 'absent: the process ended before it wrote down what came; full doubt',
    patches: [
      {
        file: RECORD,
        find: "    case undefined:\n    case 'ambiguous':",
        replace: "    case undefined:\n      return 'none';\n    case 'ambiguous':",
      },
    ],
  },
  {
    name: 'an ambiguous attempt counts as nothing',
    rule: 'ambiguous: full doubt',
    patches: [
      {
        file: RECORD,
        find: "    case 'ambiguous':\n    case 'accepted':",
        replace: "      return 'full';\n    case 'ambiguous':\n      return 'none';\n    case 'accepted':",
      },
    ],
  },
  {
    name: 'a retryable no is no possible duplicate',
    rule: 'nothing is repeated before settle has passed, after a retryable no either',
    patches: [
      {
        file: RECORD,
        find: "    case 'rejected_for_now':\n    case 'rejected':\n",
        replace: "    case 'rejected_for_now':\n      return 'none';\n    case 'rejected':\n",
      },
    ],
  },
  {
    name: 'failed and untouched although the disk moved',
    rule: '`touched: no` only if the disk did not move',
    patches: [
      {
        file: RECORD,
        find: "record.status === 'intended' && !event.moved && worstDoubt(record.attempts) === 'none'",
        replace: "worstDoubt(record.attempts) === 'none' || record.status === 'running'",
      },
    ],
  },

  // The verdict, clause by clause.
  {
    name: 'a cloud that does not tell counts as unmoved',
    rule: 'wait: an unreadable answer',
    patches: [
      {
        file: VERDICT,
        find: "return { kind: 'wait', because: 'disk or backup cannot be read' };",
        replace: "return { kind: 'retry', because: 'disk or backup cannot be read' };",
      },
    ],
  },
  {
    name: 'adopt on the disk alone',
    rule: 'adopt: both are restoring; a disk that is restoring alone is not ours',
    patches: [
      {
        file: VERDICT,
        find: 'if (volumeRestoring && backupRestoring) {',
        replace: 'if (volumeRestoring) {',
      },
      {
        file: LOOKS,
        find: 'if (isRestoringDisk(volume) && !isRestoringBackup(backup))',
        replace: "if (volume.status === 'mutant')",
      },
    ],
  },
  {
    name: 'adopt on the backup alone, and a disk that did not move is restored',
    rule: 'adopt: both are restoring',
    patches: [
      {
        file: VERDICT,
        find: 'if (volumeRestoring && backupRestoring) {',
        replace: 'if (backupRestoring) {',
      },
      UNMOVED,
    ],
  },
  {
    name: 'nothing is adopted',
    rule: 'adopt: both are restoring, neither was in the baseline',
    patches: [
      {
        file: VERDICT,
        find: "return { kind: 'adopt', because: 'disk and backup are restoring, and were not before' };",
        replace: "return { kind: 'retry', because: 'mutant' };",
      },
      MOVED_WHILE_READY,
    ],
  },
  {
    name: 'a disk that moved is restored again',
    rule: 'unknown: back to available but something moved',
    patches: [
      {
        file: VERDICT,
        find: '  if (!sameSeen(volume, baseline.volume))',
        replace: "  if (volume.status === 'mutant')",
      },
      MOVED_WHILE_READY,
    ],
  },
  {
    name: 'a disk that moved is called untouched',
    rule: 'unknown: back to available but something moved',
    patches: [
      {
        file: VERDICT,
        find: '  if (!sameSeen(volume, baseline.volume))\n    return {\n      kind: ' + "'unknown',",
        replace: '  if (!sameSeen(volume, baseline.volume))\n    return {\n      kind: ' + "'adopt',",
      },
      UNMOVED,
    ],
  },
  {
    name: 'settle is skipped',
    rule: 'retry: nothing moved and settle has passed',
    patches: [
      {
        file: VERDICT,
        find: 'if (evidence.since_ms < evidence.settle_ms)',
        replace: 'if (evidence.since_ms < 0)',
      },
    ],
  },
  {
    name: 'settle is cut to a half',
    rule: 'retry: nothing moved and settle has passed',
    patches: [
      {
        file: VERDICT,
        find: 'return Math.max(configuredMs, 3 * longestLagMs);',
        replace: 'return configuredMs / 2;',
      },
    ],
  },
  {
    name: '`after_ambiguous: stop` is ignored',
    rule: '`after_ambiguous: stop` makes it unknown instead',
    patches: [
      {
        file: VERDICT,
        find: "if (doubt === 'full' && evidence.after_ambiguous === 'stop')",
        replace: "if (doubt === 'none' && evidence.after_ambiguous === 'stop')",
      },
    ],
  },
  // The order of everything that matters.
  {
    name: 'a resumed run sends first',
    rule: 'resume: look first, never POST first',
    patches: [
      {
        file: RESTORE,
        find: "if (record?.status === 'intended') {\n      const finding",
        replace: "if (record?.status === 'intended' && this.#failed > 0) {\n      const finding",
      },
    ],
  },
  {
    name: 'no look between two attempts',
    rule: 'before any repeat the cloud has been looked at',
    patches: [
      {
        file: RESTORE,
        find: "if (record?.status === 'intended') {\n      const finding",
        replace: "if (record?.status === 'intended' && this.#failed === 0) {\n      const finding",
      },
    ],
  },
  {
    name: 'the request leaves while its intent is being written',
    rule: 'before any POST an intent is durable',
    patches: [
      {
        file: RESTORE,
        find: "await session.step({\n      type: 'intend',",
        replace: "void session.step({\n      type: 'intend',",
      },
    ],
  },
  {
    name: 'a repeat leaves without an intent of its own',
    rule: 'before any repeat an intent is durable',
    patches: [
      {
        file: RESTORE,
        find: "await session.step({\n      type: 'intend',",
        replace: "if (!earlier) await session.step({\n      type: 'intend',",
      },
    ],
  },
  {
    name: 'a stale intent is not renewed',
    rule: 'POST within 5 s of that commit, else commit it anew',
    patches: [
      {
        file: RESTORE,
        find: 'const freshUntil = momentOf(run.clock, INTENT_FRESH_MS);',
        replace: 'const freshUntil = momentOf(run.clock, Number.POSITIVE_INFINITY);',
      },
    ],
  },
  {
    name: 'an intent is fresh from when its commit returned',
    rule: 'POST within 5 s of that commit, whatever froze meanwhile',
    patches: [
      {
        file: RESTORE,
        find: 'sendRestore(session, permit, freshUntil, onWrittenLate)',
        replace: 'sendRestore(session, permit, momentOf(run.clock, INTENT_FRESH_MS), onWrittenLate)',
      },
    ],
  },
  {
    name: 'a stale intent and a lost lock do not keep a request back',
    rule: 'a process that was frozen and taken for dead sends nothing',
    patches: [
      {
        file: RESTORE,
        find: 'const freshUntil = momentOf(run.clock, INTENT_FRESH_MS);',
        replace: 'const freshUntil = momentOf(run.clock, Number.POSITIVE_INFINITY);',
      },
      {
        file: SEND,
        find: 'mayLeave: () => !run.stop.aborted && holds(),',
        replace: 'mayLeave: () => true,',
      },
    ],
  },
  {
    name: 'the baseline of an attempt in doubt is replaced',
    rule: 'after an ambiguous answer the baseline is never replaced',
    patches: [{ file: RESTORE, find: '      witness = earlier.baseline;', replace: '' }],
  },
  {
    name: 'a final no is not looked at',
    rule: 'a final no is looked at, too, before it is called failed, disk not touched',
    patches: [
      {
        file: RESTORE,
        find: 'if (final) return this.#refused(failure);',
        replace: 'if (final) return this.#fail(describe(failure), false);',
      },
      {
        file: RECORD,
        find: "worstDoubt(record.attempts) === 'none';",
        replace: "worstDoubt(record.attempts) !== 'full';",
      },
    ],
  },
  {
    name: '`wait` tries again',
    rule: '`wait` starts nothing, ever',
    patches: [
      {
        file: RESTORE,
        find: "if (run.reach === 'follow') return this",
        replace: 'if (this.#failed < 0) return this',
      },
      {
        file: SEND,
        find: "if (run.reach === 'follow') throw new Error('a run that only follows would start a restore');",
        replace: '',
      },
    ],
  },
  {
    name: 'a step counts before it is durable',
    rule: 'every step durable first',
    patches: [
      {
        file: RUN,
        find: "await this.run.slowWrites.watch(this.run.lease.commit([{ type: 'record', record: next }]));",
        replace: "void this.run.lease.commit([{ type: 'record', record: next }]).catch(() => undefined);",
      },
    ],
  },

  {
    name: 'a disk that is not as planned is restored',
    rule: 'what was approved is what happens: any other size or name stops the restore',
    patches: [
      {
        file: READINESS,
        find: 'if (!differing) return undefined;',
        replace: 'return undefined;',
      },
    ],
  },
  {
    name: 'not started is believed while something is restoring',
    rule: 'resolve looks again, and refuses not-started while something is restoring',
    patches: [
      {
        file: 'src/executor/resolve-record.ts',
        find: "if (decision.as === 'not-started') await refuseUnlessAtRest(driver, clock, record, job, looking);",
        replace: '',
      },
    ],
  },

  {
    name: 'a person is believed against the job of the restore',
    rule: 'resolve asks the job, and refuses not-started until it has ended otherwise',
    patches: [
      {
        file: 'src/executor/resolve-record.ts',
        find: 'const job = await refuseAgainstJob(driver, record, decision.as, looking.stop);',
        replace: 'const job = undefined;',
      },
      {
        file: 'src/executor/resolve-record.ts',
        find: "if (decision.as === 'not-started') await refuseUnlessAtRest(driver, clock, record, job, looking);",
        replace: '',
      },
    ],
  },

  // Following to the end.
  {
    name: 'job entities are not compared',
    rule: 'a job’s SUCCESS counts only if its entities match',
    patches: [
      {
        file: RUNNING,
        find: 'if (!sameId(volume, volume_id) || !sameId(backup, backup_id))',
        replace: "if (volume === '')",
      },
    ],
  },
  {
    name: 'an unknown job status is an end',
    rule: 'anything else: not finished',
    patches: [
      {
        file: RUNNING,
        find: "    case 'unrecognised':\n      return {\n        kind: 'goes_on',",
        replace:
          "    case 'unrecognised':\n      return { kind: 'succeeded' };\n      return {\n        kind: 'goes_on',",
      },
    ],
  },
  {
    name: 'a failed job is a success',
    rule: 'FAIL: failed',
    patches: [
      {
        file: RUNNING,
        find: "      return { kind: 'failed', reason: job.reasons.join('; ') || 'the job failed without a reason' };",
        replace: "      return { kind: 'succeeded' };",
      },
    ],
  },
  {
    name: 'a queued job is a success',
    rule: 'INIT: not finished',
    patches: [
      {
        file: RUNNING,
        find: "return { kind: 'goes_on', note: 'queued', job: job.status };",
        replace: "return { kind: 'succeeded' };",
      },
    ],
  },
  {
    name: 'a disk in error is restored',
    rule: 'a new error status: failed',
    patches: [
      {
        file: RUNNING,
        find: '  if (isErrorStatus(volume.value.status))',
        replace: "  if (volume.value.status === 'mutant')",
      },
      {
        file: RUNNING,
        find: 'if (!isDiskAtRest(seen.volume)) return',
        replace: 'if (seen.at === "") return',
      },
    ],
  },
  {
    name: 'a disk that is still restoring is restored',
    rule: 'restoring: goes on',
    patches: [
      {
        file: RUNNING,
        find: '  if (volume.value.status === VOLUME_RESTORING) return RESTORING;',
        replace: '',
      },
      {
        file: RUNNING,
        find: "    if (backup.value.status === BACKUP_RESTORING) return { kind: 'goes_on', note: 'restoring' };",
        replace: '',
      },
      {
        file: FOLLOW,
        find: "return volume.kind === 'found' && volume.value.status === VOLUME_RESTORING;",
        replace: 'return false;',
      },
      {
        file: RUNNING,
        find: 'if (!isDiskAtRest(seen.volume)) return',
        replace: 'if (seen.at === "") return',
      },
    ],
  },

  // What may run beside what.
  {
    name: 'restores of one backup run together',
    rule: 'restores of one backup run one after another',
    patches: [
      {
        file: EXECUTE,
        find: ', `backup $' + '{action.backup.id}`',
        replace: '',
      },
    ],
  },
  {
    name: 'dependants do not wait',
    rule: '`depends_on` is met only by succeeded',
    patches: [
      {
        file: EXECUTE,
        find: "depends_on: action.kind === 'resume' ? [] : action.depends_on,",
        replace: 'depends_on: [],',
      },
    ],
  },
  {
    name: 'dependants follow a failure',
    rule: '`depends_on` is met only by succeeded',
    patches: [
      {
        file: EXECUTE,
        find: "fulfilled: status === 'succeeded'",
        replace: 'fulfilled: true',
      },
    ],
  },

  // The plan.
  {
    name: 'a restore is known by its address',
    rule: 'done or not is looked up by identity, whatever it is called',
    patches: [
      {
        file: RESOLVE,
        find: '  const found = records.find(volume_id, backup, generation);\n  if (found)',
        replace:
          '  const known_ = records.find(volume_id, backup, generation);\n  const found = known_?.record.address === spec.address ? known_ : undefined;\n  if (found)',
      },
    ],
  },
  {
    name: 'the history is not asked',
    rule: 'done or not is looked up over all records and history',
    patches: [
      {
        file: INDEX,
        find: 'for (const entry of state?.history ?? [])',
        replace: 'for (const entry of state?.history.slice(0, 0) ?? [])',
      },
    ],
  },
  {
    name: 'open business does not block',
    rule: 'an open record on a volume or backup blocks every new start there',
    patches: [{ file: DECIDE, find: '    ...openBusiness(one, claims, resuming, context),\n', replace: '' }],
  },
  {
    name: 'maybe touched is planned again',
    rule: 'failed, maybe touched: blocked',
    patches: [
      {
        file: DECIDE,
        find: "if (record.touched === 'maybe') return blocked([mayBeTouched(record, current, context), ...occupied]);",
        replace: '',
      },
      {
        file: DECIDE,
        find: 'if (before && isMaybeTouched(before) && isOf(before, one))',
        replace: "if (before?.status === 'failed' && before.touched === 'mutant')",
      },
      {
        file: RECORD,
        find: 'if (record && isMaybeTouched(record) && sameIdentity(record, event.identity))',
        replace: "if (record?.status === 'failed' && record.touched === 'mutant')",
      },
    ],
  },
  {
    name: 'what is done is planned again after a rename',
    rule: 'a match under another address is a noop and moves the record',
    patches: [
      {
        file: DECIDE,
        find: "if (record.status === 'succeeded')",
        replace: "if (record.status === 'succeeded' && record.address === spec.address)",
      },
    ],
  },

  // What is durable, and whose it is.
  {
    name: 'the journal is not synced',
    rule: 'a commit resolves once durable',
    patches: [{ file: LOCAL, find: 'await this.#journal.journal.sync();', replace: '' }],
  },
  {
    name: 'a failed write does not poison the lease',
    rule: 'a failed write or fsync poisons the lease',
    patches: [{ file: LEASE, find: '    this.#poisoned = reason;\n', replace: '' }],
  },
  {
    name: 'a frozen process folds what is not its own any more',
    rule: 'names change only after a last look at the lock',
    patches: [
      {
        file: LOCAL,
        find: 'this.#disk.replace(this.#path, text, guard)',
        replace: 'this.#disk.replace(this.#path, text)',
      },
      {
        file: LOCAL,
        find: 'this.#disk.remove(this.journalPath, guard));\n    return',
        replace: 'this.#disk.remove(this.journalPath));\n    return',
      },
    ],
  },
  {
    name: 'a lost lock acknowledges',
    rule: 'the fenced lease refuses its commit',
    patches: [
      {
        file: LOCAL,
        find: 'the lock of a living process must not make it acknowledge what the next owner never saw.\n    this.#guard();',
        replace: 'the lock of a living process must not make it acknowledge what the next owner never saw.',
      },
      {
        file: SEND,
        find: 'mayLeave: () => !run.stop.aborted && holds(),',
        replace: 'mayLeave: () => true,',
      },
      {
        file: SEND,
        find: "if (!holds()) return notSent('the lock on the state is lost, or could end before the request does');",
        replace: '',
      },
    ],
  },
  {
    name: 'a torn line is damage',
    rule: 'what a crash leaves of a write is cut off by itself',
    patches: [
      {
        file: JOURNAL,
        find: 'if (end < 0 || (last && parsed(content) === undefined))',
        replace: 'if (offset < 0)',
      },
    ],
  },
  {
    name: 'the leftover journal is not read',
    rule: 'the journal is folded at the next start when the end never came',
    patches: [
      {
        file: LOCAL,
        find: 'recover({ path, snapshot, journalPath, journal })',
        replace: 'recover({ path, snapshot, journalPath, journal: undefined })',
      },
    ],
  },

  // What costs an outcome, patience or a question to a person, and what stands behind another rule.
  {
    name: '401 is a no for good',
    rule: '401: rejected, a new token once',
    patches: [
      {
        file: START,
        find: "return { kind: 'rejected', failure, again: 'reauthenticate' };",
        replace: "return { kind: 'rejected', failure, again: 'never' };",
      },
    ],
  },
  {
    name: '401 is given up at once',
    rule: '401: a new token, and again',
    patches: [
      {
        file: RESTORE,
        find: 'this.#refusedTokens > 1;',
        replace: 'this.#refusedTokens > 0;',
      },
    ],
  },
  {
    name: '401 is answered with new tokens for ever',
    rule: '401: a new token once',
    patches: [
      {
        file: RESTORE,
        find: "const final = again === 'never' || this.#refusedTokens > 1;",
        replace: "const final = again === 'never';",
      },
    ],
  },
  {
    name: '401 is sure to have begun nothing',
    rule: '401: may answer a second copy, settled before it is repeated',
    patches: [
      {
        file: RECORD,
        find: `    case 'unauthorized':
      return 'possible_duplicate';`,
        replace: `      return 'possible_duplicate';
    case 'unauthorized':
      return 'none';`,
      },
    ],
  },
  {
    name: 'what was not sent is in doubt',
    rule: 'no byte written: never sent',
    patches: [
      {
        file: START,
        find: "return { kind: 'not_sent', failure: failureOf(exchange, nowMs) };",
        replace: "return { kind: 'ambiguous', failure: failureOf(exchange, nowMs) };",
      },
    ],
  },
  {
    name: 'what was not sent is waited out',
    rule: 'never sent: repeated without settle',
    patches: [
      {
        file: RECORD,
        find: `    case 'not_sent':
      return 'none';`,
        replace: `    case 'not_sent':
      return 'possible_duplicate';`,
      },
    ],
  },
  {
    name: 'a no for good is repeated',
    rule: 'the same for good: failed',
    patches: [
      {
        file: RESTORE,
        find: "const final = again === 'never' || this.#refusedTokens > 1;",
        replace: 'const final = this.#refusedTokens > 1;',
      },
    ],
  },
  {
    name: 'never counts as not yet',
    rule: '400 404 403 405 406 407 413 for good',
    patches: [
      {
        file: START,
        find: 'again: dialect.again(status, body)',
        replace: "again: 'later'",
      },
    ],
  },
  {
    name: 'a yes of Cinder about another counts',
    rule: 'a yes has to be about what was asked for',
    patches: [
      {
        file: CINDER,
        find: `    isSameId(restore.volume_id, asked.volume_id) &&
    isSameId(restore.backup_id, asked.backup_id)`,
        replace: "    typeof restore.volume_id === 'string'",
      },
    ],
  },
  {
    name: 'an answer about another disk counts',
    rule: 'an answer about another disk or backup does not pass for the one asked about',
    patches: [
      {
        file: 'src/drivers/block-storage.ts',
        find: 'if (value.id.toLowerCase() !== id.toLowerCase())',
        replace: "if (value.id === '')",
      },
    ],
  },
  {
    name: 'a disk that newly names our backup proves nothing',
    rule: 'adopt when the disk newly names our backup',
    patches: [
      {
        file: VERDICT,
        find: "if (isDiskAtRest(volume) && newlyNamed(volume, evidence) === 'ours' && !contradiction)",
        replace: "if (volume.status === 'mutant')",
      },
    ],
  },
  {
    name: 'settle does not grow with the lag',
    rule: 'effective settle is three times the longest lag seen',
    patches: [
      {
        file: VERDICT,
        find: 'return Math.max(configuredMs, 3 * longestLagMs);',
        replace: 'return configuredMs;',
      },
    ],
  },
  {
    name: 'wait has no end',
    rule: 'wait: bounded by the timeout, then unknown',
    patches: [
      {
        file: PROBE,
        find: 'if (!settling && session.timeIsUp)',
        replace: 'if (!settling && sinceMs < 0)',
      },
    ],
  },
  {
    name: 'a disk that moved since the last probe is restored into',
    rule: 'only the first baseline can tell; if the disk left it, ask again',
    patches: [
      {
        file: RESTORE,
        find: 'if (!sameSeen(baseline.volume, earlier.baseline.volume)) return AGAIN;',
        replace: '',
      },
    ],
  },
  {
    name: 'a final no that started it is not followed',
    rule: 'a final no is looked at; what it started is followed',
    patches: [
      {
        file: RESTORE,
        find: "case 'adopt':\n        return this.#adopt(finding);\n      case 'retry':\n        await",
        replace: "case 'adopt':\n      case 'retry':\n        await",
      },
    ],
  },
  {
    name: 'a baseline may be as young as it likes',
    rule: 'the cloud’s Date at least 2 s past both updated_at',
    patches: [
      {
        file: READINESS,
        find: 'const BASELINE_AGE_MS = 2_000;',
        replace: 'const BASELINE_AGE_MS = 0;',
      },
      {
        file: READINESS,
        find: 'const BASELINE_QUIET_MS = 3_000;',
        replace: 'const BASELINE_QUIET_MS = 0;',
      },
    ],
  },
  {
    name: 'a job that is gone has succeeded',
    rule: 'what became of a job that is gone cannot be told, unless disk and backup were seen at it',
    patches: [
      {
        file: RUNNING,
        find: 'if (sawBothRestoring(confirmed.history)) return step;',
        replace: 'return step;',
      },
    ],
  },
  {
    name: 'a disk as before the yes is restored',
    rule: 'a disk that looks as before the request is not restored, whatever was answered',
    patches: [
      {
        file: RUNNING,
        find: 'sameSeen(seen.volume, record.baseline.volume) ||',
        replace: 'record.generation < 0 ||',
      },
    ],
  },
  {
    name: 'a backup that did not move proves a restore',
    rule: 'of what nobody saw restoring the backup has to have moved, too',
    patches: [
      {
        file: RUNNING,
        find: '(unseen && told_by === undefined && sameSeen(seen.backup, record.baseline.backup))',
        replace: 'record.generation < 0',
      },
    ],
  },
  {
    name: 'a backup that is gone proves a restore',
    rule: 'the backup is gone, and the disk alone does not tell',
    patches: [
      {
        file: RUNNING,
        find: "if (backup.kind === 'gone' || !isFull(seen))\n    return goneForGood",
        replace: 'if (record.generation < 0)\n    return goneForGood',
      },
    ],
  },
  {
    name: 'a disk that names another backup is restored from ours',
    rule: 'a disk that newly names another backup was not restored from ours',
    patches: [
      {
        file: RUNNING,
        find: "if (named === 'another')",
        replace: "if (named === 'mutant')",
      },
      {
        file: LOOKS,
        find: "if (isDiskAtRest(volume) && newlyNamed(volume, subject) === 'another')",
        replace: "if (volume.status === 'mutant')",
      },
    ],
  },
  {
    name: 'disk and backup are let go of at once',
    rule: 'disk and backup are held until the cloud surely is through with them',
    patches: [
      {
        file: EXECUTE,
        find: 'release: isAtRest(end)',
        replace: 'release: true',
      },
    ],
  },
  {
    name: 'unknown is planned again',
    rule: 'unknown: blocked, resolve; and open business blocks its disk and backup',
    patches: [
      {
        file: DECIDE,
        find: `        return blocked([outcomeUnknown(found, context), ...occupied]);
      case 'failed':`,
        replace: `        break;
      case 'failed':`,
      },
      {
        file: DECIDE,
        find: `    ...openBusiness(one, claims, resuming, context),
`,
        replace: '',
      },
    ],
  },
  {
    name: 'failures do not halt',
    rule: 'after max_failures nothing new starts',
    patches: [
      {
        file: EXECUTE,
        find: 'return max_failures > 0 && this.#failures >= max_failures;',
        replace: 'return max_failures < 0;',
      },
    ],
  },
  {
    name: 'one disk twice in a plan',
    rule: 'one disk in two declarations of one plan is blocked',
    patches: [
      {
        file: 'src/planner/conflicts.ts',
        find: 'if (all.length < 2) return [];',
        replace: 'if (all.length < 99) return [];',
      },
    ],
  },
  {
    name: 'a disk that names another is adopted and believed',
    rule: 'wait: the disk is being restored from another',
    patches: [
      {
        file: VERDICT,
        find: "if (newlyNamed(volume, evidence) === 'another')",
        replace: "if (volume.status === 'mutant')",
      },
      {
        file: RUNNING,
        find: "if (named === 'another')",
        replace: "if (named === 'mutant')",
      },
      {
        file: LOOKS,
        find: "if (isDiskAtRest(volume) && newlyNamed(volume, subject) === 'another')",
        replace: "if (volume.status === 'mutant')",
      },
    ],
  },
  ...EVIDENCE_MUTATIONS,
  ...LEASE_MUTATIONS,
];

export interface Equivalent {
  readonly rule: string;
  /** Why a run without it goes the same way: the rule that covers it wholly. */
  readonly proof: string;
  /** What holds it in place by itself. */
  readonly test: string;
}

/** Rules that nobody can see broken alone; broken together with the rule before them, the list above has them. */
export const EQUIVALENT: readonly Equivalent[] = [
  {
    rule: 'adopt asks that both were at rest in the baseline',
    proof:
      'readiness takes no baseline in which one of them is not `available`, and the state keeps only such',
    test: 'test/executor/verdict',
  },
  {
    rule: 'wait while the disk that is restoring names another backup',
    proof:
      'what is adopted all the same is followed, and its end refuses a disk that names another: unknown both ways',
    test: 'test/executor/verdict',
  },
  {
    rule: '`touched: no` only if no attempt that is not settled was ambiguous',
    proof:
      'a restore fails without a move only after a probe: what was ambiguous is settled by then, and written down as settled',
    test: 'test/domain/record',
  },
  {
    rule: 'unknown is not planned again',
    proof: 'an unknown record is open business on its own disk and backup, which blocks every start there',
    test: 'test/planner/open-records',
  },
];

import type { CloudFailure, StartOutcome } from '../../src/domain/cloud.ts';
import type { Doubt } from '../../src/domain/doubt.ts';
import type { RunningJudgement } from '../../src/executor/judge-running.ts';
import type { ProbeResult } from '../../src/executor/probe.ts';
import type { Verdict } from '../../src/executor/verdict.ts';
import type { Break, Breaks } from './break-rule.ts';

interface Outcome {
  readonly kind: StartOutcome['kind'];
  readonly again?: Extract<StartOutcome, { kind: 'rejected' }>['again'];
  readonly failure?: CloudFailure;
}

const outcome = (changes: Outcome): Break => ({ changes });
const NOT_SENT = outcome({ kind: 'not_sent' });
const FOR_GOOD = outcome({ kind: 'rejected', again: 'never' });
const FAILURE: CloudFailure = { cause: 'unreadable', message: 'mutant' };
const verdict = (kind: Verdict['kind']): Break => ({ changes: { kind } });
const doubt = (gives: Doubt): Break => ({ gives });
const SUCCEEDED: Break = {
  gives: { kind: 'succeeded', observed: { at: '2026-01-01T00:00:00.000Z' } } satisfies RunningJudgement,
};

/** Rules that stand behind others: broken besides what a mutant is about, so that it can be seen. */
const UNMOVED: Breaks = {
  'volume-as-before-is-not-restored': 'never',
  'backup-as-before-is-not-restored': 'never',
};
const MOVED_WHILE_READY: Breaks = { 'volume-changed-since-its-baseline-is-judged-again': 'never' };
const ALWAYS_FRESH: Breaks = {
  'intent-age-counts-from-before-its-commit': {
    gives: { monotonic: Number.POSITIVE_INFINITY, wall: Number.POSITIVE_INFINITY },
  },
};

/**
 * Every rule that the sources mark (`// Rule: NAME`), broken once or in several ways. The simulation has to notice each
 * within a thousand seeds: `npm run simulate:mutants` looks for the seeds, `mutant-seeds.json` keeps them, and a test runs them
 * again.
 */
export const MUTATIONS: Readonly<Record<string, Breaks>> = {
  // The answer table, row by row, each row read as what does harm.
  'an accepting answer is read as a final rejection': {
    'answer-with-a-job-id-is-accepted': outcome({ kind: 'rejected', again: 'never', failure: FAILURE }),
  },
  'an accepting answer of Cinder is read as not sent': {
    'cinder-202-is-accepted': outcome({ kind: 'not_sent', failure: FAILURE }),
  },
  'an answer without a job id is read as not sent': { 'answer-without-a-job-id-is-ambiguous': NOT_SENT },
  'an unreadable 202 of Cinder is read as not sent': {
    'unreadable-cinder-202-is-ambiguous': NOT_SENT,
  },
  'an answer without a job id counts as accepted, and an unchanged volume as restored': {
    'answer-without-a-job-id-is-ambiguous': outcome({ kind: 'accepted' }),
    ...UNMOVED,
  },
  '408 is a final rejection': { 'request-timeout-is-ambiguous': 'skip' },
  '499 is a final rejection': { 'closed-request-is-ambiguous': 'skip' },
  '5xx is a final rejection': { 'server-error-is-ambiguous': 'never' },
  '3xx is a final rejection': { 'redirect-is-ambiguous': 'never' },
  'a lost connection counts as not sent': { 'lost-answer-is-ambiguous': NOT_SENT },
  'a lost connection is a final rejection': { 'lost-answer-is-ambiguous': FOR_GOOD },
  '409, 429 and 503 count as not sent': { 'busy-answer-is-retried-later': NOT_SENT },
  '409, 429 and 503 are final rejections': { 'busy-answer-is-retried-later': FOR_GOOD },
  'an HTML page of a gateway is a final rejection': { 'gateway-page-is-ambiguous': FOR_GOOD },
  'a retryable error code counts as final': { 'error-code-decides-whether-to-retry': FOR_GOOD },
  'each error code counts as not sent': { 'error-code-decides-whether-to-retry': NOT_SENT },
  'error codes that decide nothing count as not sent': {
    'undecided-error-is-ambiguous': NOT_SENT,
  },
  'a POST without an answer is sent again': { 'post-is-sent-once': { again: { kind: 'broken' } } },

  // What an attempt leaves behind.
  'an attempt without an answer leaves no doubt': { 'unanswered-attempt-is-in-doubt': doubt('none') },
  'an ambiguous attempt leaves no doubt': { 'ambiguous-attempt-is-in-doubt': doubt('none') },
  'a retryable rejection leaves no doubt': { 'retryable-rejection-may-answer-a-duplicate': doubt('none') },
  'a restore fails as untouched although the volume changed': {
    'untouched-only-if-nothing-reached-the-volume': 'always',
  },

  // The verdict, clause by clause.
  'an unreadable answer counts as an unchanged volume': {
    'unreadable-answer-proves-nothing': verdict('not_started'),
  },
  'a restore is adopted although only the volume is restoring': {
    'adoption-requires-the-backup': 'always',
    'volume-restoring-alone-contradicts': 'never',
  },
  'a restore is adopted although only the backup is restoring, and an unchanged volume counts as restored': {
    'adoption-requires-the-volume': 'always',
    ...UNMOVED,
  },
  'no restore is adopted': {
    'restore-seen-under-way-is-adopted': verdict('not_started'),
    ...MOVED_WHILE_READY,
  },
  'a volume that changed is restored again': { 'changed-volume-is-unknown': 'never', ...MOVED_WHILE_READY },
  'a volume that changed is adopted, and an unchanged one counts as restored': {
    'changed-volume-is-unknown': verdict('adopt'),
    ...UNMOVED,
  },
  'a request is repeated before settle has passed': { 'repeat-waits-for-settle': 'never' },
  'settle is cut to a half': {
    'settle-is-never-shorter-than-configured': 'half',
    'settle-grows-with-the-lag': { gives: 0 },
  },
  '`after_ambiguous: stop` is ignored': { 'after-ambiguous-stop-ends-as-unknown': 'never' },

  // The order of everything that matters.
  'a resumed run sends a request before it probes': {
    'nothing-is-repeated-before-a-probe': { onlyIf: 'this.#failed > 0' },
  },
  'a request is repeated without a probe': {
    'nothing-is-repeated-before-a-probe': { onlyIf: 'this.#failed === 0' },
  },
  'a request leaves before its intent is durable': { 'intent-is-durable-before-the-post': 'early' },
  'a repeated request has no intent of its own': {
    'intent-is-durable-before-the-post': { onlyIf: '!earlier' },
  },
  'a stale intent is not renewed': ALWAYS_FRESH,
  'the age of an intent counts from the end of its commit': {
    'intent-age-counts-from-before-its-commit': 'late',
  },
  'neither a stale intent nor a lost lock stops a request': {
    ...ALWAYS_FRESH,
    'lost-lock-blocks-the-post-until-it-is-written': 'always',
  },
  'the baseline of an attempt in doubt is replaced': { 'baseline-of-an-attempt-in-doubt-is-kept': 'skip' },
  'a final rejection is not probed': {
    'final-rejection-is-probed': {
      gives: { kind: 'not_started', reason: 'mutant', for_ms: 0 } satisfies ProbeResult,
    },
    'untouched-only-once-doubt-is-settled': 'always',
  },
  '`wait` sends a request': { 'follow-run-starts-nothing': 'never', 'follow-run-sends-nothing': 'never' },
  'an event is reported before its record is durable': { 'record-is-durable-before-its-event': 'early' },
  'a volume that differs from the plan is restored': { 'restore-must-match-its-plan': 'always' },
  '`resolve --as not-started` is accepted while something is restoring': {
    'not-started-requires-volume-and-backup-at-rest': 'never',
  },
  '`resolve` contradicts the job of the restore': {
    'resolution-must-not-contradict-the-job': { gives: undefined },
    'not-started-requires-volume-and-backup-at-rest': 'never',
  },

  // Following to the end.
  'job entities are not compared': { 'job-of-another-restore-proves-nothing': 'never' },
  'a job in an unknown status counts as succeeded': {
    'job-in-an-unknown-status-is-still-running': SUCCEEDED,
  },
  'a failed job counts as succeeded': { 'failed-job-is-a-failure': SUCCEEDED },
  'a queued job counts as succeeded': { 'queued-job-is-still-running': SUCCEEDED },
  'a volume in error counts as restored': {
    'volume-in-error-is-a-failure': 'never',
    'busy-volume-is-still-running': 'never',
  },
  'a volume that is still restoring counts as restored': {
    'restoring-volume-is-still-running': 'never',
    'restoring-backup-is-still-running': 'never',
    'volume-restoring-alone-is-still-running': 'never',
    'busy-volume-is-still-running': 'never',
  },

  // What may run beside what.
  'restores from one backup run at the same time': { 'backup-is-restored-once-at-a-time': 'shorter' },
  'dependants do not wait for their dependencies': { 'dependencies-must-end-first': { gives: [] } },
  'dependants start after a dependency failed': { 'dependency-is-met-only-by-success': 'always' },

  // The plan.
  'a restore is identified by its address': {
    'restore-is-known-by-its-identity': { onlyIf: 'found.record.address === spec.address' },
  },
  'the history is ignored': { 'history-must-include-every-past-restore': 'skip' },
  'an open restore does not block new ones': { 'open-restore-blocks-new-starts': { gives: [] } },
  'a restore that may have touched its volume is planned again': {
    'maybe-touched-is-not-planned-again': 'never',
    'maybe-touched-here-is-not-planned-again': 'never',
    'maybe-touched-volume-is-not-intended-again': 'never',
  },
  'a succeeded restore is planned again after a rename': {
    'succeeded-restore-is-not-planned-again': { onlyIf: 'record.address === spec.address' },
  },

  // What is durable, and whose it is.
  'the journal is not synced': { 'journal-is-synced': 'skip' },
  'commits continue after a failed write': { 'failed-write-rejects-all-later-commits': 'skip' },
  'a frozen process replaces the snapshot after it lost the lock': {
    'snapshot-is-replaced-under-the-lock': 'shorter',
    'journal-is-removed-under-the-lock': 'shorter',
  },
  'a commit is acknowledged after the lock is lost': {
    'lost-lock-acknowledges-no-commit': 'skip',
    'lost-lock-blocks-the-post-until-it-is-written': 'always',
    'lost-lock-blocks-the-post': 'never',
  },
  'a partial last line of the journal counts as damage': { 'partial-line-is-cut-off': 'never' },
  'the journal that a killed run left is not read': {
    'leftover-journal-is-read': { changes: { journal: undefined } },
  },

  // What costs an outcome, patience or a question to a person, and what stands behind another rule.
  '401 is a final rejection': { 'refused-token-is-renewed': FOR_GOOD },
  '401 ends the restore without a new token': { 'new-token-is-tried-once': { gives: 0 } },
  '401 is retried with new tokens without end': {
    'new-token-is-tried-once': { gives: Number.POSITIVE_INFINITY },
  },
  '401 leaves no doubt': { 'refused-token-may-answer-a-duplicate': doubt('none') },
  'an unsent request is ambiguous': { 'unwritten-request-was-not-sent': outcome({ kind: 'ambiguous' }) },
  'an unsent request leaves a possible duplicate': {
    'unsent-attempt-leaves-no-doubt': doubt('possible_duplicate'),
  },
  'a final rejection is retried': { 'final-rejection-ends-the-restore': 'never' },
  'a final error code counts as retryable': {
    'error-code-decides-whether-to-retry': outcome({ kind: 'rejected', again: 'later' }),
  },
  'a 202 of Cinder that names another restore counts as accepted': {
    'cinder-202-must-name-the-requested-restore': 'always',
  },
  'an answer about another volume is accepted': { 'answer-must-be-about-the-requested-id': 'never' },
  'a volume that newly names our backup is not adopted': {
    'volume-that-names-our-backup-is-adopted': 'never',
  },
  'settle does not grow with the measured lag': { 'settle-grows-with-the-lag': { gives: 0 } },
  'a wait ignores the timeout': { 'wait-ends-with-the-timeout': 'never' },
  'a volume that changed since the last probe is overwritten': MOVED_WHILE_READY,
  'a restore that started despite a rejection is not followed': {
    'restore-started-despite-a-rejection-is-followed': 'skip',
  },
  'a baseline may be as recent as the last change': {
    'baseline-must-be-older-than-its-last-change': { gives: 0 },
    'baseline-must-be-read-unchanged': { gives: 0 },
  },
  'a missing job counts as succeeded': { 'missing-job-requires-both-observed-restoring': 'always' },
  'a volume that is unchanged since the answer counts as restored': {
    'volume-as-before-is-not-restored': 'never',
  },
  'an unchanged backup counts as restored from': { 'backup-as-before-is-not-restored': 'never' },
  'a missing backup counts as restored from': { 'missing-backup-proves-nothing': 'never' },
  'a volume that names another backup counts as restored from ours': {
    'volume-from-another-backup-is-not-ours': 'never',
    'volume-from-another-backup-contradicts': 'never',
  },
  'volume and backup are released before they are at rest': {
    'volume-and-backup-are-held-until-at-rest': 'always',
  },
  'a restore with an unknown outcome is planned again': {
    'unknown-is-not-planned-again': 'skip',
    'open-restore-blocks-new-starts': { gives: [] },
  },
  'failures do not halt the run': { 'failures-halt-the-run': 'never' },
  'a plan restores one volume twice': { 'volume-is-declared-once': 'always' },
  'a volume that names another backup is adopted and counts as restored': {
    'restore-from-another-backup-is-waited-out': 'never',
    'volume-from-another-backup-is-not-ours': 'never',
    'volume-from-another-backup-contradicts': 'never',
  },

  // Evidence: what observations show together.
  'a volume that restored alone contradicts nothing': { 'volume-restoring-alone-contradicts': 'never' },
  'an unconfirmed observation contradicts the restore': {
    'unconfirmed-observation-contradicts-nothing': 'always',
    'unconfirmed-observation-is-read-again': 'never',
  },
  'restores that began in another order count as one': {
    'volume-before-backup-contradicts': 'never',
    'volume-long-after-backup-contradicts': 'never',
    'backup-restoring-alone-before-contradicts': 'never',
    'restore-frees-both-together': 'never',
  },
  'restores that ended apart count as one': { 'restore-frees-both-together': 'never' },
  'a volume that does not name our backup counts as restored': {
    'restored-volume-must-name-its-backup': 'never',
  },
  'a contradiction is not kept for the next run': { 'needed-observation-is-durable': 'never' },
  'a contradiction does not affect the verdict': {
    'contradicted-restore-is-not-adopted': 'never',
    'contradicted-restore-is-not-recorded-as-ours': 'never',
    'contradicted-restore-is-not-ours': 'never',
  },
  'a settled attempt is in doubt again': { 'settled-doubt-does-not-return': 'never' },
  '`wait` does not record that nothing was started': {
    'follow-run-starts-nothing': { code: 'endOf(restore)' },
  },
  'an attempt is recorded as settled before settle has passed': {
    'settled-after-observing-until-settle': 'half',
  },

  // The policy before each request, and the pauses that a cloud asks for.
  'a resumed restore is sent against the current policy': {
    'resumed-restore-must-meet-the-current-policy': 'never',
    'policy-is-checked-before-each-request': 'never',
  },
  'the pause that the cloud asks for is ignored': { 'pause-requested-by-the-cloud-is-kept': 'skip' },
  'a request with a reserved slot leaves during a pause': {
    'pause-blocks-a-reserved-post': 'never',
    'pause-blocks-a-post-until-it-is-written': 'always',
    'throttled-run-reserves-again-before-the-post': 'never',
  },

  // A lock with an end.
  'a lock is taken over without waiting for settle': { 'takeover-waits-for-settle': { gives: 0 } },
  'the age of a lock is measured by the clock of the runner': {
    'lock-age-is-measured-by-the-store': { code: 'clock.now() - modified' },
  },
  'a request leaves although it can outlast the lease': { 'lease-outlasts-the-request': { gives: 0 } },
  'a lease counts from the answer to its renewal': { 'lease-counts-from-before-its-renewal': 'late' },
  'a lease counts from the answer to its creation': {
    'lease-counts-from-before-its-lock-request': 'late',
  },
  'a lease and an intent use the wall clock only': {
    'clock-set-back-is-noticed': { gives: Number.NEGATIVE_INFINITY },
  },
  'a lease and an intent use the monotonic clock only': {
    'sleep-of-the-machine-is-noticed': { gives: Number.NEGATIVE_INFINITY },
  },
  'the state is written without If-Match': { 'state-is-replaced-only-if-unchanged': 'never' },
  'a state whose lock was taken over is not fenced': { 'taken-over-state-is-fenced': 'never' },
  'a commit is acknowledged without a last check of the lock': { 'lost-lock-acknowledges-no-write': 'skip' },
  'a lock is renewed without If-Match': { 'lock-is-renewed-only-by-its-holder': { gives: 'anything' } },
  'a lock is created without If-None-Match': { 'lock-is-created-only-if-absent': { gives: 'anything' } },
  'a lock is taken over without If-Match': { 'lock-is-taken-over-only-if-unchanged': { gives: 'anything' } },
  'an object is removed without If-Match': { 'lock-is-removed-only-by-its-holder': { gives: undefined } },
  'an ambiguous write counts as done': { 'ambiguous-write-is-not-assumed-done': { gives: undefined } },
  'an ambiguous write is repeated without reading': {
    'ambiguous-write-is-read-before-it-is-repeated': 'never',
  },
  'a lock whose creation is ambiguous counts as another run’s': {
    'own-lock-is-recognised-after-a-lost-answer': 'always',
  },
  'a lease that is about to be renewed counts as too short': {
    'time-to-live-outlasts-a-request': { code: 'lease.lock.remainingMs() > timeoutMs' },
  },
  'records that could not be saved are not reported': { 'unsaved-record-is-reported': 'skip' },
};

/** A rule that nobody can see broken alone. */
export interface Covered {
  /** Why a run without it goes the same way: the rule that covers it wholly. */
  readonly proof: string;
  /** What holds it in place by itself. */
  readonly test: string;
}

/** Broken together with the rule that covers them, the mutants above have all but the first. */
export const COVERED: Readonly<Record<string, Covered>> = {
  'adoption-requires-a-baseline-at-rest': {
    proof:
      'readiness takes no baseline in which one of them is not `available`, and the state keeps only such',
    test: 'test/executor/verdict',
  },
  'restore-from-another-backup-is-waited-out': {
    proof:
      'what is adopted all the same is followed, and its end refuses a disk that names another: unknown both ways',
    test: 'test/executor/verdict',
  },
  'untouched-only-once-doubt-is-settled': {
    proof:
      'a restore fails without a move only after a probe: what was ambiguous is settled by then, and written down as settled',
    test: 'test/domain/record',
  },
  'unknown-is-not-planned-again': {
    proof: 'an unknown record is open business on its own disk and backup, which blocks every start there',
    test: 'test/planner/open-records',
  },
};

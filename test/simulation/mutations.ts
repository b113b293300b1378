import type { CloudFailure, StartOutcome } from '../../src/domain/cloud.ts';
import type { Doubt } from '../../src/domain/doubt.ts';
import type { Step } from '../../src/executor/judge-running.ts';
import type { Finding } from '../../src/executor/probe.ts';
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
const SUCCEEDED: Break = { gives: { kind: 'succeeded' } satisfies Pick<Step, 'kind'> };

/** Rules that stand behind others: broken besides what a mutant is about, so that it can be seen. */
const UNMOVED: Breaks = {
  'volume-as-before-is-not-restored': 'never',
  'backup-as-before-is-not-restored': 'never',
};
const MOVED_WHILE_READY: Breaks = { 'volume-that-left-its-baseline-is-judged-again': 'never' };
const ALWAYS_FRESH: Breaks = {
  'intent-is-fresh-from-before-its-commit': {
    gives: { monotonic: Number.POSITIVE_INFINITY, wall: Number.POSITIVE_INFINITY },
  },
};

/**
 * Every rule that the sources mark (`// Rule: NAME`), broken once or in several ways. The simulation has to notice each
 * within a thousand seeds: `npm run simulate:mutants` looks for the seeds, `caught.json` keeps them, and a test plays them
 * again.
 */
export const MUTATIONS: Readonly<Record<string, Breaks>> = {
  // The answer table, row by row, each row read as what does harm.
  'a yes is read as a no': {
    'yes-with-a-job-is-accepted': outcome({ kind: 'rejected', again: 'never', failure: FAILURE }),
  },
  'a yes of Cinder is read as a no': {
    'cinder-yes-is-accepted': outcome({ kind: 'not_sent', failure: FAILURE }),
  },
  'a yes without a job id is read as a no': { 'yes-without-a-job-is-ambiguous': NOT_SENT },
  'an unreadable yes of Cinder is read as a no': {
    'cinder-yes-in-other-words-is-ambiguous': NOT_SENT,
  },
  'a yes without a job id is believed, and a disk that did not move as well': {
    'yes-without-a-job-is-ambiguous': outcome({ kind: 'accepted' }),
    ...UNMOVED,
  },
  '408 is a no for good': { 'request-timeout-is-ambiguous': 'skip' },
  '499 is a no for good': { 'closed-request-is-ambiguous': 'skip' },
  '5xx is a no for good': { 'server-error-is-ambiguous': 'never' },
  '3xx is a no for good': { 'redirect-is-ambiguous': 'never' },
  'a lost connection counts as never sent': { 'lost-answer-is-ambiguous': NOT_SENT },
  'a lost connection is a no for good': { 'lost-answer-is-ambiguous': FOR_GOOD },
  '409, 429 and 503 are repeated at once': { 'busy-cloud-is-asked-later': NOT_SENT },
  '409, 429 and 503 are for good': { 'busy-cloud-is-asked-later': FOR_GOOD },
  'a page of a gateway is a no': { 'gateway-page-is-ambiguous': FOR_GOOD },
  'not yet counts as never': { 'refusal-means-what-its-code-says': FOR_GOOD },
  'not yet and never are repeated at once': { 'refusal-means-what-its-code-says': NOT_SENT },
  'codes that leave it open are read as a no': {
    'error-that-leaves-it-open-is-ambiguous': NOT_SENT,
  },
  'a POST without an answer is sent again': { 'post-is-sent-once': { again: { kind: 'broken' } } },

  // What an attempt leaves behind.
  'an attempt without an answer counts as nothing': { 'unanswered-attempt-is-in-doubt': doubt('none') },
  'an ambiguous attempt counts as nothing': { 'ambiguous-attempt-is-in-doubt': doubt('none') },
  'a retryable no is no possible duplicate': { 'refusal-for-now-may-answer-a-copy': doubt('none') },
  'failed and untouched although the disk moved': {
    'untouched-only-if-nothing-reached-the-volume': 'always',
  },

  // The verdict, clause by clause.
  'a cloud that does not tell counts as unmoved': {
    'unreadable-cloud-proves-nothing': verdict('not_started'),
  },
  'adopt on the disk alone': {
    'adoption-requires-the-backup': 'always',
    'volume-restoring-alone-contradicts': 'never',
  },
  'adopt on the backup alone, and a disk that did not move is restored': {
    'adoption-requires-the-volume': 'always',
    ...UNMOVED,
  },
  'nothing is adopted': { 'restore-seen-under-way-is-adopted': verdict('not_started'), ...MOVED_WHILE_READY },
  'a disk that moved is restored again': { 'changed-volume-is-unknown': 'never', ...MOVED_WHILE_READY },
  'a disk that moved is called untouched': { 'changed-volume-is-unknown': verdict('adopt'), ...UNMOVED },
  'settle is skipped': { 'repeat-waits-for-settle': 'never' },
  'settle is cut to a half': {
    'settle-is-as-configured-at-least': 'half',
    'settle-grows-with-the-lag': { gives: 0 },
  },
  '`after_ambiguous: stop` is ignored': { 'stop-after-ambiguous-asks-a-person': 'never' },

  // The order of everything that matters.
  'a resumed run sends first': {
    'nothing-is-repeated-before-a-probe': { onlyIf: 'this.#failed > 0' },
  },
  'no look between two attempts': {
    'nothing-is-repeated-before-a-probe': { onlyIf: 'this.#failed === 0' },
  },
  'the request leaves while its intent is being written': { 'intent-is-durable-before-the-post': 'early' },
  'a repeat leaves without an intent of its own': {
    'intent-is-durable-before-the-post': { onlyIf: '!earlier' },
  },
  'a stale intent is not renewed': ALWAYS_FRESH,
  'an intent is fresh from when its commit returned': { 'intent-is-fresh-from-before-its-commit': 'late' },
  'a stale intent and a lost lock do not keep a request back': {
    ...ALWAYS_FRESH,
    'lost-lock-holds-the-post-to-the-last': 'always',
  },
  'the baseline of an attempt in doubt is replaced': { 'baseline-of-a-doubt-is-kept': 'skip' },
  'a final no is not looked at': {
    'final-rejection-is-probed': {
      gives: { kind: 'not_started', reason: 'mutant', for_ms: 0 } satisfies Finding,
    },
    'untouched-only-once-doubt-is-settled': 'always',
  },
  '`wait` tries again': { 'wait-starts-nothing': 'never', 'follower-sends-nothing': 'never' },
  'a step counts before it is durable': { 'step-is-durable-first': 'early' },
  'a disk that is not as planned is restored': { 'restore-is-as-approved': 'always' },
  'not started is believed while something is restoring': { 'not-started-is-taken-only-at-rest': 'never' },
  'a person is believed against the job of the restore': {
    'person-is-not-believed-against-the-job': { gives: undefined },
    'not-started-is-taken-only-at-rest': 'never',
  },

  // Following to the end.
  'job entities are not compared': { 'job-of-another-restore-proves-nothing': 'never' },
  'an unknown job status is an end': { 'job-in-an-unknown-status-goes-on': SUCCEEDED },
  'a failed job is a success': { 'failed-job-is-a-failure': SUCCEEDED },
  'a queued job is a success': { 'queued-job-goes-on': SUCCEEDED },
  'a disk in error is restored': {
    'volume-in-error-is-a-failure': 'never',
    'volume-at-work-goes-on': 'never',
  },
  'a disk that is still restoring is restored': {
    'restoring-volume-goes-on': 'never',
    'restoring-backup-goes-on': 'never',
    'restoring-volume-alone-goes-on': 'never',
    'volume-at-work-goes-on': 'never',
  },

  // What may run beside what.
  'restores of one backup run together': { 'backup-is-restored-once-at-a-time': 'shorter' },
  'dependants do not wait': { 'dependencies-go-first': { gives: [] } },
  'dependants follow a failure': { 'dependency-is-met-by-success-alone': 'always' },

  // The plan.
  'a restore is known by its address': {
    'restore-is-known-by-its-identity': { onlyIf: 'found.record.address === spec.address' },
  },
  'the history is not asked': { 'history-counts': 'skip' },
  'open business does not block': { 'open-restore-blocks': { gives: [] } },
  'maybe touched is planned again': {
    'maybe-touched-is-not-planned-again': 'never',
    'maybe-touched-here-is-not-planned-again': 'never',
    'maybe-touched-volume-is-not-intended-again': 'never',
  },
  'what is done is planned again after a rename': {
    'done-stays-done': { onlyIf: 'record.address === spec.address' },
  },

  // What is durable, and whose it is.
  'the journal is not synced': { 'journal-is-synced': 'skip' },
  'a failed write does not poison the lease': { 'failed-write-poisons-the-lease': 'skip' },
  'a frozen process folds what is not its own any more': {
    'snapshot-is-replaced-under-the-lock': 'shorter',
    'journal-is-removed-under-the-lock': 'shorter',
  },
  'a lost lock acknowledges': {
    'lost-lock-acknowledges-nothing': 'skip',
    'lost-lock-holds-the-post-to-the-last': 'always',
    'lost-lock-holds-the-post': 'never',
  },
  'a torn line is damage': { 'partial-line-is-cut-off': 'never' },
  'the leftover journal is not read': { 'leftover-journal-is-read': { changes: { journal: undefined } } },

  // What costs an outcome, patience or a question to a person, and what stands behind another rule.
  '401 is a no for good': { 'refused-token-is-renewed': FOR_GOOD },
  '401 is given up at once': { 'new-token-is-tried-once': { gives: 0 } },
  '401 is answered with new tokens for ever': {
    'new-token-is-tried-once': { gives: Number.POSITIVE_INFINITY },
  },
  '401 is sure to have begun nothing': { 'refused-token-may-answer-a-copy': doubt('none') },
  'what was not sent is in doubt': { 'unwritten-request-was-not-sent': outcome({ kind: 'ambiguous' }) },
  'what was not sent is waited out': { 'unsent-attempt-is-in-no-doubt': doubt('possible_duplicate') },
  'a no for good is repeated': { 'no-for-good-is-final': 'never' },
  'never counts as not yet': {
    'refusal-means-what-its-code-says': outcome({ kind: 'rejected', again: 'later' }),
  },
  'a yes of Cinder about another counts': { 'cinder-yes-names-what-was-asked': 'always' },
  'an answer about another disk counts': { 'answer-is-about-what-was-asked': 'never' },
  'a disk that newly names our backup proves nothing': { 'volume-that-names-our-backup-is-adopted': 'never' },
  'settle does not grow with the lag': { 'settle-grows-with-the-lag': { gives: 0 } },
  'wait has no end': { 'wait-ends-with-the-timeout': 'never' },
  'a disk that moved since the last probe is restored into': MOVED_WHILE_READY,
  'a final no that started it is not followed': { 'restore-despite-a-final-no-is-followed': 'skip' },
  'a baseline may be as young as it likes': {
    'baseline-is-older-than-its-last-second': { gives: 0 },
    'baseline-is-seen-unchanged': { gives: 0 },
  },
  'a job that is gone has succeeded': { 'job-that-is-gone-needs-both-seen-restoring': 'always' },
  'a disk as before the yes is restored': { 'volume-as-before-is-not-restored': 'never' },
  'a backup that did not move proves a restore': { 'backup-as-before-is-not-restored': 'never' },
  'a backup that is gone proves a restore': { 'backup-that-is-gone-proves-nothing': 'never' },
  'a disk that names another backup is restored from ours': {
    'volume-from-another-backup-is-not-ours': 'never',
    'volume-from-another-backup-contradicts': 'never',
  },
  'disk and backup are let go of at once': { 'volume-and-backup-are-held-until-at-rest': 'always' },
  'unknown is planned again': {
    'unknown-is-not-planned-again': 'skip',
    'open-restore-blocks': { gives: [] },
  },
  'failures do not halt': { 'failures-halt-the-run': 'never' },
  'one disk twice in a plan': { 'volume-is-declared-once': 'always' },
  'a disk that names another is adopted and believed': {
    'restore-from-another-backup-is-waited-out': 'never',
    'volume-from-another-backup-is-not-ours': 'never',
    'volume-from-another-backup-contradicts': 'never',
  },

  // Evidence: what observations show together.
  'a disk that was restoring alone is forgotten': { 'volume-restoring-alone-contradicts': 'never' },
  'a torn look contradicts': {
    'unconfirmed-observation-contradicts-nothing': 'always',
    'unconfirmed-observation-is-read-again': 'never',
  },
  'restores that began in another order are one': {
    'volume-before-backup-contradicts': 'never',
    'volume-long-after-backup-contradicts': 'never',
    'backup-restoring-alone-before-contradicts': 'never',
    'restore-frees-both-together': 'never',
  },
  'restores that ended apart are one': { 'restore-frees-both-together': 'never' },
  'a disk without the name of our backup is believed': { 'restore-leaves-its-name': 'never' },
  'a contradiction does not outlive the run': { 'needed-observation-is-durable': 'never' },
  'a contradiction does not bind the verdict': {
    'contradicted-restore-is-not-adopted': 'never',
    'contradicted-restore-is-not-recorded-as-ours': 'never',
    'contradicted-restore-is-not-ours': 'never',
  },
  'what was settled is in doubt again': { 'settled-doubt-does-not-return': 'never' },
  'wait does not write down that nothing was started': {
    'wait-starts-nothing': { code: 'recorded(restore)' },
  },
  'settle is cut short when it is written down': { 'settled-after-observing-until-settle': 'half' },

  // The policy before each request, and the pauses that a cloud asks for.
  'a resumed restore is sent whatever the policy says': {
    'resume-heeds-the-policy-of-today': 'never',
    'policy-is-checked-before-each-request': 'never',
  },
  'the pause that the cloud asks for is not kept': { 'pause-of-the-cloud-is-kept': 'skip' },
  'a restore that has its place leaves during a pause': {
    'pause-holds-a-reserved-post': 'never',
    'pause-holds-a-post-to-the-last': 'always',
    'slow-run-takes-another-place': 'never',
  },

  // A lock with an end.
  'a lock is taken over after its time to live alone': { 'takeover-waits-for-settle': { gives: 0 } },
  'the age of a lock is told by the clock of the runner': {
    'age-is-told-by-the-store': { code: 'clock.now() - modified' },
  },
  'a request leaves however little is left of the lease': { 'lease-outlasts-the-request': { gives: 0 } },
  'a lease counts from the answer to its renewal': { 'lease-counts-from-before-its-renewal': 'late' },
  'a lease counts from the answer to its making': {
    'lease-counts-from-before-its-lock-was-asked-for': 'late',
  },
  'a lease and an intent count on the wall clock alone': {
    'clock-set-back-is-noticed': { gives: Number.NEGATIVE_INFINITY },
  },
  'a lease and an intent count on the monotonic clock alone': {
    'sleep-of-the-machine-is-noticed': { gives: Number.NEGATIVE_INFINITY },
  },
  'the state is written without If-Match': { 'state-is-written-over-what-was-read': 'never' },
  'a lock that was taken over is not fenced': { 'taken-over-state-is-fenced': 'never' },
  'a commit is acknowledged without a last look at the lock': { 'lost-lock-acknowledges-no-write': 'skip' },
  'a lock is renewed without If-Match': { 'lock-is-renewed-by-its-holder': { gives: 'anything' } },
  'a lock is made without If-None-Match': { 'lock-is-made-by-one': { gives: 'anything' } },
  'a lock is taken over without If-Match': { 'lock-is-taken-over-by-one': { gives: 'anything' } },
  'an object is removed without If-Match': { 'lock-is-removed-by-its-holder': { gives: undefined } },
  'a write in doubt counts as done': { 'write-in-doubt-is-not-done': { gives: undefined } },
  'a write in doubt is repeated without reading': { 'write-in-doubt-is-read-before-it-is-repeated': 'never' },
  'a lock whose making is in doubt is another’s': { 'lock-in-doubt-is-recognised': 'always' },
  'a lease that is about to be renewed is too short': {
    'time-to-live-outlasts-a-request': { code: 'lease.lock.remainingMs() > timeoutMs' },
  },
  'what could not be saved is not told': { 'step-that-is-not-saved-is-told': 'skip' },
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

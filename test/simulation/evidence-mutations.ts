import type { Mutation } from './mutations.ts';

const LOOKS = 'src/domain/look-history.ts';
const RECORD = 'src/domain/record.ts';
const WITNESS = 'src/executor/confirm-look.ts';
const VERDICT = 'src/executor/verdict.ts';
const RUNNING = 'src/executor/judge-running.ts';
const RESTORE = 'src/executor/restore.ts';
const PROBE = 'src/executor/probe.ts';
const READINESS = 'src/executor/readiness.ts';
const BUDGET = 'src/drivers/http/budget.ts';
const POSTS = 'src/drivers/restore-posts.ts';

/** The rules of evidence, of doubts that were settled, of the policy before a request, and of pauses; broken once each. */
export const EVIDENCE_MUTATIONS: readonly Mutation[] = [
  {
    name: 'a disk that was restoring alone is forgotten',
    rule: 'a confirmed look at a disk that is restoring, its backup at rest, rules adoption out',
    patches: [
      {
        file: LOOKS,
        find: 'if (isRestoringDisk(volume) && !isRestoringBackup(backup))',
        replace: "if (volume.status === 'mutant')",
      },
    ],
  },
  {
    name: 'a torn look contradicts',
    rule: 'two readings on both sides of a change contradict nothing: they are read again in order',
    patches: [
      {
        file: LOOKS,
        find: 'return confirmed\n      ?',
        replace: "return backup.status !== 'mutant'\n      ?",
      },
      { file: WITNESS, find: 'needsConfirming(first.seen) ?', replace: "first.seen.at === '' ?" },
    ],
  },
  {
    name: 'restores that began in another order are one',
    rule: 'a restore sets the backup, then the disk, within a second',
    patches: [
      {
        file: LOOKS,
        find: 'if (apart !== undefined && apart < 0)',
        replace: 'if (apart !== undefined && at === "")',
      },
      {
        file: LOOKS,
        find: 'if (apart !== undefined && apart > STRADDLE_S && !subject.traits.rewritesDisk)',
        replace: 'if (apart !== undefined && at === "")',
      },
      { file: LOOKS, find: 'if (alone)', replace: 'if (alone && at === "")' },
      { file: RUNNING, find: 'if (apart !== undefined) return lost(apart);', replace: '' },
    ],
  },
  {
    name: 'restores that ended apart are one',
    rule: 'a restore frees the disk, then the backup, within a second',
    patches: [{ file: RUNNING, find: 'if (apart !== undefined) return lost(apart);', replace: '' }],
  },
  {
    name: 'a disk without the name of our backup is believed',
    rule: 'a restore into another disk than the backup’s own leaves its name there',
    patches: [
      {
        file: RUNNING,
        find: 'if (lacksItsName(seen.volume, subject, !sameId(backup.value.volume_id, record.volume_id)))',
        replace: 'if (record.generation < 0)',
      },
    ],
  },
  {
    name: 'a contradiction does not outlive the run',
    rule: 'a look that matters is durable before the run goes on',
    patches: [
      { file: WITNESS, find: 'if (news) await', replace: 'if (news && history.looks.length < 0) await' },
    ],
  },
  {
    name: 'a contradiction does not bind the verdict',
    rule: 'what was contradicted is not adopted, whatever later looks show',
    patches: [
      {
        file: VERDICT,
        find: 'if (volumeRestoring && contradiction)',
        replace: 'if (volumeRestoring && doubt === "mutant")',
      },
      {
        file: RECORD,
        find: 'if ((event.history ?? record.history)?.contradiction)',
        replace: 'if (event.at === "")',
      },
      {
        file: RUNNING,
        find: `  if (contradiction)
    return lost(`,
        replace: `  if (record.generation < 0)
    return lost(`,
      },
    ],
  },
  {
    name: 'what was settled is in doubt again',
    rule: 'a doubt that was settled does not return',
    patches: [
      {
        file: RECORD,
        find: "return attempt.settled ? 'none' : doubtWhenSent(attempt);",
        replace: 'return doubtWhenSent(attempt);',
      },
    ],
  },
  {
    name: 'wait does not write down that nothing was started',
    rule: '`wait` records that a restore did not start once it has established that',
    patches: [
      {
        file: RESTORE,
        find: "if (run.reach === 'follow') return this",
        replace:
          "if (run.reach === 'follow') return recorded(session);\n      if (this.#failed < 0) return this",
      },
    ],
  },
  {
    name: 'settle is cut short when it is written down',
    rule: 'settled: the disk was looked at until settle had passed',
    patches: [{ file: PROBE, find: 'return effectiveSettle(', replace: 'return 0.5 * effectiveSettle(' }],
  },
  {
    name: 'a resumed restore is sent whatever the policy says',
    rule: 'today’s policy is checked before every request, also a repeated one',
    patches: [
      {
        file: RESTORE,
        find: "if (this.#action.kind === 'resume' && this.#action.refused.length > 0)",
        replace: "if (this.#action.kind === 'mutant')",
      },
      { file: READINESS, find: 'if (refused) return', replace: 'if (refused && more.length < 0) return' },
    ],
  },
  {
    name: 'the pause that the cloud asks for is not kept',
    rule: 'after a 429 or an error with Retry-After the whole run sends nothing for as long',
    patches: [
      {
        file: BUDGET,
        find: 'this.#pausedUntilMs = Math.max(this.#pausedUntilMs, now + pauseMs);',
        replace: '',
      },
    ],
  },
  {
    name: 'a restore that has its place leaves during a pause',
    rule: 'a POST whose place was reserved before the pause waits, too',
    patches: [
      { file: POSTS, find: 'if (wire.pausedForMs > 0)', replace: "if (url === '')" },
      { file: POSTS, find: 'const may = () => wire.pausedForMs === 0 &&', replace: 'const may = () =>' },
      { file: POSTS, find: 'if (wire.isSlow) await wire.reserve();', replace: '' },
    ],
  },
];

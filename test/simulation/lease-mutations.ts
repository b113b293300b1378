import type { Mutation } from './mutations.ts';

const TERMS = 'src/state/lease-terms.ts';
const LOCK = 'src/state/s3/object-lock.ts';
const OBJECTS = 'src/state/s3/objects.ts';
const BACKEND = 'src/state/s3/s3-backend.ts';
const TEXT = 'src/state/blob/blob-backend.ts';
const SEND = 'src/executor/send-restore.ts';
const CLOCK = 'src/domain/clock.ts';
const RUN = 'src/executor/run.ts';
const EXECUTE = 'src/executor/execute.ts';

/** The rules of a lock with an end, broken once each. */
export const LEASE_MUTATIONS: readonly Mutation[] = [
  {
    name: 'a lock is taken over after its time to live alone',
    rule: 'takeover waits for time to live plus settle',
    patches: [
      { file: TERMS, find: 'return ttlMs + settleMs + MARGIN_MS;', replace: 'return ttlMs + MARGIN_MS;' },
    ],
  },
  {
    name: 'the age of a lock is told by the clock of the runner',
    rule: 'the age of a lock is what the store says of it',
    patches: [
      {
        file: LOCK,
        find: '  place,\n  secrets,\n}: ObjectLockOptions): Promise<Standing | undefined>',
        replace: '  place,\n  secrets,\n  clock,\n}: ObjectLockOptions): Promise<Standing | undefined>',
      },
      { file: LOCK, find: '(found.age_ms ?? 0) >', replace: 'clock.now() - Date.parse(entry.renewed) >' },
    ],
  },
  {
    name: 'a request leaves however little is left of the lease',
    rule: 'a POST leaves only while the lease has more than the request’s timeout left',
    patches: [
      {
        file: SEND,
        find: 'const holds = () => lease.remainingMs() > settings.http.request_timeout_ms;',
        replace: 'const holds = () => lease.remainingMs() > 0;',
      },
    ],
  },
  {
    name: 'a lease counts from the answer to its renewal',
    rule: 'a lease counts from before its renewal was sent',
    patches: [
      {
        file: LOCK,
        find: 'this.#time.renewed(before);',
        replace: 'this.#time.renewed(before && momentOf(clock));',
      },
    ],
  },
  {
    name: 'a lease counts from the answer to its making',
    rule: 'a lease counts from before its lock was asked for',
    patches: [
      {
        file: LOCK,
        find: "outcome.kind === 'written' ? before : asked)",
        replace: "outcome.kind === 'written' ? before && momentOf(clock) : asked)",
      },
    ],
  },
  {
    name: 'a lease and an intent count on the wall clock alone',
    rule: 'the clock that has gone further counts: the wall clock may be set back',
    patches: [
      {
        file: CLOCK,
        find: 'return Math.max(now.monotonic - since.monotonic, now.wall - since.wall);',
        replace: 'return now.wall - since.wall;',
      },
    ],
  },
  {
    name: 'a lease and an intent count on the monotonic clock alone',
    rule: 'the clock that has gone further counts: the monotonic one stands still while a machine sleeps',
    patches: [
      {
        file: CLOCK,
        find: 'return Math.max(now.monotonic - since.monotonic, now.wall - since.wall);',
        replace: 'return now.monotonic - since.monotonic;',
      },
    ],
  },
  {
    name: 'the state is written without If-Match',
    rule: 'a former holder’s next write is refused',
    patches: [
      {
        file: BACKEND,
        find: "const known = this.#guarded ? (over?.tag ?? 'anything') : 'anything';",
        replace: "const known = 'anything';",
      },
    ],
  },
  {
    name: 'a lock that was taken over is not fenced',
    rule: 'after a takeover the state is another text, which the former holder does not know',
    patches: [{ file: TEXT, find: 'held.takenOver && loaded ?', replace: 'held.takenOver && !loaded ?' }],
  },
  {
    name: 'a commit is acknowledged without a last look at the lock',
    rule: 'nothing is acknowledged that the next owner may never have seen',
    patches: [
      {
        file: TEXT,
        find: '// owner may never have seen.\n    await this.#mustHold();',
        replace: '',
      },
    ],
  },
  {
    name: 'a lock is renewed without If-Match',
    rule: 'a lock that was taken over is not taken back by its former holder',
    patches: [{ file: LOCK, find: 'over: this.#etag,', replace: "over: 'anything'," }],
  },
  {
    name: 'a lock is made without If-None-Match',
    rule: 'one holder at a time',
    patches: [{ file: LOCK, find: "standing?.etag ?? 'nothing'", replace: "standing?.etag ?? 'anything'" }],
  },
  {
    name: 'a lock is taken over without If-Match',
    rule: 'of two that wait, one takes it over',
    patches: [
      {
        file: LOCK,
        find: "const over = standing?.etag ?? 'nothing';",
        replace: "const over = standing ? 'anything' : 'nothing';",
      },
    ],
  },
  {
    name: 'an object is removed without If-Match',
    rule: 'nobody removes the lock of another',
    patches: [
      {
        file: OBJECTS,
        find: 'await bucket.remove(key, { IfMatch: etag });',
        replace: 'await bucket.remove(key, {});',
      },
    ],
  },
  {
    name: 'a write in doubt counts as done',
    rule: 'after an answer in doubt the object is read again before deciding',
    patches: [
      {
        file: TEXT,
        find: "        case 'unsure':\n          why = outcome.why;",
        replace:
          "        case 'unsure':\n          if (why === undefined) return;\n          why = outcome.why;",
      },
    ],
  },
  {
    name: 'a write in doubt is repeated without reading',
    rule: 'after an answer in doubt the object is read again before deciding',
    patches: [
      {
        file: TEXT,
        find: 'if (why !== undefined || !this.#store.guarded) {',
        replace: 'if (!this.#store.guarded) {',
      },
    ],
  },
  {
    name: 'a lock whose making is in doubt is another’s',
    rule: 'after an answer in doubt the lock is read again before deciding',
    patches: [
      {
        file: LOCK,
        find: "outcome.kind === 'unsure' && now?.entry.info.id !== info.id",
        replace: "outcome.kind === 'unsure'",
      },
    ],
  },
  {
    name: 'a lease that is about to be renewed is too short',
    rule: 'what has to outlast a request is the time to live',
    patches: [
      {
        file: EXECUTE,
        find: 'lease.ttlMs > timeoutMs) return;',
        replace: 'lease.remainingMs() > timeoutMs) return;',
      },
    ],
  },
  {
    name: 'what could not be saved is not told',
    rule: 'a run whose commit is refused leaves the job id in errored.state.json',
    patches: [{ file: RUN, find: 'this.run.unsaved.set(next.address, next);', replace: '' }],
  },
];

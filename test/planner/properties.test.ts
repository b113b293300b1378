import { expect } from 'chai';
import fc from 'fast-check';
import type { Plan, ResumeAction } from '../../src/domain/plan.ts';
import { type Identity, isOpen, type RestoreRecord } from '../../src/domain/record.ts';
import type { RestoreSpec, Selector } from '../../src/domain/spec.ts';
import type { State } from '../../src/domain/state.ts';
import {
  Book,
  backup,
  type Cloud,
  type End,
  named,
  planOf,
  recordsOf,
  rule,
  spec,
  volume,
} from './builders.ts';

/** What holds for every state and every manifest, however they came about. */

const VOLUMES = ['v1', 'v2', 'v3'];
const BACKUPS = ['b1', 'b2', 'b3'];
const ADDRESSES = ['s/a', 's/b', 's/c', 's/d', 't/a'];
const RULES: Selector[] = [
  { as_of: 'latest' },
  { as_of: '2026-11-22T12:00:00Z' },
  { as_of: 'latest', name: 'x' },
];
const ENDS: End[] = [
  'intended',
  'running',
  'succeeded',
  'failed no',
  'failed maybe',
  'unknown',
  'resolved succeeded',
  'resolved not-started',
  'resolved failed',
];
const CLOUD: Cloud = {
  volumes: VOLUMES.map((id) => volume(id)),
  backups: BACKUPS.map((id, n) => backup(id, `v${n + 1}`, { created_at: `2026-11-2${n}T00:00:00Z` })),
};

const restored = fc.record({
  address: fc.constantFrom(...ADDRESSES),
  volume: fc.constantFrom(...VOLUMES),
  backup: fc.constantFrom(...BACKUPS),
  generation: fc.integer({ min: 1, max: 2 }),
  selector: fc.option(fc.constantFrom(...RULES), { nil: undefined, freq: 2 }),
  end: fc.constantFrom(...ENDS),
});
type Step =
  | { type: 'put'; put: typeof restored extends fc.Arbitrary<infer T> ? T : never }
  | Moved
  | Resolved;
type Moved = { type: 'move'; from: string; to: string };
type Resolved = { type: 'resolve'; address: string; as: 'succeeded' | 'not-started' | 'failed' };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: restored.map((put) => ({ type: 'put' as const, put })) },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('move' as const),
      from: fc.constantFrom(...ADDRESSES),
      to: fc.constantFrom(...ADDRESSES),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('resolve' as const),
      address: fc.constantFrom(...ADDRESSES),
      as: fc.constantFrom('succeeded' as const, 'not-started' as const, 'failed' as const),
    }),
  },
);

const identityOf = ({ volume_id, backup_id, generation }: Identity) =>
  `${volume_id} from ${backup_id} #${generation}`;

/**
 * A state that legal commits lead to. Restores of one identity may lie at several addresses, which the planner
 * itself never lets happen. `last` says how the newest attempt of each identity stands, kept beside the state.
 */
function written(steps: readonly Step[]): { book: Book; last: ReadonlyMap<string, RestoreRecord> } {
  const book = new Book();
  const last = new Map<string, RestoreRecord>();
  for (const one of steps) {
    try {
      switch (one.type) {
        case 'put': {
          const { address, volume, backup, generation, selector, end } = one.put;
          if (openOn(book.state, volume).length > 0) continue;
          const more = { generation, ...(selector ? { selector } : {}) };
          // Tried out first, so that no step of it is written when one is illegal.
          recordsOf(address, { volume, backup, ...more }, end, book.at, book.state.records.get(address));
          book.put(address, volume, backup, end, more);
          break;
        }
        case 'move':
          book.moves([one]);
          break;
        case 'resolve':
          book.resolve(one.address, one.as);
      }
    } catch {
      continue; // an illegal step is not taken
    }
    const address = one.type === 'put' ? one.put.address : one.type === 'resolve' ? one.address : undefined;
    const record = address && book.state.records.get(address);
    if (record) last.set(identityOf(record), record);
  }
  return { book, last };
}

function openOn(state: State, volumeId: string): RestoreRecord[] {
  return open(state).filter((record) => record.volume_id === volumeId);
}

function open(state: State): (RestoreRecord & { status: 'intended' | 'running' | 'unknown' })[] {
  return [...state.records.values()].filter(isOpen);
}

const history = fc.array(step, { maxLength: 14 });

const specs: fc.Arbitrary<RestoreSpec[]> = fc.uniqueArray(
  fc
    .record({
      address: fc.constantFrom(...ADDRESSES),
      volume: fc.constantFrom(...VOLUMES),
      byName: fc.boolean(),
      backup: fc.oneof(fc.constantFrom(...BACKUPS), fc.constantFrom(...RULES)),
      generation: fc.integer({ min: 1, max: 3 }),
      depends_on: fc.subarray(ADDRESSES, { maxLength: 2 }),
      expired: fc.boolean(),
    })
    .map(({ address, volume, byName, backup, generation, depends_on, expired }) =>
      spec(
        address,
        byName ? named(`disk-${volume}`) : volume,
        typeof backup === 'string' ? backup : rule(backup),
        { generation, depends_on, ...(expired ? { valid_until: '2026-11-01T00:00:00Z' } : {}) },
      ),
    ),
  { selector: ({ address }) => address, maxLength: 5 },
);

const clouds: fc.Arbitrary<Cloud> = fc.oneof(
  { weight: 3, arbitrary: fc.constant(CLOUD) },
  {
    weight: 2,
    arbitrary: fc.record({
      volumes: fc.subarray([...CLOUD.volumes, volume('v9', { name: 'disk-v1' })]),
      backups: fc.subarray([...CLOUD.backups]),
      unreadable: fc.constantFrom({}, { v1: { retryable: true } }, { b2: { retryable: false } }),
    }),
  },
);

const situation = fc.record({ history, specs, cloud: clouds, offline: fc.boolean() });
const RUNS = { numRuns: 500 };

function runnable(made: Plan) {
  return made.actions.flatMap((action) =>
    action.kind === 'restore' || action.kind === 'resume' ? [action] : [],
  );
}

describe('a plan from any state and manifest', () => {
  it('starts or resumes no restore twice, and no two on one disk', () => {
    fc.assert(
      fc.property(situation, ({ history, specs, cloud, offline }) => {
        const { book } = written(history);
        const made = runnable(planOf(specs, { state: book, cloud, offline }));
        const pins = made.map(({ volume, backup, generation }) => `${volume.id} ${backup.id} ${generation}`);
        expect(new Set(pins).size).to.equal(pins.length);
        expect(new Set(made.map(({ volume }) => volume.id)).size).to.equal(made.length);
      }),
      RUNS,
    );
  });

  it('starts nothing whose last attempt succeeded, is running, is unknown or may have touched the disk', () => {
    fc.assert(
      fc.property(situation, ({ history, specs, cloud, offline }) => {
        const { book, last } = written(history);
        const made = planOf(specs, { state: book, cloud, offline });
        const resumed = new Set(made.actions.flatMap((a) => (a.kind === 'resume' ? [a.record] : [])));
        for (const action of made.actions) {
          if (action.kind !== 'restore') continue;
          const { volume, backup, generation } = action;
          const before = last.get(`${volume.id} from ${backup.id} #${generation}`);
          expect(before === undefined || (before.status === 'failed' && before.touched === 'no')).to.equal(
            true,
          );
          // What the plan itself resumes on the backup is finished first, and waited for.
          const busy = open(book.state).filter(
            (o) =>
              o.volume_id === volume.id ||
              (o.backup_id === backup.id && !resumed.has(o as ResumeAction['record'])),
          );
          expect(busy).to.deep.equal([]);
        }
      }),
      RUNS,
    );
  });

  it('resumes each open record, names it as a blocker, or lists it as an orphan', () => {
    fc.assert(
      fc.property(situation, ({ history, specs, cloud, offline }) => {
        const { book } = written(history);
        const made = planOf(specs, { state: book, cloud, offline });
        const resumed = new Set(made.actions.map((a) => (a.kind === 'resume' ? a.record.address : '')));
        const orphans = new Set(made.orphans.map(({ address }) => address));
        const blocked = made.actions
          .flatMap((a) => (a.kind === 'blocked' ? [JSON.stringify(a)] : []))
          .join('\n');
        for (const { address } of open(book.state))
          expect(
            resumed.has(address) || orphans.has(address) || blocked.includes(address),
            `${address} is forgotten`,
          ).to.equal(true);
      }),
      RUNS,
    );
  });

  it('has moves that fit, lose no open record and keep the record of each action', () => {
    fc.assert(
      fc.property(situation, fc.subarray(ADDRESSES), ({ history, specs, cloud, offline }, only) => {
        const { book } = written(history);
        const made = planOf(specs, { state: book, cloud, offline, only });
        const before = open(book.state).map(identityOf).sort();
        book.moves(made.moves);
        expect(open(book.state).map(identityOf).sort()).to.deep.equal(before);
        for (const action of runnable(made)) {
          const here = book.state.records.get(action.address);
          if (action.kind === 'resume')
            expect(here).to.deep.equal({ ...action.record, address: action.address });
          else expect(here === undefined || !isOpen(here)).to.equal(true);
        }
      }),
      RUNS,
    );
  });

  it('has no moves left when it is made again after them', () => {
    fc.assert(
      fc.property(situation, ({ history, specs, cloud, offline }) => {
        const { book } = written(history);
        const { moves } = planOf(specs, { state: book, cloud, offline });
        book.moves(moves);
        const again = planOf(specs, { state: book, cloud, offline });
        expect(again.moves).to.deep.equal([]);
      }),
      RUNS,
    );
  });
});

describe('the remedies of a plan', () => {
  const last = 3;

  /** What a person does who follows what the plan says, on a good day of the cloud. */
  function follow(book: Book, declared: readonly RestoreSpec[], made: Plan): RestoreSpec[] {
    if (made.moves.length > 0) book.moves(made.moves);
    const next = [...declared];
    for (const action of made.actions) {
      const { volume, backup, generation, address } = action;
      if (action.kind === 'restore')
        book.put(address, volume.id ?? '', backup.id ?? '', 'succeeded', {
          generation,
          ...(action.selector ? { selector: action.selector } : {}),
        });
      if (action.kind === 'resume') book.resolve(address, 'succeeded');
      if (action.kind === 'blocked')
        for (const { remedy = '' } of action.reasons) {
          const command = /vbsctl resolve (\S+) /.exec(String(remedy))?.[1];
          const raise = /raise generation to (\d+)/.exec(String(remedy))?.[1];
          const at = made.moves.find(({ from }) => from === command)?.to ?? command;
          const record = at === undefined ? undefined : book.state.records.get(at);
          if (at !== undefined && record && (isOpen(record) || record.status === 'failed')) {
            if (isOpen(record) || (record.touched === 'maybe' && !record.resolution))
              book.resolve(at, 'not-started');
          } else if (raise)
            next.splice(
              next.findIndex((one) => one.address === address),
              1,
              {
                ...(declared.find((one) => one.address === address) as RestoreSpec),
                generation: Number(raise),
              },
            );
        }
    }
    return next;
  }

  it('lead to the end of every declared restore within a few runs', () => {
    fc.assert(
      fc.property(
        history,
        fc.shuffledSubarray(ADDRESSES, { minLength: last, maxLength: last }),
        fc.integer({ min: 1, max: 3 }),
        fc.boolean(),
        (steps, addresses, generation, byRule) => {
          const { book } = written(steps);
          let declared = addresses.map((address, n) =>
            spec(address, `v${n + 1}`, byRule ? rule() : `b${n + 1}`, { generation }),
          );
          for (let run = 0; run < 6; run++)
            declared = follow(book, declared, planOf(declared, { state: book, cloud: CLOUD }));
          const kinds = planOf(declared, { state: book, cloud: CLOUD }).actions.map(({ kind }) => kind);
          expect(kinds).to.deep.equal(['noop', 'noop', 'noop']);
        },
      ),
      RUNS,
    );
  });
});

import { expect } from 'chai';
import fc from 'fast-check';
import { doubtOf, wasEverInDoubt, worstDoubt } from '../../src/domain/doubt.ts';
import {
  type Attempt,
  type FailedAttempt,
  isOpen,
  type RestoreRecord,
  sameIdentity,
} from '../../src/domain/record.ts';
import { advance, IllegalTransition, type RecordEvent } from '../../src/domain/record-transitions.ts';
import { AT, BASELINE, intendEvent, recordAfter } from '../state/samples.ts';

const A = 'set/a';
const failure = { cause: 'status', message: 'no', status: 500, request_id: 'req-9' } as const;
const resolution = (as: 'succeeded' | 'not-started' | 'failed') =>
  ({ type: 'resolve', at: AT, resolution: { as, reason: 'looked', by: 'ada', at: AT } }) as const;

const RESTORING = { at: AT, volume: { status: 'restoring-backup' }, backup: { status: 'restoring' } };

const EVENTS = {
  intend: intendEvent(A),
  'intend next generation': intendEvent(A, 2),
  'answer not_sent': { type: 'answer', at: AT, outcome: { kind: 'not_sent', failure } },
  'answer later': { type: 'answer', at: AT, outcome: { kind: 'rejected', failure, again: 'later' } },
  'answer never': { type: 'answer', at: AT, outcome: { kind: 'rejected', failure, again: 'never' } },
  'answer 401': { type: 'answer', at: AT, outcome: { kind: 'rejected', failure, again: 'reauthenticate' } },
  'answer ambiguous': { type: 'answer', at: AT, outcome: { kind: 'ambiguous', failure } },
  observe: { type: 'observe', at: AT, history: { observations: [RESTORING] } },
  'observe a contradiction': {
    type: 'observe',
    at: AT,
    history: { observations: [RESTORING], contradiction: { at: AT, reason: 'not ours' } },
  },
  settle: { type: 'settle', at: AT, for_ms: 120_000, seen: BASELINE },
  accept: { type: 'accept', at: AT, job_id: 'job-1', request_id: 'req-1' },
  adopt: { type: 'adopt', at: AT },
  succeed: { type: 'succeed', at: AT },
  'fail unmoved': { type: 'fail', at: AT, reason: 'r', volume_changed: false },
  'fail moved': { type: 'fail', at: AT, reason: 'r', volume_changed: true },
  lose: { type: 'mark_unknown', at: AT, reason: 'c', observations: [BASELINE] },
  'note protect': { type: 'record_protect', at: AT, protect: true },
  'resolve succeeded': resolution('succeeded'),
  'resolve not-started': resolution('not-started'),
  'resolve failed': resolution('failed'),
} satisfies { [name: string]: RecordEvent };
type EventName = keyof typeof EVENTS;

const RECORDS: { [name: string]: RestoreRecord | undefined } = {
  nothing: undefined,
  asked: recordAfter(A),
  'not sent': recordAfter(A, EVENTS['answer not_sent']),
  refused: recordAfter(A, EVENTS['answer later']),
  'token refused': recordAfter(A, EVENTS['answer 401']),
  doubtful: recordAfter(A, EVENTS['answer ambiguous']),
  contradicted: recordAfter(A, EVENTS['answer ambiguous'], EVENTS['observe a contradiction']),
  settled: recordAfter(A, EVENTS['answer ambiguous'], EVENTS.settle),
  running: recordAfter(A, EVENTS.accept),
  succeeded: recordAfter(A, EVENTS.accept, EVENTS.succeed),
  'failed clean': recordAfter(A, EVENTS['answer never'], EVENTS.settle, EVENTS['fail unmoved']),
  'failed maybe': recordAfter(A, EVENTS.accept, EVENTS['fail unmoved']),
  unknown: recordAfter(A, EVENTS.lose),
};

const ATTACHED = [{ server_id: 'srv-1', server_name: 'db1', device: '/dev/vdb' }];

describe('the attachment of the disk before the restore', () => {
  const attached = { ...intendEvent(A), attached_before: ATTACHED };

  it('is kept to the end over all attempts', () => {
    const first = advance(undefined, attached);
    for (const answer of [EVENTS['answer not_sent'], EVENTS['answer ambiguous']] as const) {
      const events: RecordEvent[] = [answer, EVENTS.intend, EVENTS.accept, EVENTS.succeed];
      expect(events.reduce<RestoreRecord>(advance, first).attached_before).to.equal(ATTACHED);
    }
  });

  it('is kept for later restores of the disk until one succeeds', () => {
    const failed = [EVENTS.accept, EVENTS['fail moved']].reduce<RestoreRecord>(
      advance,
      advance(undefined, attached),
    );
    expect(advance(failed, EVENTS['intend next generation']).attached_before).to.equal(ATTACHED);
    const elsewhere = [{ server_id: 'srv-2' }];
    expect(
      advance(failed, { ...EVENTS['intend next generation'], attached_before: elsewhere }).attached_before,
    ).to.equal(elsewhere);
    const other = { ...intendEvent(A, 2), identity: { ...intendEvent(A, 2).identity, volume_id: 'another' } };
    expect(advance(failed, other)).to.not.have.property('attached_before');
    const done = [EVENTS.accept, EVENTS.succeed].reduce<RestoreRecord>(advance, advance(undefined, attached));
    expect(advance(done, EVENTS['intend next generation'])).to.not.have.property('attached_before');
  });
});

describe('the protection that a restore declares', () => {
  const protecting = advance(undefined, { ...intendEvent(A), protect: true });
  const through = (from: RestoreRecord, ...events: RecordEvent[]) =>
    events.reduce<RestoreRecord>(advance, from).protect;

  it('is kept over all attempts whose declaration does not change it', () => {
    for (const answer of [EVENTS['answer not_sent'], EVENTS['answer ambiguous']] as const)
      expect(through(protecting, answer, EVENTS.intend, EVENTS.accept, EVENTS.succeed)).to.equal(true);
    expect(through(protecting, EVENTS.lose, EVENTS['resolve succeeded'])).to.equal(true);
    const lifted = { ...EVENTS.intend, protect: false };
    expect(through(protecting, EVENTS['answer not_sent'], lifted)).to.equal(false);
  });

  it('can be set and lifted while the restore runs, and passes to the next restore of the disk', () => {
    const done = recordAfter(A, EVENTS.accept, EVENTS.succeed);
    const noted = advance(done, EVENTS['note protect']);
    expect(noted).to.deep.equal({ ...done, protect: true, protect_changed_at: AT });
    expect(advance(noted, { ...EVENTS['note protect'], protect: false })).to.deep.equal({
      ...done,
      protect: false,
      protect_changed_at: AT,
    });
    expect(through(noted, EVENTS['intend next generation'])).to.equal(true);
    const { identity } = EVENTS['intend next generation'];
    const elsewhere = {
      ...EVENTS['intend next generation'],
      identity: { ...identity, volume_id: 'another' },
    };
    expect(through(noted, elsewhere)).to.equal(undefined);
    expect(through(recordAfter(A), EVENTS.accept, EVENTS['note protect'], EVENTS.succeed)).to.equal(true);
    const doubtful = through(recordAfter(A), EVENTS['answer ambiguous'], { ...EVENTS.intend, protect: true });
    expect(doubtful).to.equal(true);
  });
});

const resolves = {
  'resolve succeeded': 'succeeded',
  'resolve not-started': 'failed no',
  'resolve failed': 'failed maybe',
};
const observes = {
  observe: 'intended',
  'observe a contradiction': 'intended',
  settle: 'intended',
  'note protect': 'intended',
};
const answers = {
  'answer not_sent': 'intended',
  'answer later': 'intended',
  'answer never': 'intended',
  'answer 401': 'intended',
  'answer ambiguous': 'intended',
};

/** All that is legal; every other pair must throw. */
const LEGAL: { [record: string]: { [E in EventName]?: string } } = {
  nothing: { intend: 'intended', 'intend next generation': 'intended' },
  asked: {
    ...answers,
    ...resolves,
    ...observes,
    intend: 'intended',
    accept: 'running',
    adopt: 'running',
    lose: 'unknown',
    'fail unmoved': 'failed maybe',
    'fail moved': 'failed maybe',
  },
  'not sent': {
    ...resolves,
    ...observes,
    intend: 'intended',
    lose: 'unknown',
    'fail unmoved': 'failed no',
    'fail moved': 'failed maybe',
  },
  refused: {
    ...resolves,
    ...observes,
    intend: 'intended',
    adopt: 'running',
    lose: 'unknown',
    'fail unmoved': 'failed maybe',
    'fail moved': 'failed maybe',
  },
  'token refused': {
    ...resolves,
    ...observes,
    intend: 'intended',
    adopt: 'running',
    lose: 'unknown',
    'fail unmoved': 'failed maybe',
    'fail moved': 'failed maybe',
  },
  doubtful: {
    ...resolves,
    ...observes,
    intend: 'intended',
    adopt: 'running',
    lose: 'unknown',
    'fail unmoved': 'failed maybe',
    'fail moved': 'failed maybe',
  },
  contradicted: {
    ...resolves,
    ...observes,
    intend: 'intended',
    lose: 'unknown',
    'fail unmoved': 'failed maybe',
    'fail moved': 'failed maybe',
  },
  settled: {
    ...resolves,
    ...observes,
    intend: 'intended',
    adopt: 'running',
    lose: 'unknown',
    'fail unmoved': 'failed no',
    'fail moved': 'failed maybe',
  },
  running: {
    ...resolves,
    observe: 'running',
    'note protect': 'running',
    'observe a contradiction': 'running',
    succeed: 'succeeded',
    lose: 'unknown',
    'fail unmoved': 'failed maybe',
    'fail moved': 'failed maybe',
  },
  succeeded: { 'intend next generation': 'intended', 'note protect': 'succeeded' },
  'failed clean': { intend: 'intended', 'intend next generation': 'intended' },
  'failed maybe': { ...resolves, 'intend next generation': 'intended' },
  unknown: { ...resolves },
};

function kind(record: RestoreRecord): string {
  return record.status === 'failed' ? `failed ${record.touched}` : record.status;
}

describe('advance', () => {
  for (const [name, record] of Object.entries(RECORDS)) {
    for (const [eventName, event] of Object.entries(EVENTS)) {
      const legal = LEGAL[name]?.[eventName as EventName];
      it(`gives ${legal ?? 'an error'} for ${eventName} on ${name}`, () => {
        if (legal) expect(kind(advance(record, event))).to.equal(legal);
        else expect(() => advance(record, event)).to.throw(IllegalTransition);
      });
    }
  }

  it('keeps the message of a rejection with its attempt', () => {
    const [attempt] = recordAfter(A, EVENTS['answer later']).attempts;
    expect(attempt).to.deep.equal({
      intended_at: AT,
      answered_at: AT,
      answer: 'rejected_for_now',
      failure,
      request_id: 'req-9',
    });
  });

  it('keeps job and request id of the acceptance to the end', () => {
    const done = recordAfter(A, EVENTS.accept, EVENTS.succeed);
    expect(done).to.include({ status: 'succeeded', evidence: 'accepted', job_id: 'job-1' });
    expect(done.attempts).to.deep.equal([
      { intended_at: AT, answered_at: AT, answer: 'accepted', job_id: 'job-1', request_id: 'req-1' },
    ]);
  });

  it('records the evidence of an adopted restore', () => {
    const record = recordAfter(A, EVENTS['answer ambiguous'], EVENTS.adopt, EVENTS.succeed);
    expect(record).to.include({ status: 'succeeded', evidence: 'adopted' });
  });

  it('keeps the baseline while an attempt is in doubt', () => {
    const moved = { ...BASELINE, volume: { ...BASELINE.volume, updated_at: '2026-11-23T22:30:00Z' } };
    for (const name of ['doubtful', 'refused', 'token refused'])
      expect(() => advance(RECORDS[name], { ...EVENTS.intend, baseline: moved }), name).to.throw(
        IllegalTransition,
      );
    const clean = advance(RECORDS['not sent'], { ...EVENTS.intend, baseline: moved });
    expect(clean.baseline).to.deep.equal(moved);
  });

  it('keeps the first baseline after its attempt was settled', () => {
    const moved = { ...BASELINE, volume: { ...BASELINE.volume, updated_at: '2026-11-23T22:30:00Z' } };
    expect(() => advance(RECORDS.settled, { ...EVENTS.intend, baseline: moved })).to.throw(IllegalTransition);
  });

  it('keeps why an attempt is settled, and settles it only once', () => {
    const later = { ...EVENTS.settle, at: '2026-11-23T23:00:00Z', for_ms: 1 };
    const again = [EVENTS.intend, EVENTS['answer later'], later].reduce<RestoreRecord>(
      advance,
      recordAfter(A, EVENTS['answer ambiguous'], EVENTS.settle),
    );
    expect(again.attempts.map(({ settled }) => settled)).to.deep.equal([
      { at: AT, for_ms: 120_000, seen: BASELINE },
      { at: later.at, for_ms: 1, seen: BASELINE },
    ]);
  });

  it('does not bring a settled doubt back with the next attempt', () => {
    const events: RecordEvent[] = [EVENTS.intend, EVENTS['answer not_sent'], EVENTS['fail unmoved']];
    const settled = recordAfter(A, EVENTS['answer ambiguous'], EVENTS.settle);
    expect(kind(events.reduce<RestoreRecord>(advance, settled))).to.equal('failed no');
    const doubtful = recordAfter(A, EVENTS['answer ambiguous']);
    expect(kind(events.reduce<RestoreRecord>(advance, doubtful))).to.equal('failed maybe');
  });

  it('ignores observations from before the acceptance', () => {
    const asked = recordAfter(A, EVENTS['observe a contradiction']);
    expect(advance(asked, EVENTS.accept)).to.not.have.property('history');
  });

  it('keeps observations for the next attempt while one is in doubt', () => {
    const seen = recordAfter(A, EVENTS['answer ambiguous'], EVENTS['observe a contradiction']);
    expect(advance(seen, EVENTS.intend)).to.have.nested.property(
      'observation_history.contradiction.reason',
      'not ours',
    );
    const sure = recordAfter(A, EVENTS['answer not_sent'], EVENTS['observe a contradiction']);
    expect(advance(sure, EVENTS.intend)).to.not.have.property('history');
  });

  it('keeps the evidence of a success', () => {
    const observed = { at: AT, job: { id: 'job-1', status: 'SUCCESS' } };
    expect(recordAfter(A, EVENTS.accept, { ...EVENTS.succeed, observed })).to.deep.include({ observed });
  });

  it('never drops an attempt of an open record', () => {
    const again = advance(RECORDS.doubtful, EVENTS.intend);
    expect(again.attempts.map((a) => a.answer)).to.deep.equal(['ambiguous', undefined]);
  });
});

describe('a legal sequence of events', () => {
  const names = Object.keys(EVENTS) as EventName[];
  const story = fc.array(fc.constantFrom(...names), { minLength: 1, maxLength: 12 });

  /** Runs the legal events of a story; `judge` sees every step that was made. */
  function tell(
    story: readonly EventName[],
    judge: (after: RestoreRecord, name: EventName, before?: RestoreRecord) => void,
  ) {
    let record: RestoreRecord | undefined;
    for (const name of story) {
      let next: RestoreRecord;
      try {
        next = advance(record, EVENTS[name]);
      } catch (cause) {
        expect(cause).to.be.instanceOf(IllegalTransition);
        continue;
      }
      judge(next, name, record);
      record = next;
    }
  }

  it('never calls a disk untouched that an attempt in doubt may have touched', () => {
    fc.assert(
      fc.property(story, (events) => {
        tell(events, (after) => {
          if (after.status !== 'failed' || after.touched === 'maybe') return;
          if (after.resolution?.as === 'not-started') return; // a person said so
          expect(worstDoubt(after.attempts)).to.not.equal('full');
        });
      }),
      { numRuns: 3_000 },
    );
  });

  it('never loses an attempt, its doubt or the identity of an open restore', () => {
    fc.assert(
      fc.property(story, (events) => {
        tell(events, (after, _, before) => {
          if (!before || !isOpen(before)) return;
          expect(sameIdentity(after, before)).to.equal(true);
          expect(after.attempts.length).to.be.at.least(before.attempts.length);
          for (const [index, attempt] of before.attempts.entries())
            if (attempt.answer !== undefined) expect(after.attempts[index]).to.deep.include(attempt);
        });
      }),
      { numRuns: 3_000 },
    );
  });

  it('never succeeds without an acceptance, an adoption or a resolution', () => {
    fc.assert(
      fc.property(story, (events) => {
        tell(events, (after, name, before) => {
          if (after.status !== 'succeeded' || before?.status === 'succeeded') return;
          expect(name === 'resolve succeeded' || before?.status === 'running').to.equal(true);
        });
      }),
      { numRuns: 3_000 },
    );
  });

  it('never starts a restore again that was done or may have been', () => {
    fc.assert(
      fc.property(story, (events) => {
        tell(events, (after, name, before) => {
          if (!name.startsWith('intend') || !before || before.status === 'intended') return;
          const untouched = before.status === 'failed' && before.touched === 'no';
          expect(untouched || !sameIdentity(after, before)).to.equal(true);
        });
      }),
      { numRuns: 3_000 },
    );
  });
});

describe('the doubt of an attempt', () => {
  it('is none once settled, and is kept', () => {
    const attempts = [{ intended_at: AT, settled: { at: AT, for_ms: 1, seen: BASELINE } }];
    expect(worstDoubt(attempts)).to.equal('none');
    expect(wasEverInDoubt(attempts)).to.equal(true);
    expect(wasEverInDoubt([answered('not_sent')])).to.equal(false);
  });

  it('is none only for an unsent request, and never for a rejection', () => {
    expect(doubtOf(answered('not_sent'))).to.equal('none');
    for (const answer of ['rejected', 'rejected_for_now', 'unauthorized'] as const)
      expect(doubtOf(answered(answer)), answer).to.equal('possible_duplicate');
  });

  it('is full without an answer, after an ambiguous one, and after an acceptance', () => {
    expect(doubtOf({ intended_at: AT })).to.equal('full');
    expect(doubtOf(answered('ambiguous'))).to.equal('full');
    expect(doubtOf({ intended_at: AT, answered_at: AT, answer: 'accepted' })).to.equal('full');
  });

  it('is the worst of all attempts', () => {
    const attempts = [answered('rejected'), answered('not_sent')];
    expect(worstDoubt(attempts)).to.equal('possible_duplicate');
    expect(worstDoubt([{ intended_at: AT }, ...attempts])).to.equal('full');
    expect(worstDoubt(attempts.slice(1))).to.equal('none');
  });
});

function answered(answer: FailedAttempt['answer']): Attempt {
  return { intended_at: AT, answered_at: AT, answer, failure: { cause: 'status', message: 'no' } };
}

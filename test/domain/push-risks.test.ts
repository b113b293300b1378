import { expect } from 'chai';
import { Failure } from '../../src/domain/errors.ts';
import { pushedState, risksOf, takeRisks } from '../../src/domain/push-risks.ts';
import type { PushRisk, State } from '../../src/domain/state.ts';
import { type Book, book } from '../planner/builders.ts';
import { ACTOR, AT, chained } from '../state/samples.ts';

const current = chained('line', 7).state;
const TERMS = { given: 'copy.json', location: 'here.json', sameSerial: 'refused' } as const;

function refusals(
  given: State,
  allowed: readonly PushRisk[] = [],
  terms: Parameters<typeof risksOf>[2] = TERMS,
  before = current,
) {
  try {
    return takeRisks(risksOf(before, given, terms), allowed);
  } catch (cause) {
    if (!(cause instanceof Failure)) throw cause;
    expect(cause.exitCode).to.equal(5);
    return cause.diagnostics;
  }
}
const codes = (...args: Parameters<typeof refusals>) =>
  refusals(...args).map((each) => (typeof each === 'string' ? each : each.code));

describe('the replacement of a state by another', () => {
  it('is allowed for a newer state of the same lineage that loses nothing', () => {
    expect(refusals({ ...current, serial: 8 })).to.deep.equal([]);
  });

  it('is refused for another lineage or project, an older or equal serial, or lost records', () => {
    expect(codes({ ...current, lineage: 'other' })).to.deep.equal(['push-other-lineage']);
    expect(codes({ ...current, serial: 8, target: { ...current.target, project_id: 'p2' } })).to.deep.equal([
      'push-other-lineage',
    ]);
    expect(codes({ ...current })).to.deep.equal(['push-older-serial']);
    expect(codes({ ...current }, [], { ...TERMS, sameSerial: 'fine' })).to.deep.equal([]);
    expect(codes({ ...current, serial: 6 }, [], { ...TERMS, sameSerial: 'fine' })).to.deep.equal([
      'push-older-serial',
    ]);
    expect(codes({ ...current, serial: 8, records: new Map(), history: [] })).to.deep.equal([
      'push-forgotten-restores',
    ]);
  });

  it('is refused if it lifts a protection, but not for a rename', () => {
    const put = () => book().put('s/a', 'v1', 'b1', 'succeeded', { protect: true });
    const pushed = ({ state }: Book) => codes({ ...state, serial: 99 }, [], TERMS, put().state);
    expect(pushed(put())).to.deep.equal([]);
    expect(pushed(put().moves([{ from: 's/a', to: 's/b' }]))).to.deep.equal([]);
    expect(pushed(book().put('s/a', 'v1', 'b1', 'succeeded'))).to.deep.equal(['push-forgotten-restores']);
    expect(
      pushed(put().put('s/a', 'v1', 'b1', 'succeeded', { generation: 2, protect: false })),
    ).to.deep.equal(['push-forgotten-restores']);
    // One flag for both.
    const none = { ...book().state, serial: 99 };
    expect(takeRisks(risksOf(put().state, none, TERMS), ['forgotten-restores'])).to.deep.equal([
      'forgotten-restores',
    ]);
  });

  it('names numbers, locations and the flag, and is allowed with that flag', () => {
    const older = { ...current, serial: 3, records: new Map(), history: [] };
    const said = JSON.stringify(refusals(older));
    for (const word of [
      'copy.json',
      'here.json',
      'serial 3 is not higher than 7',
      '--allow-older-serial',
      'pay/run',
    ])
      expect(said).to.contain(word);
    expect(codes(older, ['older-serial'])).to.deep.equal(['push-forgotten-restores']);
    expect(codes(older, ['older-serial', 'forgotten-restores', 'other-lineage'])).to.deep.equal([
      'older-serial',
      'forgotten-restores',
    ]);
  });

  it('makes a state with a serial above both, and records who replaced what', () => {
    const by = { at: AT, actor: ACTOR };
    for (const [mine, theirs, expected] of [
      [7, 9, 10],
      [9, 7, 10],
    ] as const) {
      const pushed = pushedState(
        { ...current, serial: theirs },
        { current: { ...current, serial: mine } },
        ['older-serial'],
        by,
      );
      expect(pushed.serial).to.equal(expected);
      expect(pushed.history.at(-1)).to.deep.equal({
        type: 'pushed',
        serial: 10,
        ...by,
        over: { lineage: 'line', serial: mine },
        allowed: ['older-serial'],
      });
    }
    expect(pushedState(current, {}, [], by).history.at(-1)).to.deep.equal({
      type: 'pushed',
      serial: 8,
      ...by,
    });
  });

  it('makes a state that every machine takes which knew a newer one than the pushed', () => {
    const by = { at: AT, actor: ACTOR };
    const known = { lineage: 'line', serial: 20 };
    for (const there of [undefined, { ...current, serial: 5 }]) {
      const pushed = pushedState(current, { current: there, known }, ['older-serial'], by);
      expect(pushed.serial).to.equal(21);
      expect(pushed.history.at(-1)).to.deep.include({ type: 'pushed', over: known });
    }
  });
});

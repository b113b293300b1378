import { expect } from 'chai';
import { forgottenBy } from '../../src/domain/forgotten-restores.ts';
import type { RestoreRecord } from '../../src/domain/record.ts';
import type { State } from '../../src/domain/state.ts';
import { put } from '../state/samples.ts';
import { A, failed, running, stateWith, succeeded } from './record-stories.ts';

describe('the records that another state would lose', () => {
  const forgotten = (next: State, current: State) => forgottenBy(next, current).map(({ status }) => status);

  it('include done, open and maybe-touched restores, and no restore that surely did nothing', () => {
    const nothing = stateWith();
    expect(forgotten(nothing, stateWith(put(succeeded)))).to.deep.equal(['succeeded']);
    expect(forgotten(nothing, stateWith(put(running)))).to.deep.equal(['running']);
    expect(
      forgotten(nothing, stateWith(put({ ...failed, touched: 'maybe' } as RestoreRecord))),
    ).to.deep.equal(['failed']);
    expect(forgotten(nothing, stateWith(put(failed)))).to.deep.equal([]);
    expect(forgotten(stateWith(put(succeeded)), nothing)).to.deep.equal([]);
  });

  it('include an outcome if the other state only has its beginning, and not the reverse', () => {
    const begun = stateWith(put(running));
    const done = stateWith(put(running), put(succeeded));
    expect(forgotten(begun, done)).to.deep.equal(['succeeded']);
    expect(forgotten(done, begun)).to.deep.equal([]);
  });

  it('do not include removed or renamed records', () => {
    const done = stateWith(put(succeeded));
    const tidied = stateWith(put(succeeded), { type: 'removed', address: A });
    const renamed = stateWith(put(succeeded), { type: 'moved', moves: [{ from: A, to: 'b/c' }] });
    for (const next of [tidied, renamed]) {
      expect(forgotten(next, done)).to.deep.equal([]);
      expect(forgotten(done, next)).to.deep.equal([]);
    }
  });
});

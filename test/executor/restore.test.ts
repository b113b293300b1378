import { expect } from 'chai';
import { Lab } from '../simulation/lab.ts';

describe('a restore in one run', () => {
  it('starts once, succeeds and is found done', async () => {
    const lab = new Lab();
    const specs = [lab.spec(0), lab.spec(1)];
    const { outcome } = await lab.apply(specs);
    expect(outcome.summary).to.include({ started: 2, succeeded: 2, failed: 0, unknown: 0 });
    expect([lab.starts(0), lab.starts(1)]).to.deep.equal([1, 1]);
    const again = await lab.plan(specs);
    expect(again.actions.map((action) => action.kind)).to.deep.equal(['noop', 'noop']);
  });
});

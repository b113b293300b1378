import { expect } from 'chai';
import { type Action, hasChanges, type Plan, totals } from '../../src/domain/plan.ts';

const common = { address: 's/a', volume: { id: 'v' }, backup: { id: 'b' }, generation: 1, source: {} };
const ACTIONS = {
  restore: {
    ...common,
    kind: 'restore',
    again: false,
    changes: [],
    waits_for: [],
    expect: {},
    depends_on: [],
  },
  noop: { ...common, kind: 'noop', done_at: '2026-11-23T00:00:00Z' },
  blocked: { ...common, kind: 'blocked', reasons: [] },
  expired: { ...common, kind: 'expired', valid_until: '2026-11-23T00:00:00Z' },
} satisfies { [kind: string]: Action };

function planWith(actions: readonly Action[], more: Partial<Plan> = {}): Plan {
  return {
    format: 1,
    created_at: '2026-11-24T00:00:00Z',
    tool_version: 'test',
    offline: false,
    manifests: [],
    actions,
    orphans: [],
    moves: [],
    notices: [],
    ...more,
  };
}

describe('the totals of a plan', () => {
  it('count each kind of action', () => {
    const { restore, noop, blocked, expired } = ACTIONS;
    expect(totals(planWith([restore, noop, noop, blocked, expired, restore, restore]))).to.deep.equal({
      restore: 3,
      resume: 0,
      noop: 2,
      blocked: 1,
      expired: 1,
    });
  });
});

describe('hasChanges', () => {
  it('is true if something starts', () => {
    expect(hasChanges(planWith([ACTIONS.noop, ACTIONS.restore]))).to.equal(true);
  });

  it('is true if only a rename must be saved', () => {
    expect(hasChanges(planWith([ACTIONS.noop], { moves: [{ from: 's/a', to: 's/b' }] }))).to.equal(true);
  });

  it('is false if all is done, blocked, expired or orphaned', () => {
    const orphans = [{ address: 's/z', status: 'succeeded', volume_id: 'v', backup_id: 'b' }] as const;
    const { noop, blocked, expired } = ACTIONS;
    expect(hasChanges(planWith([noop, blocked, expired], { orphans }))).to.equal(false);
  });
});

import { expect } from 'chai';
import { error } from '../../src/domain/diagnostic.ts';
import { onlyFollowing } from '../../src/planner/follow-plan.ts';
import { action, book, planOf, rule, spec, story } from './builders.ts';

const WHY = [error('too-many-restores', 'the plan has 2 restores, the limit is 1')];

describe('the part of a refused plan that only follows', () => {
  const state = book()
    .put('s/run', 'v1', 'b1', 'running')
    .put('s/old', 'v2', 'b2', 'intended')
    .put('s/done', 'v3', 'b3', 'succeeded');
  const specs = [
    spec('s/run', 'v1', 'b1'),
    spec('s/renamed', 'v2', 'b2'),
    spec('s/done', 'v3', rule({ as_of: '2026-11-21T12:00:00Z' })),
    spec('s/new', 'v4', 'b4'),
    spec('s/none', 'v9', 'b9'),
  ];

  it('resumes running restores at the address of their record, and starts, renames and records nothing', () => {
    const plan = planOf(specs, { state });
    expect(story(plan)).to.include({ 's/renamed': 'resume was s/old', moves: 's/old>s/renamed' });
    expect(story(plan)['s/done']).to.equal('noop and notes its rule');
    const left = onlyFollowing(plan, WHY);
    if (!left) throw new Error('nothing is left');
    expect(story(left)).to.deep.equal({
      's/run': 'resume',
      's/old': 'resume',
      's/done': 'noop',
      's/new': 'blocked plan-refused',
      's/none': 'blocked volume-gone backup-gone',
    });
    expect(action(left, 's/new', 'blocked').reasons[0]?.summary).to.include('the limit is 1');
  });

  it('is empty if nothing is running', () => {
    expect(onlyFollowing(planOf([spec('s/new', 'v4', 'b4')], { state: book() }), WHY)).to.equal(undefined);
  });
});

import { expect } from 'chai';
import { consentFor } from '../../src/app/apply.ts';
import { questionOf } from '../../src/cli/confirm.ts';
import { error } from '../../src/domain/diagnostic.ts';
import type { Action, Plan } from '../../src/domain/plan.ts';
import { EMPTY_PLAN, PLAN } from '../views/fixtures.ts';

describe('the question before apply', () => {
  const of = (...actions: Action[]): Plan => ({ ...EMPTY_PLAN, actions });
  const [restore] = PLAN.actions.filter((action) => action.kind === 'restore');
  const [resume] = PLAN.actions.filter((action) => action.kind === 'resume');
  if (!restore || !resume) throw new Error('the fixture has both');
  const begun = { ...resume, record: { ...resume.record, status: 'intended' } } as typeof resume;

  const questionFor = (plan: Plan) => {
    const consent = consentFor(plan);
    return consent && questionOf(consent);
  };

  it('says what a yes does', () => {
    expect(questionFor(of(restore))).to.equal('Restore 1 disk as shown?');
    expect(questionFor(of(restore, resume))).to.equal(
      'Restore 1 disk as shown?\nAlso resumes 1 restore under way.',
    );
    const moves = [{ from: 's/a', to: 's/b' }];
    expect(questionFor({ ...of(resume), moves })).to.equal(
      'Update the state? No disk is changed.\nAlso follows 1 restore under way.',
    );
  });

  it('is not asked if nothing is sent: running restores are followed without confirmation', () => {
    expect(questionFor(of(resume, resume))).to.equal(undefined);
    expect(
      questionFor(of({ ...begun, policy_violations: [error('protected-volume', 'it is protected')] })),
    ).to.equal(undefined);
  });

  it('mentions a repeated request', () => {
    expect(questionFor(of(resume, begun)))
      .to.contain('Resume 2 restores under way?\n1 restore under way may not have started')
      .and.contain('sent again, and overwrites its disk');
  });
});

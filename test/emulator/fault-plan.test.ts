import { expect } from 'chai';
import { type FaultPlan, parseFaultPlan } from '../../src/emulator/index.ts';

describe('the reader of fault plans', () => {
  const problemsOf = (plan: unknown): string[] => {
    try {
      parseFaultPlan(plan);
    } catch (error) {
      return (error as { problems: string[] }).problems;
    }
    return [];
  };
  const problemsOfEffect = (effect: unknown, match: unknown = {}) =>
    problemsOf({ rules: [{ match, effect }] });

  it('says nothing of the keys of a file that is no fault plan', () => {
    expect(problemsOf({ hunter2: 1, db_password: 'x' })).to.deep.equal(['plan has neither rules nor seeded']);
    expect(problemsOf({})).to.deep.equal([]);
    expect(problemsOf({ rules: [], sedeed: 1 }).join()).to.include('unknown key "sedeed"');
  });

  it('accepts every kind with all its fields', () => {
    const plan: FaultPlan = {
      rules: [
        {
          name: 'lost answer',
          match: { route: 'restore', method: 'POST', volume_id: 'v', backup_id: 'b' },
          after: 0,
          times: 'always',
          effect: {
            kind: 'status',
            when: 'after',
            status: 504,
            body: 'html',
            code: 'X.1',
            message: 'late',
            retry_after: 3,
            retry_after_form: 'http_date',
            location: '/x',
          },
        },
        { match: {}, times: 3, effect: { kind: 'reset', when: 'before' } },
        { match: {}, effect: { kind: 'hang', when: 'after', for_ms: 10 } },
        { match: {}, effect: { kind: 'cut' } },
        { match: {}, effect: { kind: 'garbage', body: 'no_job_id' } },
        { match: {}, effect: { kind: 'slow', delay_ms: 1.5 } },
        { match: {}, effect: { kind: 'late_start', after_ms: 5, answer: { status: 408 } } },
        { match: { route: ['restore', 'job'] }, effect: { kind: 'duplicate' } },
        { match: {}, effect: { kind: 'token_expiry' } },
        { match: {}, effect: { kind: 'huge', bytes: 1_000_000_000 } },
        { match: { route: 'job' }, effect: { kind: 'job_vanishes', after_ms: 4 } },
        { match: {}, effect: { kind: 'job_endless' } },
        { match: {}, effect: { kind: 'job_unknown_status', status: 'ODD' } },
        { match: {}, effect: { kind: 'job_entities_mismatch' } },
        {
          match: {},
          effect: { kind: 'restore_fails', code: 'a', reason: 'b', touched: true, in_sub_job: false },
        },
      ],
      seeded: { seed: 'x', rates: { cut: 0.4, reset: 0.6 }, routes: ['job'], per_resource_max: 0 },
    };
    expect(parseFaultPlan(JSON.parse(JSON.stringify(plan)))).to.deep.equal(plan);
    expect(parseFaultPlan({})).to.deep.equal({});
  });

  it('names each mistake and its position', () => {
    const cases: [unknown, string][] = [
      [null, 'plan must be an object'],
      [{ rule: [] }, 'plan has neither rules nor seeded'],
      [{ rules: {} }, 'rules must be a list'],
      [{ rules: [7] }, 'rules[0] must be an object'],
      [
        { rules: [{ match: {}, effect: { kind: 'cut' }, times: 0 }] },
        'rules[0].times must be a number from 1',
      ],
      [
        { rules: [{ match: {}, effect: { kind: 'cut' }, after: 1.5 }] },
        'rules[0].after must be a whole number',
      ],
      [{ rules: [{ effect: { kind: 'cut' } }] }, 'rules[0].match must be an object'],
      [{ rules: [{ match: {} }] }, 'rules[0].effect.kind must be one of status'],
      [{ seeded: { rates: {} } }, 'seeded.seed must be a text'],
      [{ seeded: { seed: 1, rates: { cuts: 1 } } }, 'seeded.rates has an unknown key "cuts"'],
      [{ seeded: { seed: 1, rates: { cut: 2 } } }, 'seeded.rates.cut must be a number from 0 to 1'],
      [{ seeded: { seed: 1, rates: { cut: 0.6, reset: 0.6 } } }, 'seeded.rates must add up to at most 1'],
      [{ seeded: { seed: 1, rates: {}, routes: ['jobs'] } }, 'seeded.routes must be one of token'],
    ];
    for (const [plan, problem] of cases) {
      expect(problemsOf(plan).join('\n'), JSON.stringify(plan)).to.contain(problem);
    }
  });

  it('checks the fields of each kind', () => {
    const cases: [unknown, string][] = [
      [{ kind: 'status', when: 'before' }, 'status must be a whole number from 200 to 599'],
      [{ kind: 'status', when: 'during', status: 500 }, 'when must be one of before, after'],
      [{ kind: 'status', when: 'after', status: 500, body: 'xml' }, 'body must be one of service'],
      [{ kind: 'status', when: 'after', status: 302, location: 'a\nb' }, 'location must be printable ASCII'],
      [
        { kind: 'status', when: 'after', status: 429, retry_after: '7' },
        'retry_after must be a whole number',
      ],
      [{ kind: 'reset' }, 'when must be one of'],
      [{ kind: 'hang', when: 'after' }, 'for_ms must be a number'],
      [{ kind: 'cut', at: 3 }, 'has an unknown key "at"'],
      [{ kind: 'garbage' }, 'body must be one of unreadable'],
      [{ kind: 'slow', delay_ms: -1 }, 'delay_ms must be a number from 0'],
      [{ kind: 'late_start', after_ms: 1, answer: {} }, 'answer.status must be a whole number'],
      [{ kind: 'huge', bytes: 1e12 }, 'bytes must be a number from 1 to'],
      [{ kind: 'job_unknown_status', status: '' }, 'status must be a text'],
      [{ kind: 'restore_fails', touched: 'no' }, 'touched must be true or false'],
    ];
    for (const [effect, problem] of cases) {
      expect(problemsOfEffect(effect).join('\n'), JSON.stringify(effect)).to.contain(problem);
    }
  });

  it('refuses a rule that could never apply', () => {
    expect(problemsOfEffect({ kind: 'late_start', after_ms: 1 }, { route: 'job' })).to.deep.equal([
      'rules[0].match.route does not include a route that late_start applies to: restore',
    ]);
    expect(problemsOfEffect({ kind: 'job_vanishes' }, { route: ['volume', 'token'] })).to.deep.equal([
      'rules[0].match.route does not include a route that job_vanishes applies to: restore, job',
    ]);
  });

  it('reports all mistakes at once', () => {
    expect(problemsOf({ rules: [{ match: { route: 'x' }, effect: {} }, 3], seeded: 4 })).to.have.length.above(
      4,
    );
  });
});

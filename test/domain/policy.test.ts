import { expect } from 'chai';
import fc from 'fast-check';
import type { Policy } from '../../src/domain/config.ts';
import { tighten } from '../../src/domain/policy.ts';

const NONE: Policy = { protected_volumes: [] };

/** Per field: what the operator says, what the other file wishes, what counts, and whether it is told as loosening. */
const TABLE: readonly (readonly [
  what: string,
  operator: Partial<Policy>,
  wish: Partial<Policy>,
  result: Partial<Policy>,
  told: readonly string[],
])[] = [
  ['more restores', { max_restores: 5 }, { max_restores: 9 }, { max_restores: 5 }, ['max_restores 9 5']],
  ['fewer restores', { max_restores: 9 }, { max_restores: 5 }, { max_restores: 5 }, []],
  ['a first limit of restores', {}, { max_restores: 5 }, { max_restores: 5 }, []],
  ['no word on restores', { max_restores: 9 }, {}, { max_restores: 9 }, []],
  [
    'older backups',
    { max_backup_age_ms: 3_600_000 },
    { max_backup_age_ms: 7_200_000 },
    { max_backup_age_ms: 3_600_000 },
    ['max_backup_age 2h 1h'],
  ],
  [
    'younger backups',
    { max_backup_age_ms: 7_200_000 },
    { max_backup_age_ms: 3_600_000 },
    { max_backup_age_ms: 3_600_000 },
    [],
  ],
  ['a first age', {}, { max_backup_age_ms: 1 }, { max_backup_age_ms: 1 }, []],
  [
    'no protected disk',
    { protected_volumes: ['a'] },
    { protected_volumes: [] },
    { protected_volumes: ['a'] },
    ['protected_volumes [] ["a"]'],
  ],
  [
    'another protected disk',
    { protected_volumes: ['a'] },
    { protected_volumes: ['b'] },
    { protected_volumes: ['a', 'b'] },
    [],
  ],
  [
    'no label',
    { require_labels: ['ticket'] },
    { require_labels: [] },
    { require_labels: ['ticket'] },
    ['require_labels [] ["ticket"]'],
  ],
  [
    'another label',
    { require_labels: ['ticket'] },
    { require_labels: ['owner', 'ticket'] },
    { require_labels: ['ticket', 'owner'] },
    [],
  ],
  [
    'no expect',
    { require_expect: true },
    { require_expect: false },
    { require_expect: true },
    ['require_expect false true'],
  ],
  ['an expect', { require_expect: false }, { require_expect: true }, { require_expect: true }, []],
  [
    'no valid_until',
    { require_valid_until: true },
    { require_valid_until: false },
    { require_valid_until: true },
    ['require_valid_until false true'],
  ],
  ['a valid_until', {}, { require_valid_until: true }, { require_valid_until: true }, []],
  ['signed plans', {}, { require_signed_plans: true }, { require_signed_plans: true }, []],
  [
    'no signed plans, which is more than the operator allows',
    { require_signed_plans: true },
    { require_signed_plans: false },
    { require_signed_plans: true },
    ['require_signed_plans false true'],
  ],
  [
    'more sets',
    { allowed_sets: ['a', 'b'] },
    { allowed_sets: ['b', 'c'] },
    { allowed_sets: ['b'] },
    ['allowed_sets ["c"] ["a","b"]'],
  ],
  ['fewer sets', { allowed_sets: ['a', 'b'] }, { allowed_sets: ['a'] }, { allowed_sets: ['a'] }, []],
  ['a first list of sets', {}, { allowed_sets: ['a'] }, { allowed_sets: ['a'] }, []],
  ['no word on sets', { allowed_sets: ['a'] }, {}, { allowed_sets: ['a'] }, []],
];

describe('two layers of policy', () => {
  for (const [what, operator, wish, result, told] of TABLE)
    it(`${told.length > 0 ? 'ignore and report' : 'apply'} the wish of the inner one: ${what}`, () => {
      const { policy, loosening } = tighten({ ...NONE, ...operator }, wish);
      expect(policy).to.deep.equal({ ...NONE, ...result });
      expect(loosening.map(({ field, wanted, kept }) => `${field} ${wanted} ${kept}`)).to.deep.equal(told);
    });

  it('never allow more than the policy of the operator', () => {
    const words = fc.uniqueArray(fc.constantFrom('a', 'b', 'c'));
    const wishes: fc.Arbitrary<Partial<Policy>> = fc.record(
      {
        max_restores: fc.nat(9),
        max_backup_age_ms: fc.nat(9),
        protected_volumes: words,
        require_labels: words,
        require_expect: fc.boolean(),
        require_valid_until: fc.boolean(),
        require_signed_plans: fc.boolean(),
        allowed_sets: words,
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(wishes, wishes, (first, wish) => {
        const operator = { ...NONE, ...first };
        const { policy } = tighten(operator, wish);
        const subset = (some: readonly string[] = [], all: readonly string[] = []) =>
          some.every((one) => all.includes(one));
        expect(policy.max_restores ?? Infinity).to.be.at.most(operator.max_restores ?? Infinity);
        expect(policy.max_backup_age_ms ?? Infinity).to.be.at.most(operator.max_backup_age_ms ?? Infinity);
        expect(subset(operator.protected_volumes, policy.protected_volumes)).to.equal(true);
        expect(subset(operator.require_labels, policy.require_labels)).to.equal(true);
        if (operator.require_expect) expect(policy.require_expect).to.equal(true);
        if (operator.require_valid_until) expect(policy.require_valid_until).to.equal(true);
        if (operator.require_signed_plans) expect(policy.require_signed_plans).to.equal(true);
        if (operator.allowed_sets) expect(subset(policy.allowed_sets, operator.allowed_sets)).to.equal(true);
        expect(tighten(policy, wish).policy).to.deep.equal(policy);
      }),
    );
  });
});

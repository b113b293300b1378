import { expect } from 'chai';
import { globMatches } from '../../src/domain/glob.ts';

describe('globMatches', () => {
  const cases: [pattern: string, text: string, matches: boolean][] = [
    ['', '', true],
    ['', 'a', false],
    ['a', 'a', true],
    ['a', 'A', false],
    ['*', '', true],
    ['*', 'anything', true],
    ['**', 'anything', true],
    ['?', '', false],
    ['?', 'a', true],
    ['pay-*', 'pay-db', true],
    ['pay-*', 'pay', false],
    ['*-db', 'pay-db', true],
    ['*-db', 'pay-db2', false],
    ['*a*b', 'xaybab', true],
    ['*a*b', 'xayba', false],
    ['a.c', 'abc', false],
    ['[a]', 'a', false],
  ];
  for (const [pattern, text, matches] of cases)
    it(`${pattern} ${matches ? 'matches' : 'does not match'} ${text}`, () => {
      expect(globMatches(pattern, text)).to.equal(matches);
    });

  it('takes no exponential time for a hostile pattern', () => {
    expect(globMatches('*a'.repeat(40), 'a'.repeat(5_000).concat('b'))).to.equal(false);
  });
});

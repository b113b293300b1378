import { expect } from 'chai';
import fc from 'fast-check';
import { suggest, suggestForReport } from '../../src/domain/suggest.ts';

describe('the suggestion for a misspelt word', () => {
  for (const [word, candidates, meant] of [
    ['volum_id', ['volume_id', 'backup_id'], 'volume_id'],
    ['volumeid', ['volume_id'], 'volume_id'],
    ['Volume-ID', ['volume_id'], 'volume_id'],
    ['bakcup_id', ['volume_id', 'backup_id'], 'backup_id'],
    ['backupp_idd', ['backup_id'], 'backup_id'],
    ['xbackup_idx', ['backup_id'], 'backup_id'],
    ['abckup_di', ['backup_id'], 'backup_id'],
    ['bucket_ix', ['backup_id'], undefined],
    ['ab', ['ac'], undefined],
    ['', ['a', ''], ''],
    ['x'.repeat(65), ['x'.repeat(65)], undefined],
  ] as const)
    it(`is ${meant ?? 'nothing'} for ${word || '(nothing)'} among ${candidates.join(', ')}`, () => {
      expect(suggest(word, candidates)).to.equal(meant);
    });

  /** The whole table, without a shortcut. */
  function slips(a: string, b: string): number {
    const d = Array.from({ length: a.length + 1 }, (_, i) =>
      Array.from({ length: b.length + 1 }, (_, j) => (i === 0 ? j : j === 0 ? i : 0)),
    );
    const at = (i: number, j: number) => d[i]?.[j] ?? 0;
    for (let i = 1; i <= a.length; i++)
      for (let j = 1; j <= b.length; j++) {
        const same = a[i - 1] === b[j - 1] ? 0 : 1;
        let cost = Math.min(at(i - 1, j) + 1, at(i, j - 1) + 1, at(i - 1, j - 1) + same);
        if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
          cost = Math.min(cost, at(i - 2, j - 2) + 1);
        (d[i] as number[])[j] = cost;
      }
    return at(a.length, b.length);
  }

  it('is at most two edits away', () => {
    const word = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 6, maxLength: 12 });
    fc.assert(
      fc.property(word, word, (a, b) => (suggest(a, [b]) === b) === slips(a, b) <= 2),
      { numRuns: 3_000 },
    );
  });

  it('is computed a limited number of times in one report', () => {
    const propose = suggestForReport();
    const found = Array.from({ length: 1_000 }, () => propose('volum_id', ['volume_id']));
    expect(found.filter(Boolean)).to.have.length(10);
  });

  it('takes little time for many long words', () => {
    let compared = 0;
    const endless = {
      *[Symbol.iterator]() {
        for (;;) yield `${'a'.repeat(55)}${String(compared++).padStart(8, '0')}`;
      },
    };
    const began = process.cpuUsage();
    suggest(`${'a'.repeat(55)}${'b'.repeat(8)}`, endless);
    expect(compared).to.be.at.most(10_001);
    expect(process.cpuUsage(began).user / 1e6).to.be.below(30);
  });
});

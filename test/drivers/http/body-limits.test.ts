import { expect } from 'chai';
import fc from 'fast-check';
import { compressionOf, jsonLimitError } from '../../../src/drivers/http/body-limits.ts';

describe('refused bodies', () => {
  it('are compressed in any encoding', () => {
    for (const coding of ['gzip', 'br', 'deflate', 'zstd', 'x-gzip', 'identity, gzip', ' GZIP '])
      expect(compressionOf({ headers: { 'content-encoding': coding } })).to.be.a('string');
    for (const headers of [{}, { 'content-encoding': '' }, { 'content-encoding': 'Identity' }])
      expect(compressionOf({ headers })).to.equal(undefined);
  });

  const isTooMuch = (text: string) => jsonLimitError(text) !== undefined;
  const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);

  it('are nested more than 64 levels, not counting brackets in strings', () => {
    expect(isTooMuch(nested(64))).to.equal(false);
    expect(isTooMuch(nested(65))).to.equal(true);
    expect(isTooMuch(`[${'[],'.repeat(1_000)}[]]`)).to.equal(false);
    expect(isTooMuch(JSON.stringify({ a: '['.repeat(1_000), 'b\\': '"[\\"{'.repeat(100) }))).to.equal(false);
    expect(isTooMuch(`{"a\\\\": ${nested(70)}`)).to.equal(true);
    expect(isTooMuch(`"${'['.repeat(100)}`)).to.equal(false);
  });

  it('have more than a million values, not counting those in strings', () => {
    expect(jsonLimitError(`{"volumes": [${'{},'.repeat(400_000)}{}]}`)).to.equal(undefined);
    expect(jsonLimitError(`{"volumes": [${'{},'.repeat(600_000)}{}]}`)).to.equal(
      'has more than 1000000 values in one list or entry',
    );
    expect(jsonLimitError(`{"volumes": [${'0,'.repeat(1_000_000)}0`)).to.be.a('string');
    expect(jsonLimitError(JSON.stringify({ a: '{},'.repeat(600_000) }))).to.equal(undefined);
    expect(jsonLimitError(`<html>${'{},'.repeat(600_000)}`)).to.equal(undefined);
  });

  it('are found by the real depth of any JSON', () => {
    const depth = (value: unknown): number =>
      typeof value === 'object' && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depth)) : 0;
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 8 }), fc.integer({ min: 50, max: 70 }), (value, around) => {
        const text = '['.repeat(around) + JSON.stringify(value) + ']'.repeat(around);
        return isTooMuch(text) === around + depth(value) > 64;
      }),
    );
  });
});

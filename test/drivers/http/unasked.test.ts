import { expect } from 'chai';
import fc from 'fast-check';
import { compressionOf, isNestedTooDeep } from '../../../src/drivers/http/unasked.ts';

describe('bodies that nobody asked for', () => {
  it('are compressed ones, by whatever name', () => {
    for (const coding of ['gzip', 'br', 'deflate', 'zstd', 'x-gzip', 'identity, gzip', ' GZIP '])
      expect(compressionOf({ headers: { 'content-encoding': coding } })).to.be.a('string');
    for (const headers of [{}, { 'content-encoding': '' }, { 'content-encoding': 'Identity' }])
      expect(compressionOf({ headers })).to.equal(undefined);
  });

  const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);

  it('are nested more than 64 levels deep, brackets in strings aside', () => {
    expect(isNestedTooDeep(nested(64))).to.equal(false);
    expect(isNestedTooDeep(nested(65))).to.equal(true);
    expect(isNestedTooDeep(`[${'[],'.repeat(1_000)}[]]`)).to.equal(false);
    expect(isNestedTooDeep(JSON.stringify({ a: '['.repeat(1_000), 'b\\': '"[\\"{'.repeat(100) }))).to.equal(
      false,
    );
    expect(isNestedTooDeep(`{"a\\\\": ${nested(70)}`)).to.equal(true);
    expect(isNestedTooDeep(`"${'['.repeat(100)}`)).to.equal(false);
  });

  it('agrees with the depth of any JSON', () => {
    const depth = (value: unknown): number =>
      typeof value === 'object' && value !== null ? 1 + Math.max(0, ...Object.values(value).map(depth)) : 0;
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 8 }), fc.integer({ min: 50, max: 70 }), (value, around) => {
        const text = '['.repeat(around) + JSON.stringify(value) + ']'.repeat(around);
        return isNestedTooDeep(text) === around + depth(value) > 64;
      }),
    );
  });
});

import { expect } from 'chai';
import { JsonFault } from '../../src/domain/json-bounds.ts';
import { offsetOf, parseValue, positionAt } from '../../src/state/json-position.ts';

const whole = (text: string) => ({ start: 0, end: text.length });

describe('the position of a JSON error', () => {
  it('is where a value is not JSON', () => {
    for (const text of [
      '{"a": [{"b": 1, "c": @tru}]}',
      '{"a": [1, @]}',
      '{"a": 1 @"b": 2}',
      '{"a" @1}',
      '{@a: 1}',
      '{"a": 1}@x',
      '{"a": [{"b": 0@1}]}',
      '{"a": [1@',
      '{"a": @"no end}',
      '{"a": 1, @/* no comment */ "b": 2}',
    ]) {
      const broken = text.replace('@', '');
      expect(() => parseValue(broken, whole(broken)), text)
        .to.throw(JsonFault, 'is not valid JSON')
        .with.property('at', text.indexOf('@'));
    }
  });

  it('counts from the start of the text for a part of it', () => {
    const text = '[[1, 2], [1, x]]';
    expect(() => parseValue(text, { start: 9, end: 15 }))
      .to.throw(JsonFault)
      .with.property('at', 13);
    expect(offsetOf(text, { start: 1, end: 7 }, [1])).to.equal(5);
  });

  it('is the start of a part that is too large to parse', () => {
    const long = `["${'\\n'.repeat(10_000_000)}", x]`;
    const before = process.memoryUsage().rss;
    expect(() => parseValue(long, whole(long)))
      .to.throw(JsonFault)
      .with.property('at', 0);
    expect(offsetOf(long, whole(long), [1])).to.equal(0);
    expect(process.memoryUsage().rss - before).to.be.below(200_000_000);
  });

  it('is the line and column of a value found by its path', () => {
    const text = '{\n  "a": [1, {"b": 2,\n "b": 3}],\n  "c": {}}';
    expect(positionAt(text, offsetOf(text, whole(text), ['a', 1, 'b']))).to.include({ line: 3, column: 7 });
    expect(positionAt(text, offsetOf(text, whole(text), ['a', 9]))).to.include({ line: 2, column: 8 });
    expect(positionAt(text, offsetOf(text, whole(text), ['c', 'x']))).to.include({ line: 4, column: 8 });
    expect(positionAt(text, 0)).to.deep.equal({ line: 1, column: 1, text: '{' });
    expect(positionAt('x'.repeat(200), 150)).to.deep.equal({ line: 1, column: 151 });
  });
});

import { expect } from 'chai';
import { runSync } from '../../src/domain/chunked-work.ts';
import { JsonFault } from '../../src/domain/json-bounds.ts';
import { array, type Issue, integerFrom, object, optionalField } from '../../src/domain/shape.ts';
import { boundedJson, isReadableItem, openDocument } from '../../src/state/document.ts';

describe('the bounded state document', () => {
  const check = object<{ readonly n: number; readonly list?: readonly number[] }>({
    n: integerFrom(0),
    list: optionalField(array(integerFrom(1))),
  });
  const refuse = (wrong: Issue): never => {
    throw new Error(`${wrong.path.join('.')}: ${wrong.expected}`);
  };
  const read = (text: string) => {
    const document = runSync(openDocument(text, check));
    return document && runSync(document.read(refuse));
  };

  it('returns the head before any item is parsed', () => {
    const document = runSync(openDocument('{"list": [nonsense], "n": 1}', check));
    expect(document?.head).to.deep.equal({ list: [], n: 1 });
    expect(() => document && runSync(document.read(refuse))).to.throw(JsonFault, 'is not valid JSON');
  });

  it('reads items within the limits, and refuses the first beyond', () => {
    expect(read('{"list": [1, 2, 3], "n": 1}')).to.deep.equal({ n: 1, list: [1, 2, 3] });
    expect(read('{"n": 1}')).to.deep.equal({ n: 1 });
    expect(read('[1]')).to.equal(undefined);
    expect(() => read('{"list": [1, 0, -1], "n": 1}')).to.throw('list.1: an integer from 1');
    expect(() => read('{"list": {}, "n": 1}')).to.throw('list: an array');
    expect(() => read('{"list": [0], "n": -1}')).to.throw('n: an integer from 0');
    expect(() => read('{"n": 1, "__proto__": {"list": []}}')).to.throw('__proto__: n, list');
  });

  it('reports the position of an item in a long list', () => {
    const text = `{"n": 1,\n"list": [\n${'1,\n'.repeat(1_000_000 / 2)}0]}`;
    const document = runSync(openDocument(text, check));
    expect(document?.positionOf(['list', 500_000])).to.deep.equal({ line: 500_003, column: 1, text: '0]}' });
    expect(document?.positionOf(['list'])).to.include({ line: 2, column: 9 });
    expect(document?.positionOf([])).to.include({ line: 1, column: 1 });
  });

  it('refuses to write an item that it would not read', () => {
    const entry = (values: number) => ({ records: Array.from({ length: values }, () => 0) });
    expect(isReadableItem(entry(900_000))).to.equal(true);
    expect(isReadableItem(entry(1_100_000))).to.equal(false);
    expect(() => boundedJson(JSON.stringify(entry(1_100_000)))).to.throw(
      JsonFault,
      'more than 1000000 values',
    );
  });
});

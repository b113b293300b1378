import { expect } from 'chai';
import fc from 'fast-check';
import { runSync } from '../../src/domain/chunked-work.ts';
import {
  eachItem,
  endOfValue,
  type JsonBounds,
  JsonFault,
  objectIn,
  type TextRange,
} from '../../src/domain/json-bounds.ts';
import { parseValue } from '../../src/state/json-position.ts';

const BOUNDS: JsonBounds = { depth: 64, values: 10_000 };

/** The object in a text, its lists item by item; undefined for every other value. */
function read(text: string, bounds = BOUNDS): unknown {
  const members = runSync(objectIn(text, bounds));
  return (
    members && Object.fromEntries([...members].map(([key, range]) => [key, parsed(text, range, bounds)]))
  );
}

function parsed(text: string, range: TextRange, bounds: JsonBounds): unknown {
  if (text[range.start] !== '[') return parseValue(text, range);
  const items: unknown[] = [];
  const end = runSync(eachItem(text, range.start, bounds, (item) => items.push(parseValue(text, item))));
  expect(end).to.equal(range.end);
  return items;
}

function faultOf(work: () => unknown): JsonFault {
  try {
    work();
  } catch (cause) {
    if (cause instanceof JsonFault) return cause;
    throw cause;
  }
  throw new Error('was accepted');
}

describe('the bounded JSON reader', () => {
  const object = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 4 }));
  const indent = fc.constantFrom(undefined, 1, '\t');

  it('reads what JSON.parse reads', () => {
    fc.assert(
      fc.property(object, indent, (value, space) => {
        const text = JSON.stringify(value, undefined, space);
        expect(read(` \r\n${text}\t`)).to.deep.equal(JSON.parse(text));
      }),
    );
  });

  it('agrees with JSON.parse after any edit', () => {
    const insert = fc.constantFrom('', '"', '{', '}', '[', ']', ',', ':', '0', 'null', '\\', '\u0000', ' ');
    fc.assert(
      fc.property(object, indent, fc.nat(), fc.nat(3), insert, (value, space, at, length, piece) => {
        const text = JSON.stringify({ ...value, list: Object.values(value) }, undefined, space);
        const from = at % (text.length + 1);
        const edited = text.slice(0, from) + piece + text.slice(from + length);
        let expected: unknown;
        try {
          expected = JSON.parse(edited);
        } catch {
          // A text that begins with something else than an object is not looked at any further.
          if (edited.trimStart().startsWith('{')) expect(faultOf(() => read(edited)).at).to.be.at.least(0);
          return;
        }
        try {
          const found = read(edited);
          if (found !== undefined) expect(found).to.deep.equal(expected);
        } catch (cause) {
          expect(cause).to.be.instanceOf(JsonFault).and.have.property('message', 'has a key twice');
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('limits depth, values in one item, items and keys', () => {
    const bounds = { depth: 3, values: 5 };
    const faults: readonly (readonly [text: string, message: string])[] = [
      ['{"a":[[[[[]]]]]}', 'is nested more than 3 levels deep'],
      ['{"a":[[1,2,3,4,5,6]]}', 'has more than 5 values in one list or entry'],
      ['{"a":[1,2,3,4,5,6]}', 'has more than 5 values in one list or entry'],
      ['{"a":{"b":{},"c":{},"d":{}}}', 'has more than 5 values in one list or entry'],
      [`{${Array.from({ length: 101 }, (_, n) => `"k${n}":0`).join(',')}}`, 'has more than 100 keys'],
    ];
    for (const [text, message] of faults) {
      const fault = faultOf(() => read(text, bounds));
      expect(fault).to.include({ kind: 'too_much', message });
    }
    expect(read('{"a":[[[[]]],[1,2,3],{"b":"[[[[[[,,,,,,"},1,2]}', bounds)).to.be.an('object');
  });

  it('counts no bracket within a string', () => {
    for (const value of ['"', '\\', '\\"', '"[{', '\\\\"],', '\\'.repeat(7)]) {
      const text = JSON.stringify({ a: [value, value] });
      expect(endOfValue(text, 0, BOUNDS)).to.equal(text.length);
      expect(read(text)).to.deep.equal({ a: [value, value] });
    }
  });
});

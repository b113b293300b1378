import { expect } from 'chai';
import fc from 'fast-check';
import { runInterruptibly } from '../../../src/domain/chunked-work.ts';
import { harmlessJson, harmlessJsonInSteps, toJson } from '../../../src/domain/escape/json.ts';

describe('harmlessJson', () => {
  const unit = fc.constantFrom(
    '#',
    '##',
    'a',
    '\u202e',
    '\u{e0041}',
    '#\u202e'.repeat(9),
    '#'.repeat(40),
    '\u202e'.repeat(20),
    '\u{1f600}',
    '\ud83d',
    '\udc00',
    '\u007f',
    '"',
    '\n',
  );
  const text = fc.array(unit, { maxLength: 40 }).map((units) => units.join(''));

  it('keeps the data, and contains no command', () => {
    fc.assert(
      fc.property(text, (given) => {
        const json = toJson([given]);
        expect(JSON.parse(json)).to.deep.equal([given]);
        expect(json).not.to.match(/##|[\u007f\u202e\u{e0041}]/u);
      }),
    );
  });

  it('gives the same text in pieces of any length', () => {
    fc.assert(
      fc.property(text, fc.integer({ min: 1, max: 5 }), (given, length) => {
        const json = JSON.stringify(given);
        expect(harmlessJson(json, length)).to.equal(harmlessJson(json));
      }),
    );
  });

  it('runs in steps, and ends at a stop', async () => {
    const stop = new AbortController();
    const steps = harmlessJsonInSteps('#'.repeat(100), 10);
    setImmediate(() => stop.abort(new Error('stopped')));
    const made = await runInterruptibly(steps, stop.signal).catch((cause: Error) => cause.message);
    expect(made).to.equal('stopped');
  });
});

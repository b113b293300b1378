import { Readable } from 'node:stream';
import { expect } from 'chai';
import fc from 'fast-check';
import { AnswerTooLarge, readBounded } from '../../src/network/read-bounded.ts';

describe('a bounded read', () => {
  it('returns a body of any number of chunks, up to the limit', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 40 })),
        fc.integer({ min: 0, max: 400 }),
        async (chunks, max) => {
          const all = Buffer.concat(chunks);
          const read = await readBounded(Readable.from(chunks), max).catch((cause: unknown) => cause);
          if (all.length <= max) expect(read).to.deep.equal(all);
          else expect(read).to.be.instanceOf(AnswerTooLarge).and.include({ bytesMax: max });
        },
      ),
    );
  });

  it('ends an endless stream', async () => {
    let pieces = 0;
    const stream = Readable.from(
      (function* () {
        for (;;) {
          pieces += 1;
          yield Buffer.alloc(1024);
        }
      })(),
    );
    expect(await readBounded(stream, 10_000).catch((cause: unknown) => cause)).to.be.instanceOf(
      AnswerTooLarge,
    );
    expect(stream.destroyed).to.equal(true);
    expect(pieces).to.be.lessThan(40);
  });
});

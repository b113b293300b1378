import { expect } from 'chai';
import { run } from '../../src/cli/program.ts';
import { paperIo } from './program.ts';

describe('a text that is longer than the maximum of Node', () => {
  const tooLong = () => 'x'.repeat(2 ** 30);
  for (const [who, fail] of [
    ['V8', tooLong],
    [
      'Node, of bytes',
      () => {
        throw Object.assign(new Error('Cannot create a string longer than 0x1fffffe8 characters'), {
          code: 'ERR_STRING_TOO_LONG',
        });
      },
    ],
  ] as const)
    it(`is reported as an operating error, whether it comes from ${who}`, async () => {
      const io = paperIo();
      const stdout = { ...io.stdout, write: () => void fail() };
      expect(await run(['version'], { ...io, stdout })).to.equal(1);
      expect(io.err.join('')).to.include('longer than 512 MiB').and.include('--target');
    });

  it('is told apart from every other error, which is a bug', async () => {
    const io = paperIo();
    const stdout = {
      ...io.stdout,
      write: () => {
        throw new RangeError('Invalid array length');
      },
    };
    const thrown = await run(['version'], { ...io, stdout }).catch((cause: unknown) => cause);
    expect(thrown).to.be.instanceOf(RangeError);
  });
});

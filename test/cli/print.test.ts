import { expect } from 'chai';
import type { Io, Output } from '../../src/cli/io.ts';
import { textOptions } from '../../src/cli/print.ts';

describe('the width of texts', () => {
  const widthOf = (isTty: boolean, COLUMNS?: string) => {
    const io = { env: { COLUMNS }, typed: { flags: {}, commands: [] } } as unknown as Io;
    return textOptions(io, { isTty, columns: 80 } as Output).width;
  };
  it('is that of the terminal, else COLUMNS, else 100', () => {
    expect(widthOf(true, '160')).to.equal(80);
    expect(widthOf(false, '160')).to.equal(160);
    for (const unusable of [undefined, '', '0', '-1', '99999', 'wide'])
      expect(widthOf(false, unusable)).to.equal(100);
  });
});

import { expect } from 'chai';
import fc from 'fast-check';
import { decodePercent, encodePercent } from '../../src/network/percent.ts';

describe('percent-encoding', () => {
  it('decodes as curl does, and keeps invalid escapes', () => {
    for (const [text, plain] of [
      ['p%40ss', 'p@ss'],
      ['P%ZZ', 'P%ZZ'],
      ['100%', '100%'],
      ['%4', '%4'],
      ['%e2%82%ac', '€'],
      ['%25ZZ', '%ZZ'],
    ] as const)
      expect(decodePercent(text).toString()).to.equal(plain);
    expect(decodePercent('%ff').equals(Buffer.from([0xff]))).to.equal(true);
  });

  it('never throws, and decodes what it has encoded', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        decodePercent(text);
        const whole = text.replace(/\p{Surrogate}/gu, '\ufffd');
        return decodePercent(encodePercent(text)).toString() === whole;
      }),
    );
    expect(encodePercent('a\ud800/b')).to.equal('a%EF%BF%BD%2Fb');
  });
});

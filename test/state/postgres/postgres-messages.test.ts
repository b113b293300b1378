import { expect } from 'chai';
import fc from 'fast-check';
import { MessageChecker, ProtocolFault } from '../../../src/state/postgres/postgres-messages.ts';
import { int16, int32, message, READY, rows } from '../../security/fake-postgres.ts';

describe('the reader of PostgreSQL messages', () => {
  const SOUND = [
    message('R', int32(0)),
    message('R', Buffer.concat([int32(5), int32(1)])),
    message('R', Buffer.concat([int32(10), Buffer.from('SCRAM-SHA-256-PLUS\0SCRAM-SHA-256\0\0')])),
    message('R', Buffer.concat([int32(11), Buffer.from('r=x,s=y,i=1')])),
    message('S', 'TimeZone\0\0'),
    message('K', Buffer.concat([int32(1), int32(2)])),
    message('N', 'SNOTICE\0Mx\0\0'),
    rows(
      ['a', 'b'],
      [
        ['1', null],
        ['', 'x'],
      ],
    ),
    message('t', Buffer.concat([int16(1), int32(25)])),
    message('A', Buffer.concat([int32(1), Buffer.from('c\0\0')])),
    message('E', 'SERROR\0C42P01\0Mno such table\0\0'),
    message('n'),
    READY,
  ];
  const whole = Buffer.concat(SOUND);

  /** All that is let through of pieces that end at `ends`. */
  function through(ends: readonly number[]): Buffer {
    const checker = new MessageChecker();
    const places = [...new Set([0, ...ends, whole.length])].sort((a, b) => a - b);
    return Buffer.concat(
      places.slice(1).flatMap((end, n) => checker.push(whole.subarray(places[n], end)).whole ?? []),
    );
  }

  it('accepts messages of the protocol in pieces of any size', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(whole.length)), (ends) => {
        expect(through(ends).equals(whole)).to.equal(true);
      }),
    );
  });

  it('returns whole messages only, and counts the rows', () => {
    const checker = new MessageChecker();
    expect(checker.push(whole.subarray(0, 3))).to.deep.equal({ whole: undefined, rows: 0 });
    const { whole: rest, rows: count } = checker.push(whole.subarray(3, whole.length - 1));
    expect([rest?.length, count]).to.deep.equal([whole.length - READY.length, 2]);
  });

  it('refuses a message that is cut anywhere', () => {
    for (const sound of SOUND)
      for (let length = 5; length < 1 + sound.readUInt32BE(1); length++) {
        const cut = Buffer.from(sound.subarray(0, length));
        cut.writeInt32BE(length - 1, 1);
        // The words of a login may end anywhere.
        if (sound.includes('r=x') && length >= 9) continue;
        expect(() => new MessageChecker().push(cut), `${sound.toString('latin1')} to ${length}`).to.throw(
          ProtocolFault,
        );
      }
  });
});

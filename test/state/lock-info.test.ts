import { expect } from 'chai';
import { Secrets } from '../../src/domain/secrets.ts';
import { displayText } from '../../src/state/lock-info.ts';

describe('a text from a foreign lock', () => {
  it('contains no part of a secret, however long it is', () => {
    const secrets = new Secrets();
    secrets.add('Correct-Horse-77');
    for (const before of ['x'.repeat(3_989), `${'Correct-Horse-77'.repeat(249)}12345`, 'x'.repeat(189)])
      expect(displayText(`${before}Correct-Horse-77`, secrets)).to.not.match(/Corr/);
  });
});

import { expect } from 'chai';
import { signatureText } from '../../src/domain/saved-plan.ts';

describe('the signer of a saved plan', () => {
  it('is named, or the fault of the signature', () => {
    const key = 'c'.repeat(64);
    expect(signatureText({ kind: 'valid', name: 'ops' })).to.equal('signed by ops (valid)');
    expect(signatureText({ kind: 'unsigned' })).to.equal('not signed');
    expect(signatureText({ kind: 'wrong', name: 'ops' }))
      .to.include('in the name of ops')
      .and.include('not match');
    expect(signatureText({ kind: 'unknown_key', key })).to.include('not trusted');
    expect(signatureText({ kind: 'unchecked', key })).to.include('--trusted-keys DIR');
  });
});

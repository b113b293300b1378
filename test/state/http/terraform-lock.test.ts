import { expect } from 'chai';
import { decodeLock, encodeLock } from '../../../src/state/http/terraform-lock.ts';
import { LOCK } from '../samples.ts';

describe('a lock as Terraform writes it', () => {
  it('has all seven keys, each a text', () => {
    const wire = JSON.parse(encodeLock(LOCK));
    expect(Object.keys(wire)).to.deep.equal(['ID', 'Operation', 'Info', 'Who', 'Version', 'Created', 'Path']);
    for (const value of Object.values(wire)) expect(value).to.be.a('string');
  });

  it('comes back whole', () => {
    expect(decodeLock(encodeLock(LOCK))).to.deep.equal(LOCK);
  });

  it('GitLab’s answer has the holder’s id and the asker’s own words: they are not taken for the holder’s', () => {
    const asked = JSON.parse(encodeLock({ ...LOCK, id: 'of-the-asker' }));
    const told = decodeLock(JSON.stringify({ ...asked, ID: 'of-the-holder', Who: 'root' }));
    expect(told).to.include({ id: 'of-the-holder', who: 'root' });
    expect(told).to.not.have.any.keys('host', 'pid', 'operation');
  });

  it('Terraform’s own lock is told, too', () => {
    const body =
      '{"ID":"t","Operation":"OperationTypeApply","Info":"","Who":"bob@x","Version":"1.9","Created":"now","Path":""}';
    const told = decodeLock(body);
    expect(told).to.include({ id: 't', operation: 'OperationTypeApply', who: 'bob@x' });
    expect(told).to.not.have.any.keys('host', 'pid');
  });

  it('what somebody else wrote does not fill the screen, and no character is cut in two', () => {
    const body = JSON.stringify({
      ID: 't',
      Operation: 'x'.repeat(201),
      Who: '😀'.repeat(5_000),
      Created: 'y'.repeat(200),
    });
    const told = decodeLock(body);
    expect(told?.operation).to.equal(`${'x'.repeat(199)}…`);
    expect(told?.who).to.equal(`${'😀'.repeat(199)}…`);
    expect(told?.since, 'as long as it may be').to.equal('y'.repeat(200));
  });

  for (const body of ['', 'null', '[]', '"x"', '{}', '{"ID":7}', `{"ID":"${'x'.repeat(201)}"}`, '<html>'])
    it(`names nobody: ${JSON.stringify(body.slice(0, 20))}`, () => {
      expect(decodeLock(body)).to.equal(undefined);
    });
});

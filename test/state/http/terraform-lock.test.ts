import { expect } from 'chai';
import { decodeLock, encodeLock } from '../../../src/state/http/terraform-lock.ts';
import { LOCK } from '../samples.ts';

describe('a lock in the form of Terraform', () => {
  it('has all seven keys as strings', () => {
    const wire = JSON.parse(encodeLock(LOCK));
    expect(Object.keys(wire)).to.deep.equal(['ID', 'Operation', 'Info', 'Who', 'Version', 'Created', 'Path']);
    for (const value of Object.values(wire)) expect(value).to.be.a('string');
  });

  it('is read back completely', () => {
    expect(decodeLock(encodeLock(LOCK))).to.deep.equal(LOCK);
  });

  it('does not show the requester of a GitLab answer as the holder', () => {
    const asked = JSON.parse(encodeLock({ ...LOCK, id: 'of-the-asker' }));
    const told = decodeLock(JSON.stringify({ ...asked, ID: 'of-the-holder', Who: 'root' }));
    expect(told).to.include({ id: 'of-the-holder', who: 'root' });
    expect(told).to.not.have.any.keys('host', 'pid', 'operation');
  });

  it('shows a lock of Terraform, too', () => {
    const body =
      '{"ID":"t","Operation":"OperationTypeApply","Info":"","Who":"bob@x","Version":"1.9","Created":"now","Path":""}';
    const told = decodeLock(body);
    expect(told).to.include({ id: 't', operation: 'OperationTypeApply', who: 'bob@x' });
    expect(told).to.not.have.any.keys('host', 'pid');
  });

  it('shows foreign text shortened, without cutting a character', () => {
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
    it(`shows no holder for ${JSON.stringify(body.slice(0, 20))}`, () => {
      expect(decodeLock(body)).to.equal(undefined);
    });
});

import { expect } from 'chai';
import { Secrets } from '../../src/domain/secrets.ts';
import { UnexpectedShape } from '../../src/drivers/fields.ts';
import { withoutSecrets } from '../../src/drivers/without-secrets.ts';

const ID = 'c96e4a94-927a-425c-8795-63f9964cfebd';

function secrets(...values: string[]): Secrets {
  const known = new Secrets();
  known.add(...values);
  return known;
}

describe('an answer with its secrets removed', () => {
  it('has masked names and reasons', () => {
    const disk = {
      id: ID,
      name: 'a hunter2-hunter3',
      attachments: [{ server_id: 's', device: 'hunter2-hunter3' }],
    };
    expect(withoutSecrets(disk, secrets('hunter2-hunter3'))).to.deep.equal({
      id: ID,
      name: 'a ***',
      attachments: [{ server_id: 's', device: '***' }],
    });
    expect(withoutSecrets({ reasons: ['got abcd'] }, secrets('abcd'))).to.deep.equal({
      reasons: ['got ***'],
    });
  });

  it('keeps ids, and a status that equals a password', () => {
    const disk = { id: ID, volume_id: ID, status: 'available', raw_status: 'error_restoring' };
    // A part of a password may be in an id by chance.
    expect(withoutSecrets(disk, secrets('available', '63f9964cfebd-and', 'error_restoring'))).to.deep.equal(
      disk,
    );
  });

  it('masks an invalid status', () => {
    expect(withoutSecrets({ status: 'gAAAAA-B4711-x' }, secrets('gAAAAA-B4711-x'))).to.deep.equal({
      status: '***',
    });
  });

  it('masks a status that no API has', () => {
    const known = secrets('opensesame', 'Sesam');
    expect(withoutSecrets({ status: 'opensesame', raw_status: 'Sesam' }, known)).to.deep.equal({
      status: '***',
      raw_status: '***',
    });
    expect(withoutSecrets({ status: 'error_opensesame' }, known)).to.deep.equal({ status: 'error_***' });
  });

  it('masks a name that is a secret, and is refused with such an id or number', () => {
    const token = '0123456789abcdef0123456789abcdef';
    const known = secrets(token, '3141592653');
    expect(withoutSecrets({ name: token }, known)).to.deep.equal({ name: '***' });
    for (const value of [{ id: token }, { size: 3_141_592_653 }])
      expect(() => withoutSecrets(value, known)).to.throw(UnexpectedShape, 'repeats a credential');
  });

  it('is refused with an id that is a password in hex', () => {
    const digits = Buffer.from('16 secret bytes.').toString('hex');
    const dressed = digits.replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, '$1-$2-$3-$4-$5');
    for (const value of [{ id: digits }, { volume_id: dressed }, { job_id: dressed.toUpperCase() }])
      expect(() => withoutSecrets(value, secrets('16 secret bytes.'))).to.throw(UnexpectedShape);
    expect(() => withoutSecrets({ id: ID }, secrets('63f9964cfebd'))).to.throw(UnexpectedShape);
  });

  it('contains no beginning of a secret where it is cut', () => {
    const { name } = withoutSecrets(
      { name: `${'x'.repeat(989)}Correct-Horse-77` },
      secrets('Correct-Horse-77'),
    );
    expect(name).to.match(/x\*\*\*…$/);
  });

  it('is refused if an id is a secret or endless', () => {
    for (const id of ['x-hunter2-hunter3', 'x'.repeat(1_001)])
      expect(() => withoutSecrets({ backup_id: id }, secrets('hunter2-hunter3'))).to.throw(UnexpectedShape);
  });

  it('is bounded in length', () => {
    const { name } = withoutSecrets({ name: 'x'.repeat(1_000_000) }, secrets());
    expect(name).to.have.lengthOf(1_001);
  });

  it('is unchanged without secrets', () => {
    const value = { name: 'a', none: null, size: 1, list: [true] };
    expect(withoutSecrets(value, undefined)).to.equal(value);
    expect(withoutSecrets(value, secrets('hunter2-hunter3'))).to.deep.equal(value);
  });
});

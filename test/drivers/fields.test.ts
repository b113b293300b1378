import { expect } from 'chai';
import { anyArray, anyObject, nonNegative } from '../../src/domain/shape.ts';
import {
  checked,
  field,
  optionalField,
  optionalTime,
  text,
  UnexpectedShape,
} from '../../src/drivers/fields.ts';

describe('the fields of an answer', () => {
  it('treat null as absent', () => {
    expect(optionalField({ name: null }, 'name', text)).to.equal(undefined);
    expect(optionalField({ name: 'x' }, 'name', text)).to.equal('x');
    expect(optionalTime({ at: null }, 'at')).to.equal(undefined);
    expect(() => field({ name: null }, 'name', text)).to.throw(UnexpectedShape, 'name is missing');
  });

  it('report what is wrong with a value, and never the value', () => {
    for (const [work, message] of [
      [() => field({ size: 'hunter2' }, 'size', nonNegative), 'size is not a number from 0'],
      [() => checked('hunter2', anyObject, 'volume'), 'volume is not an object'],
      [() => checked('hunter2', anyArray, 'links'), 'links is not an array'],
      [() => optionalTime({ at: 'hunter2' }, 'at'), 'at is not a time'],
    ] as const)
      expect(work).to.throw(UnexpectedShape).with.property('message', message);
  });
});

import { expect } from 'chai';
import {
  array,
  type Issue,
  integerFrom,
  issueText,
  object,
  oneOf,
  optionalField,
  time,
  variant,
} from '../../src/domain/shape.ts';

describe('a shape', () => {
  const told = (wrong: Issue | undefined) => wrong && issueText(wrong);

  it('reports where a value does not match, what was expected and what is there', () => {
    type Thing = { readonly kind: 'a' | 'b'; readonly n?: number; readonly list: readonly { at: string }[] };
    const check = object<Thing>({
      kind: oneOf('a', 'b'),
      n: optionalField(integerFrom(1, 9)),
      list: array(object<{ at: string }>({ at: time })),
    });
    const at = '2026-11-23T22:00:00.000Z';
    for (const [value, wrong] of [
      [{ kind: 'a', list: [{ at }] }, undefined],
      [{ kind: 'a', n: undefined, list: [] }, undefined],
      [{ kind: 'c', list: [] }, 'kind: expected one of "a", "b", found "c"'],
      [{ kind: 'b', n: 10, list: [] }, 'n: expected an integer from 1 to 9, found 10'],
      [{ kind: 'b', n: null, list: [] }, 'n: expected an integer from 1 to 9, found null'],
      [{ kind: 'b' }, 'list: expected an array, but it is missing'],
      [
        { kind: 'a', list: [{ at }, { at: 'soon' }] },
        'list[1].at: expected a time like 2026-11-23T22:00:00.000Z, found "soon"',
      ],
      [{ kind: 'a', list: [], more: 1 }, 'more: unknown field (allowed: kind, n, list)'],
      [[], ': expected an object, found []'],
    ] as const)
      expect(told(check(value)), JSON.stringify(value)).to.equal(wrong);
  });

  it('distinguishes variants by an own field, never an inherited one', () => {
    const check = variant<{ readonly by: 'id' }, 'by'>('by', { id: object({ by: oneOf('id') }) });
    expect(check({ by: 'id' })).to.equal(undefined);
    for (const by of ['constructor', '__proto__', 'toString', 1, undefined])
      expect(told(check({ by })), String(by)).to.match(/^by: expected "id", /);
  });
});

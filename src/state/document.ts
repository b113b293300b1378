import {
  eachItem,
  endOfValue,
  type JsonBounds,
  JsonFault,
  objectIn,
  type TextRange,
} from '../domain/json-bounds.ts';
import { atOnce, type LongWork } from '../domain/long-work.ts';
import { type Misfit, type ObjectCheck, tooLong } from '../domain/shape.ts';
import { offsetOf, parseValue, placeAt, type TextPlace } from './json-place.ts';

/**
 * A file whose lists may be long and whose writer may be anybody (a state, a saved plan): one JSON object, of which each
 * item of a list is parsed and checked by itself. So what is no record is refused where it stands, before more than
 * itself is in memory, and a text of hundreds of megabytes is read in steps.
 */
export interface Document<T> {
  /** The members, its long lists empty: what kind of file it is shows before these are read. */
  readonly head: Readonly<Record<string, unknown>>;
  /**
   * All of it, in steps. `refuse` is told of the first value that does not fit.
   *
   * @throws JsonFault where the text is not JSON, or too much of it is in one place
   */
  read(refuse: (wrong: Misfit) => never): LongWork<T>;
  /** Of the value at a path, or of the innermost one around it that is there. */
  placeOf(path: Misfit['path']): TextPlace;
}

/**
 * Of one item of a list, and of the items of one list: 100,000 restores are 100,000 records and as many entries of the
 * history. A record has some 50 values, one of many attempts some thousands; what a person accepts of a broken state is
 * one entry, with every record that contradicts its history.
 */
const ITEM_BOUNDS: JsonBounds = { depth: 64, values: 1_000_000 };
/** Of each other member. The policy of a saved plan lists up to 10,000 protected disks, and as many sets. */
const HEAD_BOUNDS: JsonBounds = { depth: 64, values: 25_000 };

/** `JSON.parse` of a text that is one item. Throws JsonFault. */
export function boundedJson(text: string): unknown {
  endOfValue(text, 0, ITEM_BOUNDS);
  return parseValue(text, { start: 0, end: text.length });
}

/** Whether a value that is written as an item can be read again. */
export function isReadableItem(item: unknown): boolean {
  try {
    endOfValue(JSON.stringify(item), 0, ITEM_BOUNDS);
    return true;
  } catch (cause) {
    if (cause instanceof JsonFault) return false;
    throw cause;
  }
}

/** Undefined when the text holds a JSON value that is no object. Throws JsonFault. One pass over the text. */
export function* openDocument<T>(text: string, check: ObjectCheck<T>): LongWork<Document<T> | undefined> {
  const members = yield* objectIn(text, ITEM_BOUNDS);
  if (!members) return undefined;
  const isList = (key: string, { start }: TextRange) => check.lists.has(key) && text[start] === '[';
  const head = Object.fromEntries(
    [...members].map(([key, range]) => {
      if (isList(key, range)) return [key, []];
      endOfValue(text, range.start, HEAD_BOUNDS);
      return [key, parseValue(text, range)];
    }),
  );

  function* read(refuse: (wrong: Misfit) => never): LongWork<T> {
    const wrong = check(head);
    if (wrong) refuse(wrong);
    const lists: Record<string, readonly unknown[]> = {};
    for (const [key, { item: checkItem, most }] of check.lists) {
      const range = members?.get(key);
      if (!range) continue;
      const items: unknown[] = [];
      lists[key] = items;
      yield* eachItem(text, range.start, ITEM_BOUNDS, (at) => {
        if (items.length === most) refuse({ ...tooLong(items, most), path: [key] });
        const item = parseValue(text, at);
        const misfit = checkItem(item);
        if (misfit) refuse({ ...misfit, path: [key, items.length, ...misfit.path] });
        items.push(item);
      });
    }
    return { ...head, ...lists } as T;
  }

  function placeOf([key, ...rest]: Misfit['path']): TextPlace {
    let range = typeof key === 'string' ? members?.get(key) : undefined;
    if (!range) return placeAt(text, text.indexOf('{'));
    if (text[range.start] === '[' && rest.length > 0) {
      // A list may be as long as the text: down to the item the scan goes.
      const wanted = rest.shift();
      let index = 0;
      atOnce(
        eachItem(text, range.start, ITEM_BOUNDS, (item) => {
          if (index++ === wanted) range = item;
        }),
      );
    }
    return placeAt(text, offsetOf(text, range, rest));
  }

  return { head, read, placeOf };
}

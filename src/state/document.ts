import { type ChunkedWork, runSync } from '../domain/chunked-work.ts';
import {
  eachItem,
  endOfValue,
  type JsonBounds,
  JsonFault,
  objectIn,
  type TextRange,
} from '../domain/json-bounds.ts';
import { type Issue, type ObjectCheck, tooLong } from '../domain/shape.ts';
import { offsetOf, parseValue, positionAt, type TextPosition } from './json-position.ts';

/**
 * A file with long lists that anybody may have written (a state, a saved plan): one JSON object. Each item of a list is
 * parsed and checked on its own. So an invalid item is refused before the next one is in memory, and a stop can
 * end the reading of hundreds of megabytes.
 */
interface ListDocument<T> {
  /** The members with their long lists left empty. The kind of file can be seen before the lists are read. */
  readonly head: Readonly<Record<string, unknown>>;
  /**
   * Reads everything. Calls `refuse` with the first value that has the wrong shape.
   *
   * @throws JsonFault if the text is not JSON, or if a value is too large
   */
  read(refuse: (wrong: Issue) => never): ChunkedWork<T>;
  /** The position of the value at a path; if it does not exist, of its innermost parent that does. */
  positionOf(path: Issue['path']): TextPosition;
}

/**
 * For one item of a list, and for the number of items in a list: 100,000 restores are 100,000 records and as many entries
 * of the history. A record has about 50 values, with many attempts some thousands. The entry that accepts a broken state
 * has every record that contradicts the history.
 */
const ITEM_BOUNDS: JsonBounds = { depth: 64, values: 1_000_000 };
/** For each other member. The policy of a saved plan has up to 10,000 protected volumes, and as many sets. */
const HEAD_BOUNDS: JsonBounds = { depth: 64, values: 25_000 };

/** `JSON.parse` of a text that is a single item. Throws JsonFault. */
export function boundedJson(text: string): unknown {
  endOfValue(text, 0, ITEM_BOUNDS);
  return parseValue(text, { start: 0, end: text.length });
}

/** Whether a value can be read again after it was written as an item. */
export function isReadableItem(item: unknown): boolean {
  try {
    endOfValue(JSON.stringify(item), 0, ITEM_BOUNDS);
    return true;
  } catch (cause) {
    if (cause instanceof JsonFault) return false;
    throw cause;
  }
}

/** Undefined if the text is a JSON value but not an object. Throws JsonFault. */
export function* openDocument<T>(
  text: string,
  check: ObjectCheck<T>,
): ChunkedWork<ListDocument<T> | undefined> {
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

  function* read(refuse: (wrong: Issue) => never): ChunkedWork<T> {
    const wrong = check(head);
    if (wrong) refuse(wrong);
    const lists: Record<string, readonly unknown[]> = {};
    for (const [key, { item: checkItem, max: most }] of check.lists) {
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

  function positionOf([key, ...rest]: Issue['path']): TextPosition {
    let range = typeof key === 'string' ? members?.get(key) : undefined;
    if (!range) return positionAt(text, text.indexOf('{'));
    if (text[range.start] === '[' && rest.length > 0) {
      // `offsetOf` does not search a text as long as a list may be, so the item is searched here.
      const wanted = rest.shift();
      let index = 0;
      runSync(
        eachItem(text, range.start, ITEM_BOUNDS, (item) => {
          if (index++ === wanted) range = item;
        }),
      );
    }
    return positionAt(text, offsetOf(text, range, rest));
  }

  return { head, read, positionOf };
}

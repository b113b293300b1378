// Own code: valibot and zod/mini load slower and say less of what is wrong; docs/architecture.md has the figures.

/**
 * Checks values from outside: states, saved plans, locks, answers of a cloud. A check says where a value does not have the
 * shape of a type. The check of an object follows the type itself (`fields`): a missing field, or one that is optional only
 * here, does not compile. Manifests are validated with JSON Schema.
 */
export type Check<T> = AnyCheck & {
  readonly of?: (value: T) => T;
  readonly list?: ListCheck;
};

type AnyCheck = (value: unknown) => Misfit | undefined;

interface ListCheck {
  readonly item: AnyCheck;
  /** Maximum number of items. */
  readonly most: number;
}

/** The check of an object. It also names the fields that are lists, so that a document can be read item by item. */
export type ObjectCheck<T> = Check<T> & { readonly lists: ReadonlyMap<string, ListCheck> };

/** Why a value does not fit. */
export interface Misfit {
  /** Innermost key last. */
  readonly path: readonly (string | number)[];
  /** Completes “expected …”. */
  readonly expected: string;
  readonly found: unknown;
  /** The field at `path` is not among those in `expected`. */
  readonly isUnknown?: true;
}

interface Maybe<T> {
  readonly optional: Check<T>;
}

/** A field that may be absent. */
export function maybe<T>(check: Check<T>): Maybe<T> {
  return { optional: check };
}

/** `object extends …` asks whether the key may be absent. */
type FieldChecks<T> = {
  readonly [K in keyof T]-?: object extends Pick<T, K> ? Maybe<Required<T>[K]> : Check<T[K]>;
};

/** An object with these fields and no others, because an unknown one may be a misspelling. */
export function fields<T>(checks: FieldChecks<T>): ObjectCheck<T> {
  const known = Object.entries<Check<never> | Maybe<never>>(checks as never).map(([key, check]) =>
    typeof check === 'function'
      ? { key, check, required: true }
      : { key, check: check.optional, required: false },
  );
  const keys = new Set(known.map(({ key }) => key));
  const lists = new Map(known.flatMap(({ key, check }) => (check.list ? [[key, check.list]] : [])));
  const ofObject = (value: unknown): Misfit | undefined => {
    if (!isObject(value)) return misfit('an object', value);
    for (const { key, check, required } of known) {
      const wrong = required || value[key] !== undefined ? check(value[key]) : undefined;
      if (wrong) return within(key, wrong);
    }
    const unknown = Object.keys(value).find((key) => !keys.has(key));
    if (unknown === undefined) return undefined;
    return { path: [unknown], expected: [...keys].join(', '), found: value[unknown], isUnknown: true };
  };
  return Object.assign(ofObject, { lists });
}

/** One of several objects, distinguished by the value of a field. */
export function variants<T, K extends keyof T & string>(
  key: K,
  checks: { readonly [V in T[K] & string]: Check<Extract<T, { readonly [P in K]: V }>> },
): Check<T> {
  const byName = new Map(Object.entries<AnyCheck>(checks));
  return (value) => {
    if (!isObject(value)) return misfit('an object', value);
    const name = value[key];
    const check = typeof name === 'string' ? byName.get(name) : undefined;
    return check ? check(value) : within(key, misfit(anyOf([...byName.keys()]), name));
  };
}

export function listOf<T>(check: Check<T>, most = Number.POSITIVE_INFINITY): Check<readonly T[]> {
  const ofList = (value: unknown): Misfit | undefined => {
    if (!Array.isArray(value)) return misfit('an array', value);
    if (value.length > most) return tooLong(value, most);
    for (const [index, item] of value.entries()) {
      const wrong = check(item);
      if (wrong) return within(index, wrong);
    }
    return undefined;
  };
  return Object.assign(ofList, { list: { item: check, most } });
}

/** `found`: the list, or its beginning. */
export function tooLong(found: readonly unknown[], most: number): Misfit {
  return misfit(`at most ${most} items`, found);
}

/** A check by a function. `expected` completes “expected …”. */
export function that<T>(fits: (value: unknown) => boolean, expected: string): Check<T> {
  return (value) => (fits(value) ? undefined : misfit(expected, value));
}

export const object = that<JsonObject>(isObject, 'an object');

export const list = that<readonly unknown[]>(Array.isArray, 'an array');

export const yes = that<true>((value) => value === true, 'true');

export const flag = that<boolean>((value) => typeof value === 'boolean', 'true or false');

export function oneOf<const T extends string>(...values: readonly T[]): Check<T> {
  return that((value) => values.some((v) => v === value), anyOf(values));
}

export function integerFrom(least: number, most = Number.MAX_SAFE_INTEGER): Check<number> {
  return that(
    (value) => Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most,
    `an integer from ${least}${most < Number.MAX_SAFE_INTEGER ? ` to ${most}` : ''}`,
  );
}

export const amount = that<number>(
  (value) => typeof value === 'number' && Number.isFinite(value) && value >= 0,
  'a number from 0',
);

/** Any text, including the empty one. */
export const text = textThat(() => true, 'a text');

export const word = textLike(/./s, 'a text that is not empty');

const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?Z$/;

/** A valid time. Waits are computed from it, so it must not be `NaN`. */
export const time = textThat(
  (value) => TIME.test(value) && !Number.isNaN(Date.parse(value)),
  'a time like 2026-11-23T22:00:00.000Z',
);

export function textLike(form: RegExp, expected: string): Check<string> {
  return textThat((value) => form.test(value), expected);
}

/** Characters. A longer text is nothing that this program writes, and whoever shows it would have to look at each character. */
const TEXT_LENGTH_MAX = 2 ** 20;

export function textThat(fits: (value: string) => boolean, expected: string): Check<string> {
  return (value) => {
    if (typeof value !== 'string') return misfit(expected, value);
    if (value.length > TEXT_LENGTH_MAX) return misfit(`at most ${TEXT_LENGTH_MAX} characters`, value);
    return fits(value) ? undefined : misfit(expected, value);
  };
}

export type JsonObject = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value of a JSON text, if it fits the check. The text must be bounded. */
export function jsonOf<T>(text: string, check: Check<T>): T | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return check(value) ? undefined : (value as T);
  } catch {
    return undefined;
  }
}

/** `records[3].attempts[0].answer` */
export function pathText(path: Misfit['path']): string {
  return path.reduce<string>(
    (sofar, key) => (typeof key === 'number' ? `${sofar}[${key}]` : sofar ? `${sofar}.${key}` : key),
    '',
  );
}

/** `expected an array, found "x"` */
export function describeMisfit({ expected, found, isUnknown }: Misfit): string {
  if (isUnknown) return `unknown field (allowed: ${expected})`;
  if (found === undefined) return `expected ${expected}, but it is missing`;
  return `expected ${expected}, found ${shownValue(found)}`;
}

/** Lists and objects are not shown, because they may be as large as the file. */
function shownValue(found: unknown): string {
  if (Array.isArray(found)) return found.length === 0 ? '[]' : 'a list';
  if (isObject(found)) return Object.keys(found).length === 0 ? '{}' : 'an object';
  const shown = JSON.stringify(typeof found === 'string' ? found.slice(0, 60) : found);
  return shown.length > 60 ? `${shown.slice(0, 57)}...` : shown;
}

function misfit(expected: string, found: unknown): Misfit {
  return { path: [], expected, found };
}

function within(key: string | number, wrong: Misfit): Misfit {
  return { ...wrong, path: [key, ...wrong.path] };
}

function anyOf(values: readonly string[]): string {
  return values.length === 1 ? `"${values[0]}"` : `one of ${values.map((v) => `"${v}"`).join(', ')}`;
}

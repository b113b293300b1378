// Own code: valibot and zod/mini load slower and say less of what is wrong; docs/architecture.md has the figures.

/**
 * Checks values from outside: states, saved plans, locks, answers of a cloud. (Manifests are validated with JSON Schema.) A
 * check returns the first place where a value does not have the shape of a type, with what is expected there.
 *
 * The compiler compares the check of an object with its type: `object<T>` does not compile if a field of `T` is missing, or
 * is optional only in one of the two. The functions have the names that valibot and zod use.
 */
export type Check<T> = AnyCheck & {
  /** Never set. It makes the compiler tell `Check<A>` from `Check<B>`, which would be the same type without it. */
  readonly of?: (value: T) => T;
  readonly arrayCheck?: ArrayCheck;
};

type AnyCheck = (value: unknown) => Issue | undefined;

interface ArrayCheck {
  readonly item: AnyCheck;
  /** Maximum number of items. */
  readonly max: number;
}

/** The check of an object. It also names the fields that are lists, so that a document can be read item by item. */
export type ObjectCheck<T> = Check<T> & { readonly lists: ReadonlyMap<string, ArrayCheck> };

/** Why a value does not fit. */
export interface Issue {
  /** Innermost key last. */
  readonly path: readonly (string | number)[];
  /** Completes “expected …”. */
  readonly expected: string;
  readonly found: unknown;
  /** The field at `path` is not among those in `expected`. */
  readonly isUnknown?: true;
}

interface OptionalField<T> {
  readonly optional: Check<T>;
}

/** A field that may be absent. */
export function optionalField<T>(check: Check<T>): OptionalField<T> {
  return { optional: check };
}

/** An optional field of `T` takes an `OptionalField`, a required one a `Check`. (`object extends …`: the key may be absent.) */
type FieldChecks<T> = {
  readonly [K in keyof T]-?: object extends Pick<T, K> ? OptionalField<Required<T>[K]> : Check<T[K]>;
};

/** An object with these fields and no others, because an unknown one may be a misspelling. */
export function object<T>(checks: FieldChecks<T>): ObjectCheck<T> {
  const known = Object.entries<Check<never> | OptionalField<never>>(checks as never).map(([key, check]) =>
    typeof check === 'function'
      ? { key, check, required: true }
      : { key, check: check.optional, required: false },
  );
  const keys = new Set(known.map(({ key }) => key));
  const lists = new Map(
    known.flatMap(({ key, check }) => (check.arrayCheck ? [[key, check.arrayCheck]] : [])),
  );
  const checkObject = (value: unknown): Issue | undefined => {
    if (!isObject(value)) return issue('an object', value);
    for (const { key, check, required } of known) {
      const wrong = required || value[key] !== undefined ? check(value[key]) : undefined;
      if (wrong) return within(key, wrong);
    }
    const unknown = Object.keys(value).find((key) => !keys.has(key));
    if (unknown === undefined) return undefined;
    return { path: [unknown], expected: [...keys].join(', '), found: value[unknown], isUnknown: true };
  };
  return Object.assign(checkObject, { lists });
}

/** One of several objects, distinguished by the value of a field. */
export function variant<T, K extends keyof T & string>(
  key: K,
  checks: { readonly [V in T[K] & string]: Check<Extract<T, { readonly [P in K]: V }>> },
): Check<T> {
  const byName = new Map(Object.entries<AnyCheck>(checks));
  return (value) => {
    if (!isObject(value)) return issue('an object', value);
    const name = value[key];
    const check = typeof name === 'string' ? byName.get(name) : undefined;
    return check ? check(value) : within(key, issue(anyOf([...byName.keys()]), name));
  };
}

export function array<T>(check: Check<T>, max = Number.POSITIVE_INFINITY): Check<readonly T[]> {
  const checkArray = (value: unknown): Issue | undefined => {
    if (!Array.isArray(value)) return issue('an array', value);
    if (value.length > max) return tooLong(value, max);
    for (const [index, item] of value.entries()) {
      const wrong = check(item);
      if (wrong) return within(index, wrong);
    }
    return undefined;
  };
  return Object.assign(checkArray, { arrayCheck: { item: check, max } });
}

/** `found`: the list, or its beginning. */
export function tooLong(found: readonly unknown[], max: number): Issue {
  return issue(`at most ${max} items`, found);
}

/** A check by a function. `expected` completes “expected …”. */
export function refine<T>(isValid: (value: unknown) => boolean, expected: string): Check<T> {
  return (value) => (isValid(value) ? undefined : issue(expected, value));
}

export const anyObject = refine<JsonObject>(isObject, 'an object');

export const anyArray = refine<readonly unknown[]>(Array.isArray, 'an array');

export const literalTrue = refine<true>((value) => value === true, 'true');

export const boolean = refine<boolean>((value) => typeof value === 'boolean', 'true or false');

export function oneOf<const T extends string>(...values: readonly T[]): Check<T> {
  return refine((value) => values.some((v) => v === value), anyOf(values));
}

export function integerFrom(least: number, max = Number.MAX_SAFE_INTEGER): Check<number> {
  return refine(
    (value) => Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= max,
    `an integer from ${least}${max < Number.MAX_SAFE_INTEGER ? ` to ${max}` : ''}`,
  );
}

export const nonNegative = refine<number>(
  (value) => typeof value === 'number' && Number.isFinite(value) && value >= 0,
  'a number from 0',
);

/** Any text, including the empty one. */
export const string = refineString(() => true, 'a text');

export const nonEmpty = pattern(/./s, 'a text that is not empty');

const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?Z$/;

/** A valid time. Waits are computed from it, so it must not be `NaN`. */
export const time = refineString(
  (value) => TIME.test(value) && !Number.isNaN(Date.parse(value)),
  'a time like 2026-11-23T22:00:00.000Z',
);

export function pattern(form: RegExp, expected: string): Check<string> {
  return refineString((value) => form.test(value), expected);
}

/** Characters. vbsctl writes no longer text, and to show a text takes time for each of its characters. */
const STRING_LENGTH_MAX = 2 ** 20;

export function refineString(fits: (value: string) => boolean, expected: string): Check<string> {
  return (value) => {
    if (typeof value !== 'string') return issue(expected, value);
    if (value.length > STRING_LENGTH_MAX) return issue(`at most ${STRING_LENGTH_MAX} characters`, value);
    return fits(value) ? undefined : issue(expected, value);
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
export function pathText(path: Issue['path']): string {
  return path.reduce<string>(
    (sofar, key) => (typeof key === 'number' ? `${sofar}[${key}]` : sofar ? `${sofar}.${key}` : key),
    '',
  );
}

/** `records[3].attempts: expected an array, found "x"` */
export function issueText({ path, expected, found, isUnknown }: Issue): string {
  const where = pathText(path);
  if (isUnknown) return `${where}: unknown field (allowed: ${expected})`;
  if (found === undefined) return `${where}: expected ${expected}, but it is missing`;
  return `${where}: expected ${expected}, found ${shownValue(found)}`;
}

/** Lists and objects are not shown, because they may be as large as the file. */
function shownValue(found: unknown): string {
  if (Array.isArray(found)) return found.length === 0 ? '[]' : 'a list';
  if (isObject(found)) return Object.keys(found).length === 0 ? '{}' : 'an object';
  const shown = JSON.stringify(typeof found === 'string' ? found.slice(0, 60) : found);
  return shown.length > 60 ? `${shown.slice(0, 57)}...` : shown;
}

function issue(expected: string, found: unknown): Issue {
  return { path: [], expected, found };
}

function within(key: string | number, wrong: Issue): Issue {
  return { ...wrong, path: [key, ...wrong.path] };
}

function anyOf(values: readonly string[]): string {
  return values.length === 1 ? `"${values[0]}"` : `one of ${values.map((v) => `"${v}"`).join(', ')}`;
}

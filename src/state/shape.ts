/**
 * Checks that a value read from a file has the shape of a type, for data that a program wrote and a person may
 * have edited. Manifests are validated with JSON Schema; a state is not, because a check derived from the type
 * itself cannot drift from it: a field that is missing here, or optional here and not there, does not compile.
 */
export type Check<T> = AnyCheck & {
  readonly of?: (value: T) => T;
  /** Of a list: the check of its items. */
  readonly item?: AnyCheck;
};

type AnyCheck = (value: unknown) => Misfit | undefined;

/** Of an object: it also says which fields are lists, so that a document can be read item by item. */
export type ObjectCheck<T> = Check<T> & { readonly lists: ReadonlyMap<string, AnyCheck> };

/** Where a value does not fit, innermost key last. */
export interface Misfit {
  readonly path: readonly (string | number)[];
  /** Completes “expected …”. */
  readonly expected: string;
  readonly found: unknown;
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

/** An object with these fields and no others: an unknown one may be a known one misspelt. */
export function fields<T>(checks: FieldChecks<T>): ObjectCheck<T> {
  const list = Object.entries<Check<never> | Maybe<never>>(checks as never).map(([key, check]) =>
    typeof check === 'function'
      ? { key, check, required: true }
      : { key, check: check.optional, required: false },
  );
  const known = new Set(list.map(({ key }) => key));
  const lists = new Map(list.flatMap(({ key, check }) => (check.item ? [[key, check.item]] : [])));
  const ofObject = (value: unknown): Misfit | undefined => {
    if (!isObject(value)) return misfit('an object', value);
    for (const { key, check, required } of list) {
      const field = value[key];
      if (field === undefined && !required) continue;
      const wrong = check(field);
      if (wrong) return within(key, wrong);
    }
    for (const key of Object.keys(value))
      if (!known.has(key))
        return within(key, misfit(`no such field (known: ${[...known].join(', ')})`, value[key]));
    return undefined;
  };
  return Object.assign(ofObject, { lists });
}

/** One of several objects, told apart by the value of a field. */
export function variants<T, K extends keyof T & string>(
  key: K,
  checks: { readonly [V in T[K] & string]: Check<Extract<T, { readonly [P in K]: V }>> },
): Check<T> {
  const byName = new Map(Object.entries<(value: unknown) => Misfit | undefined>(checks));
  return (value) => {
    if (!isObject(value)) return misfit('an object', value);
    const name = value[key];
    const check = typeof name === 'string' ? byName.get(name) : undefined;
    return check ? check(value) : within(key, misfit(anyOf([...byName.keys()]), name));
  };
}

export function listOf<T>(check: Check<T>): Check<readonly T[]> {
  const ofList = (value: unknown): Misfit | undefined => {
    if (!Array.isArray(value)) return misfit('an array', value);
    for (const [index, item] of value.entries()) {
      const wrong = check(item);
      if (wrong) return within(index, wrong);
    }
    return undefined;
  };
  return Object.assign(ofList, { item: check });
}

export function oneOf<const T extends string>(...values: readonly T[]): Check<T> {
  return (value) => (values.some((v) => v === value) ? undefined : misfit(anyOf(values), value));
}

export function integerFrom(least: number, most = Number.MAX_SAFE_INTEGER): Check<number> {
  const expected = `an integer from ${least}${most < Number.MAX_SAFE_INTEGER ? ` to ${most}` : ''}`;
  return (value) =>
    Number.isSafeInteger(value) && (value as number) >= least && (value as number) <= most
      ? undefined
      : misfit(expected, value);
}

export const amount: Check<number> = (value) =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0
    ? undefined
    : misfit('a number from 0', value);

/** Any text, the empty one included. */
export const text: Check<string> = (value) =>
  typeof value === 'string' ? undefined : misfit('a text', value);

export const word: Check<string> = textLike(/./s, 'a text that is not empty');

const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?Z$/;

/** A moment that exists: a wait is computed from it, and none has passed since `NaN`. */
export const time: Check<string> = (value) =>
  typeof value === 'string' && TIME.test(value) && !Number.isNaN(Date.parse(value))
    ? undefined
    : misfit('a time like 2026-11-23T22:00:00.000Z', value);

export function textLike(form: RegExp, expected: string): Check<string> {
  return (value) => (typeof value === 'string' && form.test(value) ? undefined : misfit(expected, value));
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `records[3].attempts[0].answer` */
export function pathText(path: Misfit['path']): string {
  return path.reduce<string>(
    (sofar, key) => (typeof key === 'number' ? `${sofar}[${key}]` : sofar ? `${sofar}.${key}` : key),
    '',
  );
}

/** `expected an array, found "x"` */
export function describeMisfit({ expected, found }: Misfit): string {
  if (found === undefined) return `expected ${expected}, but it is missing`;
  return `expected ${expected}, found ${shownValue(found)}`;
}

/** Of a list or an object no more than that: it may be as long, and nested as deeply, as the file. */
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

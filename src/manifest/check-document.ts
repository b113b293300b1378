import type { ErrorObject, ValidateFunction } from 'ajv';
import { type Diagnostic, error, type SourcePosition } from '../domain/diagnostic.ts';
import { optional } from '../domain/optional.ts';
import { NAME_LENGTH_MAX, toName } from '../domain/spec.ts';
import { suggest } from '../domain/suggest.ts';
import { placeOf, type SourceDocument } from './documents.ts';
import { LIMITS } from './limits.ts';
import type { Path } from './positions.ts';
import { looksSecret } from './source.ts';
import { named } from './text-problems.ts';

/** The parts of a schema that messages use. */
interface SchemaWords {
  readonly title?: string;
  readonly examples?: readonly unknown[];
  readonly pattern?: string;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, unknown>>;
  readonly oneOf?: readonly { readonly required: readonly string[] }[];
  readonly anyOf?: readonly { readonly required: readonly string[] }[];
  readonly not?: { readonly required: readonly string[] };
}

/** One violated keyword, with all that its message needs. */
interface Violation {
  readonly document: SourceDocument;
  readonly path: Path;
  /** The path as ajv gives it. */
  readonly pointer: string;
  readonly keyword: string;
  /** The parameters of the keyword, as ajv names them. */
  readonly params: Readonly<Record<string, unknown>>;
  readonly schema: SchemaWords;
  /** The name under `$defs`: `uuid`, `duration`, `time`, `name`. */
  readonly form: string | undefined;
  readonly value: unknown;
  /** Set if the name of a key is wrong. */
  readonly key: string | undefined;
}

/** The violations of the schema: one diagnostic for each thing to correct. */
export function checkSchema(document: SourceDocument, validate: ValidateFunction): Diagnostic[] {
  if (validate(document.value)) return [];
  const seen = new Set<string>();
  const diagnostics: Diagnostic[] = [];
  const misspelt = misspeltKeys(validate.errors ?? []);
  for (const violation of violations(document, validate.errors ?? [])) {
    if (diagnostics.length > LIMITS.problems) break;
    if (isMisspelt(violation, misspelt)) continue;
    const diagnostic = describe(violation);
    const spot = spotOf(violation);
    if (seen.has(spot)) continue;
    seen.add(spot);
    diagnostics.push(diagnostic);
  }
  return diagnostics.sort(inOrder);
}

/** From the top of the document to its end. */
function inOrder({ where: one }: Diagnostic, { where: other }: Diagnostic): number {
  return (one?.line ?? 0) - (other?.line ?? 0) || (one?.column ?? 0) - (other?.column ?? 0);
}

/** JSON pointer of a map with an unknown key → the keys that were meant. */
function misspeltKeys(errors: readonly ErrorObject[]): ReadonlyMap<string, ReadonlySet<string>> {
  const meant = new Map<string, Set<string>>();
  const unknown = errors
    .filter(({ keyword }) => keyword === 'additionalProperties')
    .slice(0, LIMITS.problems);
  for (const { instancePath, params, parentSchema } of unknown) {
    const known = Object.keys((parentSchema as SchemaWords).properties ?? {});
    const key = suggest(String(params.additionalProperty), known);
    if (key !== undefined) meant.set(instancePath, (meant.get(instancePath) ?? new Set()).add(key));
  }
  return meant;
}

/** The key is missing only because it is misspelt; the problem of the misspelt key says so. */
function isMisspelt(v: Violation, misspelt: ReadonlyMap<string, ReadonlySet<string>>): boolean {
  const meant = misspelt.get(v.pointer);
  if (!meant) return false;
  if (v.keyword === 'required') return meant.has(String(v.params.missingProperty));
  if (v.keyword === 'oneOf' && v.params.passingSchemas !== null) return false;
  if (v.keyword !== 'oneOf' && v.keyword !== 'anyOf') return false;
  const branches = (v.keyword === 'oneOf' ? v.schema.oneOf : v.schema.anyOf) ?? [];
  return branches.some(({ required }) => required.some((key) => meant.has(key)));
}

function* violations(document: SourceDocument, errors: readonly ErrorObject[]): Generator<Violation> {
  for (const found of errors) {
    if (isNoise(found)) continue;
    yield {
      document,
      path: toPath(document.value, found.instancePath),
      pointer: found.instancePath,
      keyword: found.keyword,
      params: found.params,
      schema: (found.parentSchema ?? {}) as SchemaWords,
      form: /^#\/\$defs\/([a-z_]+)\/[A-Za-z]+$/.exec(found.schemaPath)?.[1],
      value: found.data,
      key: found.propertyName,
    };
  }
}

const ALTERNATIVES: ReadonlySet<string> = new Set(['oneOf', 'anyOf', 'not']);

/** Errors that only repeat another one, or concern one branch of an alternative. */
function isNoise({ keyword, schemaPath, data }: ErrorObject): boolean {
  if (keyword === 'if' || keyword === 'propertyNames') return true;
  // The value is not a map, so its keys do not matter.
  if (ALTERNATIVES.has(keyword)) return typeof data !== 'object' || data === null || Array.isArray(data);
  return /\/(?:oneOf|anyOf)\/\d+\//.test(schemaPath);
}

/** One place for all errors of a value; missing and unknown keys each have their own. */
function spotOf({ path, keyword, params, key }: Violation): string {
  const which = params.missingProperty ?? params.additionalProperty ?? key;
  return JSON.stringify([path, which ?? (ALTERNATIVES.has(keyword) ? keyword : null)]);
}

function describe(v: Violation): Diagnostic {
  switch (v.keyword) {
    case 'additionalProperties':
      return unknownKey(v, String(v.params.additionalProperty));
    case 'required':
      return missing(v, String(v.params.missingProperty));
    case 'anyOf':
      return missingAll(v, alternatives(v.schema.anyOf));
    case 'oneOf':
      return v.params.passingSchemas === null
        ? missingAll(v, alternatives(v.schema.oneOf))
        : both(v, alternatives(v.schema.oneOf));
    case 'not':
      return both(v, v.schema.not?.required ?? []);
    case 'const':
    case 'enum':
      return notAllowed(v);
    case 'type':
      return wrongType(v);
    case 'pattern':
    case 'format':
      return malformed(v);
    case 'minLength':
    case 'maxLength':
    case 'minimum':
    case 'maximum':
      return problem(v, 'out-of-range', `${label(v.path)} must be ${wanted(v)}, not ${shown(v)}`);
    case 'minProperties':
    case 'minItems':
      return problem(v, 'too-few', `${label(v.path)} is empty`, { remedy: 'fill it in, or remove the key' });
    case 'maxProperties':
    case 'maxItems':
      return problem(v, 'too-many', `${label(v.path)} has more than ${String(v.params.limit)} entries`, {
        remedy: 'remove some',
      });
    case 'uniqueItems':
      return twice(v, Number(v.params.i), Number(v.params.j));
    default:
      throw new Error(`the schema keyword ${v.keyword} has no message`);
  }
}

function unknownKey(v: Violation, key: string): Diagnostic {
  const known = Object.keys(v.schema.properties ?? {});
  const meant = suggest(key, known) ?? below(key, v.schema.properties);
  const owner = v.path.length === 0 ? 'this document' : label(v.path);
  return error('unknown-key', `unknown key ${named(key)} in ${owner}`, {
    detail: `Allowed: ${known.join(', ')}.`,
    remedy: meant === undefined ? 'remove it' : `did you mean ${meant}?`,
    where: where(v.document, [...v.path, key], 'key'),
  });
}

/** The key may belong into a map one level below: `parallelism under apply`. */
function below(key: string, properties: SchemaWords['properties'] = {}): string | undefined {
  for (const [name, schema] of Object.entries(properties)) {
    const meant = suggest(key, Object.keys((schema as SchemaWords).properties ?? {}));
    if (meant !== undefined) return `${meant} under ${name}`;
  }
  return undefined;
}

function missing(v: Violation, key: string): Diagnostic {
  const owner = v.path.length === 0 ? 'this document' : label(v.path);
  return error('missing-key', `${owner} has no ${key}`, {
    remedy: `add ${key}`,
    where: where(v.document, v.path, 'key'),
  });
}

function missingAll(v: Violation, keys: readonly string[]): Diagnostic {
  return error('missing-key', `${label(v.path)} has neither ${keys.join(' nor ')}`, {
    remedy: `add ${keys.join(' or ')}`,
    where: where(v.document, v.path, 'key'),
  });
}

function both(v: Violation, keys: readonly string[]): Diagnostic {
  return error('both-given', `${label(v.path)} has both ${keys.join(' and ')}`, {
    remedy: 'keep one of the two',
    where: where(v.document, [...v.path, keys.at(-1) ?? ''], 'key'),
  });
}

function alternatives(branches: SchemaWords['oneOf']): string[] {
  return (branches ?? []).map(({ required }) => required.join(' and '));
}

function notAllowed(v: Violation): Diagnostic {
  const allowed = (v.params.allowedValues as unknown[] | undefined) ?? [v.params.allowedValue];
  const words = allowed.map(String);
  const meant = typeof v.value === 'string' ? suggest(v.value, words) : undefined;
  return problem(
    v,
    'not-allowed',
    `${label(v.path)} must be ${words.length > 2 ? `one of ${words.join(', ')}` : words.join(' or ')}, not ${shown(v)}`,
    {
      remedy: meant === undefined ? `write ${words.join(' or ')}` : `did you mean ${meant}?`,
    },
  );
}

function wrongType(v: Violation): Diagnostic {
  return problem(v, 'wrong-type', `${label(v.path)} must be ${wanted(v)}, not ${shown(v)}`, {
    ...optional('remedy', typeRemedy(v)),
  });
}

function typeRemedy(v: Violation): string | undefined {
  const { value, form, params } = v;
  if (value === null) return 'write a value, or remove the key';
  if (params.type === 'string' && (typeof value === 'number' || typeof value === 'boolean')) {
    if (form === 'duration') return `add the unit: ${written(v)}s, ${written(v)}m or ${written(v)}h`;
    // Quoting does not make a UUID or a time of it.
    return new RegExp(v.schema.pattern ?? '').test(written(v)) ? `quote it: ${named(written(v))}` : undefined;
  }
  if ((params.type === 'integer' || params.type === 'number') && typeof value === 'string')
    return /^[0-9]{1,15}$/.test(value) ? `write it without quotes: ${value}` : undefined;
  if (params.type === 'object' && typeof value === 'string' && v.schema.required?.join() === 'name')
    return `write it as a map: {name: ${named(value)}}`;
  if (params.type === 'array' && typeof value === 'string') return 'write it as a list: [ … ]';
  return undefined;
}

const NO_ZONE = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?$/;
const RELATIVE = /^(now|today|tomorrow|yesterday|last .*|-?\d+ ?[a-z]+( ago)?)$/i;
const ONLY_DATE = /^\d{4}-\d{2}-\d{2}$/;
const UUID_WITHOUT_DASHES = /^([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})$/i;

function malformed(v: Violation): Diagnostic {
  const subject = v.key === undefined ? `${label(v.path)} must be` : `a key of ${label(v.path)} must be`;
  const code = v.form === undefined ? 'malformed' : `malformed-${v.form}`;
  // Its schema refers to that of a time.
  const expected = v.path.at(-1) === 'as_of' ? `${wanted(v)}, or latest` : wanted(v);
  return problem(v, code, `${subject} ${expected}, not ${shown(v)}`, advice(v.form, String(v.value)));
}

function advice(form: string | undefined, text: string): { detail?: string; remedy?: string } {
  switch (form) {
    case 'time':
      if (NO_ZONE.test(text))
        return {
          detail: 'Without a time zone, the time would depend on the machine.',
          remedy: 'add the zone at the end: Z for UTC, or an offset such as +01:00',
        };
      if (RELATIVE.test(text))
        return { detail: 'An age or a day’s name would mean another time on each run.' };
      if (ONLY_DATE.test(text)) return { remedy: `add a time and its zone: ${text}T00:00:00Z` };
      return {};
    case 'uuid': {
      const parts = UUID_WITHOUT_DASHES.exec(text)?.slice(1);
      return parts ? { remedy: `write it with dashes: ${parts.join('-')}` } : {};
    }
    case 'duration':
      return /^[0-9]{1,9}$/.test(text) ? { remedy: `add the unit: ${text}s, ${text}m or ${text}h` } : {};
    case 'name': {
      const fit = toName(text);
      return fit === '' ? {} : { remedy: `for example: ${fit}` };
    }
    default:
      return {};
  }
}

function twice(v: Violation, i: number, j: number): Diagnostic {
  const [first, second] = i < j ? [i, j] : [j, i];
  const item = Array.isArray(v.value) ? v.value[second] : undefined;
  const { line, column } = placeOf(v.document, [...v.path, first]);
  return error('duplicate-item', `${label(v.path)} lists ${display(item)} twice`, {
    detail: `First at ${v.document.source.file}:${line}:${column}.`,
    remedy: 'keep one of the two',
    where: where(v.document, [...v.path, second]),
  });
}

function problem(
  v: Violation,
  code: string,
  summary: string,
  more: { detail?: string; remedy?: string } = {},
): Diagnostic {
  const place =
    v.key === undefined ? where(v.document, v.path) : where(v.document, [...v.path, v.key], 'key');
  const examples = v.schema.examples ?? [];
  const shownExamples = examples.filter((example) => typeof example !== 'object').map(String);
  const remedy = shownExamples.length > 0 ? `for example: ${shownExamples.join(', ')}` : `write ${wanted(v)}`;
  return error(code, summary, { remedy, ...more, where: place });
}

function wanted({ schema, params }: Violation): string {
  return schema.title ?? `of type ${String(params.type)}`;
}

/** `volume_id`, `restores[2]`, `depends_on[0]`. */
function label(path: Path): string {
  const last = path.findLastIndex((step) => typeof step === 'string');
  if (last < 0) return 'this document';
  return `${path[last]}${path
    .slice(last + 1)
    .map((index) => `[${index}]`)
    .join('')}`;
}

/** The value as it is written in the file, if it may be repeated. */
function shown(v: Violation): string {
  if (typeof v.value === 'number' || typeof v.value === 'boolean') return written(v);
  return display(v.value);
}

function display(value: unknown): string {
  if (value === null || value === undefined) return 'empty';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a map';
  if (typeof value !== 'string') return String(value);
  return looksSecret(value) ? 'what is written there' : named(value);
}

/** A number or a boolean exactly as written: `0123`, `1e3`. */
function written(v: Violation): string {
  const at = v.document.positions.locate(v.document.value, v.path);
  return /^[^\s,\]}#]+/.exec(v.document.source.text.slice(at, at + 64))?.[0] ?? String(v.value);
}

/** The position in the file, with the address of the restore there. */
export function where(document: SourceDocument, path: Path, part: 'value' | 'key' = 'value'): SourcePosition {
  return { ...placeOf(document, path, part), ...optional('address', addressAt(document.value, path)) };
}

function addressAt(value: unknown, path: Path): string | undefined {
  if (path[0] !== 'spec' || path[1] !== 'restores' || path[2] === undefined) return undefined;
  const set = textAt(value, ['metadata', 'name']);
  const name = textAt(value, ['spec', 'restores', path[2], 'name']);
  return set === undefined || name === undefined ? undefined : `${set}/${name}`;
}

function textAt(value: unknown, path: Path): string | undefined {
  const found = valueAt(value, path);
  return typeof found === 'string' && found.length <= NAME_LENGTH_MAX ? found : undefined;
}

/** The value at a path, undefined when the path leads nowhere. */
export function valueAt(value: unknown, path: Path): unknown {
  let found = value;
  for (const step of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, step)) return undefined;
    found = (found as Record<string | number, unknown>)[step];
  }
  return found;
}

/** A JSON pointer as a path; a step is a number only where the data has a list. */
function toPath(value: unknown, pointer: string): Path {
  const path: (string | number)[] = [];
  let found = value;
  for (const part of pointer.split('/').slice(1)) {
    const name = part.replaceAll('~1', '/').replaceAll('~0', '~');
    const step = Array.isArray(found) ? Number(name) : name;
    path.push(step);
    found = valueAt(found, [step]);
  }
  return path;
}

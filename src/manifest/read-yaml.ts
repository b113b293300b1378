import {
  type Alias,
  Composer,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  Lexer,
  type ParsedNode,
  Parser,
  Scalar,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import type { ChunkedWork } from '../domain/chunked-work.ts';
import type { Diagnostic } from '../domain/diagnostic.ts';
import { quoted } from '../domain/escape/quoted.ts';
import { type Allowance, LIMITS } from './limits.ts';
import { MapEntries, Positions } from './positions.ts';
import type { SourceText } from './source.ts';
import {
  keyProblem,
  named,
  problemAt,
  StopReading,
  shortened,
  tooDeep,
  tooManyAliases,
  tooManyDirectives,
  tooManyDocuments,
  tooManyKeys,
  tooManyProblems,
  tooManyTokens,
  tooManyValues,
} from './text-problems.ts';
import { yamlSyntaxProblem } from './yaml-syntax.ts';

interface YamlDocument {
  readonly value: unknown;
  readonly positions: Positions;
}

export interface YamlResult {
  /** Without empty documents and those that cannot be read. */
  readonly documents: readonly YamlDocument[];
  readonly problems: readonly Diagnostic[];
}

/**
 * Reads YAML 1.2, core schema, one document after the other, so that only one tree is in memory. The keys are checked
 * here, because the check of the library takes quadratic time. Works in chunks of some thousand tokens.
 */
export function* readYaml(source: SourceText, allowance: Allowance): ChunkedWork<YamlResult> {
  const documents: YamlDocument[] = [];
  const problems: Diagnostic[] = [];
  try {
    for (const document of compose(source)) {
      yield;
      if (!document) continue;
      if (--allowance.documents < 0) throw new StopReading(tooManyDocuments(source, document.range[0]));
      const [broken, next] = document.errors;
      if (problems.length >= LIMITS.problems) throw new StopReading(tooManyProblems(source.file));
      if (broken) problems.push(yamlSyntaxProblem(source, broken, next));
      else if (isEmpty(document)) spend(allowance, 1, source, document.range[0]);
      else documents.push(convert(source, document, allowance, problems));
    }
  } catch (cause) {
    if (!(cause instanceof StopReading)) throw cause;
    problems.push(cause.problem);
  }
  return { documents, problems };
}

/** Yields undefined for a chunk without a document. */
function* compose(source: SourceText): Generator<Document.Parsed | undefined> {
  const parser = new Parser();
  const composer = new Composer({
    version: '1.2',
    schema: 'core', // also after a %YAML 1.1 directive
    merge: false,
    resolveKnownTags: false,
    uniqueKeys: false,
    prettyErrors: false,
  });
  let tokens = 0;
  let aliases = 0;
  let directives = 0;
  let isScalar = false;
  for (const lexeme of new Lexer().lex(source.text)) {
    if (++tokens % STEP_TOKENS === 0) yield undefined;
    // Counted before the tree is made, which takes the time.
    if (lexeme[0] === '*' && !isScalar && ++aliases > LIMITS.aliases)
      throw new StopReading(tooManyAliases(source, parser.offset));
    isScalar = lexeme === SCALAR_NEXT;
    for (const token of parser.next(lexeme)) {
      if (token.type === 'document') tokens = aliases = directives = 0;
      if (token.type === 'directive' && ++directives > LIMITS.yamlDirectives)
        throw new StopReading(tooManyDirectives(source, token.offset));
      yield* untraced(() => [...composer.next(token)]);
    }
    if (parser.stack.length > LIMITS.nesting) throw new StopReading(tooDeep(source, parser.offset));
    if (tokens > LIMITS.yamlTokens) throw new StopReading(tooManyTokens(source, parser.offset));
  }
  for (const token of parser.end()) yield* untraced(() => [...composer.next(token)]);
  yield* untraced(() => [...composer.end(false, source.text.length)]);
}

/**
 * Without stack traces: the library creates an Error for each fault, and the traces of millions would fill the memory.
 */
function untraced<T>(work: () => T): T {
  const { stackTraceLimit } = Error;
  Error.stackTraceLimit = 0;
  try {
    return work();
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
  }
}

/** About 20 ms. */
const STEP_TOKENS = 10_000;

/** The token with which the lexer announces the text of a scalar. */
const SCALAR_NEXT = '\u001f';

function isEmpty(document: Document.Parsed): boolean {
  const { contents } = document;
  return contents === null || (isScalar(contents) && contents.value === null && !contents.anchor);
}

function convert(
  source: SourceText,
  document: Document.Parsed,
  allowance: Allowance,
  problems: Diagnostic[],
): YamlDocument {
  const converter = new Converter(source, allowance, problems);
  const { yaml } = document.directives;
  if (yaml.explicit && yaml.version !== '1.2')
    problems.push(
      problemAt(
        source,
        versionLine(source.text, document.range[0]),
        'yaml-version',
        `YAML ${yaml.version} is not supported, only YAML 1.2`,
        'remove the %YAML line, and quote strings such as "no" and "0123"',
      ),
    );
  converter.positions.root(startOf(document.contents));
  return { value: converter.value(document.contents), positions: converter.positions };
}

/**
 * The offset of the %YAML line, if it is near; the directive also applies to later documents, and those are pointed at
 * themselves.
 */
function versionLine(text: string, documentAt: number): number {
  const from = Math.max(0, documentAt - VERSION_LINE_DISTANCE_MAX);
  const found = text.slice(from, documentAt + 1).lastIndexOf('%YAML');
  return found < 0 ? documentAt : from + found;
}

const VERSION_LINE_DISTANCE_MAX = 4_096;

function spend(allowance: Allowance, values: number, source: SourceText, offset: number): void {
  allowance.values -= values;
  if (allowance.values < 0) throw new StopReading(tooManyValues(source, offset));
}

function startOf(node: ParsedNode | null): number {
  return node?.range[0] ?? 0;
}

/** Plain strings that YAML 1.1, which many tools still read, takes for other types. */
const BOOLEAN_ONCE = /^(?:yes|no|on|off)$/i;
const SEXAGESIMAL_ONCE = /^[-+]?[1-9][0-9_]*(?::[0-5]?[0-9])+$/;
const OCTAL_ONCE = /^[-+]?0[0-9]/;
const CORE_TAG = /^tag:yaml\.org,2002:(?:str|int|float|bool|null|map|seq)$/;

/** Converts a YAML tree to plain data, and reports what is questionable in it. */
class Converter {
  readonly positions = new Positions();
  readonly #source: SourceText;
  readonly #allowance: Allowance;
  readonly #problems: Diagnostic[];
  readonly #anchors = new Map<string, { value: unknown; size: number }>();

  constructor(source: SourceText, allowance: Allowance, problems: Diagnostic[]) {
    this.#source = source;
    this.#allowance = allowance;
    this.#problems = problems;
  }

  value(node: ParsedNode | null): unknown {
    if (node === null) return null;
    if (isAlias(node)) return this.#alias(node);
    const before = this.#allowance.values;
    this.#spend(1, node);
    if (node.tag !== undefined && !CORE_TAG.test(node.tag))
      this.#report(node, 'yaml-tag', `unsupported tag ${named(node.tag)}`, 'remove the tag');
    const value = isMap(node)
      ? this.#map(node)
      : isSeq(node)
        ? this.#list(node)
        : this.#scalar(node as Scalar.Parsed);
    if (node.anchor !== undefined)
      this.#anchors.set(node.anchor, { value, size: before - this.#allowance.values });
    return value;
  }

  #map(node: YAMLMap<ParsedNode, ParsedNode | null>): unknown {
    const map: Record<string, unknown> = {};
    const entries = new MapEntries();
    for (const pair of node.items) {
      const keyAt = startOf(pair.key);
      if (entries.count === LIMITS.keys) throw new StopReading(tooManyKeys(this.#source, keyAt));
      const key = this.#key(pair.key);
      const value = this.value(pair.value);
      if (key === undefined) continue;
      const problem = keyProblem(this.#source, keyAt, key, map, entries);
      if (problem) this.#add(problem);
      else {
        entries.add(map, key, keyAt, pair.value === null ? keyAt : startOf(pair.value));
        map[key] = value;
      }
    }
    this.positions.map(map, entries);
    return map;
  }

  #list(node: YAMLSeq<ParsedNode>): unknown {
    const list: unknown[] = [];
    const values: number[] = [];
    for (const item of node.items) {
      values.push(startOf(item));
      list.push(this.value(item));
    }
    this.positions.list(list, values);
    return list;
  }

  /** The key if it is a string; otherwise undefined and a problem. */
  #key(node: ParsedNode | null): string | undefined {
    if (node === null || !isScalar(node)) {
      this.#report(
        node,
        'key-not-text',
        'a key must be a string, not a map, list or alias',
        'write the key itself',
      );
      return undefined;
    }
    const { value, source } = node as Scalar.Parsed;
    if (typeof value !== 'string') {
      const written = source === '' || value === null ? 'an empty key' : shortened(source);
      this.#report(
        node,
        'key-not-text',
        `a key must be a string, not ${written}`,
        value === null ? 'write the key before the colon' : `quote it: ${named(source)}`,
      );
      return undefined;
    }
    if (value === '<<' && node.type === Scalar.PLAIN) {
      this.#report(
        node,
        'merge-key',
        'merge keys (<<) are not supported: YAML 1.2 does not have them',
        'write the keys out, or use spec.defaults',
      );
      return undefined;
    }
    this.#checkPlain(node as Scalar.Parsed);
    return value;
  }

  #scalar(node: Scalar.Parsed): unknown {
    this.#checkPlain(node);
    return node.value;
  }

  #checkPlain(node: Scalar.Parsed): void {
    if (node.type !== Scalar.PLAIN) return;
    const { value, source } = node;
    if (typeof value === 'string' && (BOOLEAN_ONCE.test(value) || SEXAGESIMAL_ONCE.test(value)))
      this.#report(
        node,
        'yaml-ambiguous',
        `${shortened(source)} is a string in YAML 1.2, but ${BOOLEAN_ONCE.test(value) ? 'true or false' : 'a number'} in YAML 1.1`,
        `quote it: ${named(source)}`,
      );
    else if (typeof value === 'number' && OCTAL_ONCE.test(source) && !/[.eE]/.test(source))
      this.#report(
        node,
        'yaml-ambiguous',
        `${shortened(source)} is a number with a leading zero, which YAML 1.1 and 1.2 read differently`,
        `quote it if it is a string: ${named(source)}; else write ${value}`,
      );
  }

  #alias(node: Alias.Parsed): unknown {
    // An anchor is known once its value is complete, so no value can contain itself.
    const anchored = this.#anchors.get(node.source);
    if (!anchored) {
      this.#report(
        node,
        'unknown-anchor',
        `alias ${named(node.source)} has no anchor before it`,
        `define it with ${quoted(`&${node.source}`)} further up, or quote the string: ${named(`*${node.source}`)}`,
      );
      return null;
    }
    this.#spend(anchored.size, node);
    return anchored.value;
  }

  #spend(values: number, node: ParsedNode): void {
    spend(this.#allowance, values, this.#source, startOf(node));
  }

  #report(node: ParsedNode | null, code: string, summary: string, more: string): void {
    this.#add(problemAt(this.#source, startOf(node), code, summary, more));
  }

  #add(problem: Diagnostic): void {
    if (this.#problems.length >= LIMITS.problems) throw new StopReading(tooManyProblems(this.#source.file));
    this.#problems.push(problem);
  }
}

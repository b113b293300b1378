import { isAlias, isMap, isNode, isScalar, isSeq, LineCounter, parseDocument, type YAMLMap } from 'yaml';
import { Failure } from '../../domain/errors.ts';
import { isObject, type JsonObject } from '../../domain/shape.ts';
import type { CloudFile } from './cloud-files.ts';

/**
 * Parses the top level of the file. Each plain value is the text that the file has, because YAML would read a password or
 * an ID of digits as a number: `0012345678`, `12345678e9`. Throws a Failure (`invalid`) with the position of the first
 * error.
 */
export function parseCloudFile({ path, text }: CloudFile): JsonObject {
  const lines = new LineCounter();
  const unreadable = (why: string, offset?: number) => {
    const at = offset === undefined ? undefined : lines.linePos(offset);
    return Failure.of('invalid', 'bad-yaml', `${path} is not valid YAML (${why})`, {
      remedy: at === undefined ? 'correct the file' : `correct line ${at.line}`,
      where: { file: path, ...(at === undefined ? {} : { line: at.line, column: at.col }) },
    });
  };
  try {
    const document = parseDocument(text, {
      schema: 'failsafe',
      // Of the types of YAML only null, and `<<`, as in openstacksdk (PyYAML).
      customTags: ['null', 'merge'],
      lineCounter: lines,
      prettyErrors: false,
      // In a long file, this check would take minutes, because the parser compares each key with every other one.
      uniqueKeys: false,
      // A warning would quote the file.
      logLevel: 'error',
    });
    const [problem] = document.errors;
    // Only the code of the parser: its message may quote the line, which may contain a password.
    if (problem) throw unreadable(problem.code, problem.pos[0]);
    checkNodes(document.contents, (why, node) => {
      throw unreadable(why, isNode(node) ? node.range?.[0] : undefined);
    });
    const value: unknown = document.toJS({ maxAliasCount: -1 });
    return isObject(value) ? value : {};
  } catch (cause) {
    if (cause instanceof Failure) throw cause;
    // The parser throws if nesting exceeds the stack.
    throw unreadable('too deep');
  }
}

/** Limits the search for anchors, which is quadratic. */
const YAML_ALIASES_MAX = 10_000;
/** How many values a file may have if each alias counts as what it stands for. */
const YAML_VALUES_MAX = 500_000;
/** The tags of values that clouds.yaml can have. */
const TAGS: ReadonlySet<string> = new Set(
  ['map', 'seq', 'str', 'int', 'float', 'bool', 'null'].map((name) => `tag:yaml.org,2002:${name}`),
);

type Refuse = (why: string, node: unknown) => never;

/** Refuses what the parser would read in another way than the author means, or not in bounded time. Linear. */
function checkNodes(contents: unknown, refuse: Refuse): void {
  /** The anchors so far. Its values are not counted yet while the node is read. */
  const anchors = new Map<string, { readonly node: unknown; values?: number }>();
  let aliases = 0;

  const count = (node: unknown): number => {
    if (isAlias(node)) {
      const values = anchors.get(node.source)?.values;
      // The texts do not name the alias: it could be a password that starts with `*`.
      if (!anchors.has(node.source)) return refuse('an alias that no anchor defines before it', node);
      if (values === undefined) return refuse('an alias inside the value that it names', node);
      if (++aliases > YAML_ALIASES_MAX) return refuse(`more than ${YAML_ALIASES_MAX} aliases`, node);
      return values;
    }
    if (!isNode(node)) return 0;
    if (node.tag !== undefined && !TAGS.has(node.tag))
      return refuse('a tag that clouds.yaml cannot have', node);
    const anchor = node.anchor === undefined ? undefined : { node };
    if (node.anchor !== undefined && anchor) anchors.set(node.anchor, anchor);
    const values = 1 + (isMap(node) ? countMap(node) : isSeq(node) ? sum(node.items.map(count)) : 0);
    if (values > YAML_VALUES_MAX) return refuse('aliases that stand for too many values', node);
    if (anchor) Object.assign(anchor, { values });
    return values;
  };

  const countMap = ({ items }: YAMLMap): number => {
    const seen = new Set<unknown>();
    return sum(
      items.map(({ key, value }) => {
        const values = count(key) + count(value);
        if (!isScalar(key)) return values;
        // The parser makes a symbol of a key `<<`, unless it is quoted.
        const merges = typeof key.value === 'symbol';
        const name = merges ? MERGE : key.value;
        if (seen.has(name)) refuse('DUPLICATE_KEY', key);
        seen.add(name);
        if (merges && !isMergeable(value)) refuse('the value of << is neither a map nor a list of maps', key);
        return values;
      }),
    );
  };

  const resolved = (node: unknown) => (isAlias(node) ? anchors.get(node.source)?.node : node);
  const isMergeable = (value: unknown): boolean => {
    const node = resolved(value);
    return isMap(node) || (isSeq(node) && node.items.every((item) => isMap(resolved(item))));
  };

  count(contents);
}

const MERGE = Symbol('<<');

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}

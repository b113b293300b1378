import type { ErrorCode, YAMLParseError } from 'yaml';
import type { Diagnostic } from '../domain/diagnostic.ts';
import type { SourceText } from './source.ts';
import { problemAt } from './text-problems.ts';

interface Advice {
  readonly what: string;
  readonly remedy: string;
}

const BAD_REFERENCE: Advice = {
  what: 'an anchor or alias is not written correctly',
  remedy: 'quote a string that starts with & or *',
};
const BAD_KEY: Advice = {
  what: 'a key and its colon must stand on one line, one key after the other',
  remedy: 'put the value on the line of its key, or quote a string that contains a colon and a space',
};
const BAD_INDENT: Advice = {
  what: 'the indentation does not match the lines above',
  remedy:
    'indent entries of one map or list by the same number of spaces, begin each entry of a list with a dash, and close each bracket',
};
const BAD_TAG: Advice = {
  what: 'a tag (!) is not supported here',
  remedy: 'quote a string that starts with !',
};
const MISPLACED: Advice = {
  what: 'this is not expected here',
  remedy: 'look for a missing quote, comma or dash, or a wrong indentation, here or in the line above',
};

/** Our texts by the error code of the library, whose own texts repeat content of the file. */
const ADVICE: Record<ErrorCode, Advice> = {
  ALIAS_PROPS: BAD_REFERENCE,
  BAD_ALIAS: BAD_REFERENCE,
  BAD_COLLECTION_TYPE: BAD_TAG,
  BAD_DIRECTIVE: {
    what: 'a line that starts with % is a directive',
    remedy: 'remove the line, or indent it',
  },
  BAD_DQ_ESCAPE: {
    what: 'a backslash in double quotes starts an escape, and this one is unknown',
    remedy: 'use single quotes, or write the backslash twice',
  },
  BAD_INDENT,
  BAD_PROP_ORDER: BAD_REFERENCE,
  BAD_SCALAR_START: {
    what: 'a plain string cannot start with this character',
    remedy: 'quote the string',
  },
  BLOCK_AS_IMPLICIT_KEY: {
    what: 'a second "key: value" starts on the same line',
    remedy: 'put it on a line of its own, or quote a string that contains a colon and a space',
  },
  BLOCK_IN_FLOW: {
    what: 'block style is not allowed between { } or [ ]',
    remedy: 'close the bracket first, or write the inner part with { } or [ ] too',
  },
  DUPLICATE_KEY: { what: 'duplicate key', remedy: 'keep one of the two' },
  IMPOSSIBLE: MISPLACED,
  KEY_OVER_1024_CHARS: { what: 'a key is longer than 1024 characters', remedy: 'shorten it' },
  MISSING_CHAR: {
    what: 'something is missing here: a closing quote or bracket, a comma, a colon, a dash or a space',
    remedy: 'close what was opened, and write "key: value" with a space after the colon',
  },
  MULTILINE_IMPLICIT_KEY: BAD_KEY,
  MULTIPLE_ANCHORS: BAD_REFERENCE,
  MULTIPLE_DOCS: MISPLACED,
  MULTIPLE_TAGS: BAD_TAG,
  NON_STRING_KEY: { what: 'a key must be a string', remedy: 'quote it' },
  RESOURCE_EXHAUSTION: { what: 'this is too large or too deep to be read', remedy: 'divide the file' },
  TAB_AS_INDENT: {
    what: 'a tab is used for indentation, which YAML forbids',
    remedy: 'indent with spaces: replace each tab by two spaces',
  },
  TAG_RESOLVE_FAILED: BAD_TAG,
  UNEXPECTED_TOKEN: MISPLACED,
};

/** `next`: the second error of the document. Further ones are mostly consequences of the first, too. */
export function yamlSyntaxProblem(
  source: SourceText,
  problem: YAMLParseError,
  next: YAMLParseError | undefined,
): Diagnostic {
  const { text } = source;
  const report = ({ what, remedy }: Advice, at: number, code = 'yaml-syntax') =>
    problemAt(source, at + spacesAt(text, at), code, `not valid YAML: ${what}`, remedy);
  const [at] = problem.pos;
  if (problem.code === 'TAB_AS_INDENT') return report(ADVICE.TAB_AS_INDENT, at, 'yaml-tab');
  // A line that is indented too little follows neither a list nor a key. It is no matter of a missing character.
  if ((problem.code === 'MISSING_CHAR' || problem.code === 'BLOCK_AS_IMPLICIT_KEY') && spacesAt(text, at) > 0)
    return report(BAD_INDENT, at);
  // A line that is indented too much continues the value of the line above, and so a key seems to be in that value.
  if (
    problem.code === 'BLOCK_AS_IMPLICIT_KEY' &&
    next?.code === 'MULTILINE_IMPLICIT_KEY' &&
    next.pos[0] === at
  )
    return report(BAD_INDENT, text.lastIndexOf('\n', next.pos[1] - 1) + 1);
  return report(ADVICE[problem.code], at);
}

/** The library points to the start of a line if the fault comes after its indentation. */
function spacesAt(text: string, offset: number): number {
  const isLineStart = offset === 0 || text[offset - 1] === '\n';
  return isLineStart ? (/^ */.exec(text.slice(offset, offset + 1024))?.[0].length ?? 0) : 0;
}

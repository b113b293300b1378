import type { ChunkedWork } from '../domain/chunked-work.ts';
import { type Diagnostic, error, type SourcePosition } from '../domain/diagnostic.ts';
import type { Allowance } from './limits.ts';
import type { Path, Positions } from './positions.ts';
import { readJson } from './read-json.ts';
import { readYaml, type YamlResult } from './read-yaml.ts';
import type { SourceText } from './source.ts';
import { problemAt, tooManyValues } from './text-problems.ts';

/** One YAML or JSON document: plain data that knows where it came from. */
export interface SourceDocument {
  readonly source: SourceText;
  readonly value: unknown;
  readonly positions: Positions;
}

export interface ReadDocuments {
  readonly documents: readonly SourceDocument[];
  readonly problems: readonly Diagnostic[];
}

/** All documents of a text. A document that cannot be read is a problem and left out. In steps, as far as it is YAML. */
export function* readDocuments(source: SourceText, allowance: Allowance): ChunkedWork<ReadDocuments> {
  // Of an earlier text: this one would be taken apart before that shows.
  if (allowance.values < 0) return { documents: [], problems: [tooManyValues(source, 0)] };
  const noise = notText(source);
  if (noise) return { documents: [], problems: [noise] };
  const { documents, problems } = yield* parse(source, allowance);
  if (documents.length + problems.length === 0) return { documents: [], problems: [nothing(source)] };
  return { documents: documents.map((document) => ({ source, ...document })), problems };
}

/** Where the value at `path` stands, or its key; where what encloses it stands, when there is none. */
export function placeOf(
  document: SourceDocument,
  path: Path,
  part: 'value' | 'key' = 'value',
): SourcePosition {
  return document.source.place(document.positions.locate(document.value, path, part));
}

function* parse(source: SourceText, allowance: Allowance): ChunkedWork<YamlResult> {
  const isJson = source.file.toLowerCase().endsWith('.json');
  // YAML reads JSON too, but a hundred times slower.
  if (!isJson && !/^\s*[[{]/.test(source.text)) return yield* readYaml(source, allowance);
  if (isJson && source.text.trim() === '') return { documents: [], problems: [] };
  const before = allowance.values;
  const json = readJson(source, allowance);
  if (json.kind === 'read') return { documents: [json], problems: json.problems };
  if (isJson || json.problem.code !== 'json-syntax') return { documents: [], problems: [json.problem] };
  allowance.values = before;
  return yield* readYaml(source, allowance);
}

/** Control characters that neither YAML nor JSON allows: a picture, an archive, a core dump. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/;

function notText(source: SourceText): Diagnostic | undefined {
  const at = source.text.search(CONTROL);
  if (at < 0) return undefined;
  const code = source.text.charCodeAt(at).toString(16).padStart(2, '0');
  return error('not-text', `this is not a text file: it holds the control character 0x${code}`, {
    remedy: 'name a YAML or JSON file',
    where: { file: source.file, ...source.position(at) },
  });
}

function nothing(source: SourceText): Diagnostic {
  return problemAt(source, 0, 'empty-file', 'the file is empty', {
    remedy:
      'add a document, or leave the file out; to write a manifest: vbsctl generate --server NAME --latest > restores.yaml',
  });
}

import type { ChunkedWork } from '../domain/chunked-work.ts';
import { type Diagnostic, error, type SourcePosition } from '../domain/diagnostic.ts';
import type { Allowance } from './limits.ts';
import type { Path, Positions } from './positions.ts';
import { readJson } from './read-json.ts';
import { readYaml, type YamlResult } from './read-yaml.ts';
import type { SourceText } from './source.ts';
import { problemAt, tooManyValues } from './text-problems.ts';

/** One YAML or JSON document: plain data with source positions. */
export interface SourceDocument {
  readonly source: SourceText;
  readonly value: unknown;
  readonly positions: Positions;
}

interface ReadDocuments {
  readonly documents: readonly SourceDocument[];
  readonly problems: readonly Diagnostic[];
}

/**
 * Reads all documents of a text. A document that cannot be read is a problem. Works in chunks, as far as the text is
 * YAML.
 */
export function* readDocuments(source: SourceText, allowance: Allowance): ChunkedWork<ReadDocuments> {
  // An earlier text used up the allowance: do not parse this one first.
  if (allowance.values < 0) return { documents: [], problems: [tooManyValues(source, 0)] };
  const binary = controlCharacter(source);
  if (binary) return { documents: [], problems: [binary] };
  const { documents, problems } = yield* parse(source, allowance);
  if (documents.length + problems.length === 0) return { documents: [], problems: [emptyFile(source)] };
  return { documents: documents.map((document) => ({ source, ...document })), problems };
}

/** The position of the value at `path`, or of its key; if there is none, of the map or list around it. */
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

/** Control characters that neither YAML nor JSON allows: the file is an image, an archive or a core dump. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern searches for them
const CONTROL = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/;

function controlCharacter(source: SourceText): Diagnostic | undefined {
  const at = source.text.search(CONTROL);
  if (at < 0) return undefined;
  const code = source.text.charCodeAt(at).toString(16).padStart(2, '0');
  return error('not-text', `this is not a text file: it contains the control character 0x${code}`, {
    remedy: 'name a YAML or JSON file',
    where: { file: source.file, ...source.position(at) },
  });
}

function emptyFile(source: SourceText): Diagnostic {
  return problemAt(
    source,
    0,
    'empty-file',
    'the file is empty',
    'add a document, or leave the file out; to write a manifest: vbsctl generate --server NAME --latest > restores.yaml',
  );
}

import { type ChunkedWork, runInterruptibly } from '../domain/chunked-work.ts';
import type { Diagnostic } from '../domain/diagnostic.ts';
import type { ManifestFile, RestoreSpec } from '../domain/spec.ts';
import { crossCheck } from './cross-checks.ts';
import { readDocuments, type SourceDocument } from './documents.ts';
import { checkKind } from './kinds.ts';
import { LIMITS, wholeAllowance } from './limits.ts';
import { type LoadedText, type LoadIo, loadTexts } from './load.ts';
import { checkTimeouts, toSpecs } from './restore-set.ts';
import { tooManyProblems } from './text-problems.ts';

interface LoadedManifests {
  /** In the order of the files; complete only if `diagnostics` has no error. */
  readonly specs: readonly RestoreSpec[];
  readonly files: readonly ManifestFile[];
  /** All problems in the order of the files; those that concern several files come last. */
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Start here: from paths to checked restores. `load.ts` finds and reads files, `documents.ts` parses them and keeps
 * source positions, `kinds.ts` and `check-document.ts` validate them against the schemas, `restore-set.ts` turns them
 * into specs, `cross-checks.ts` compares all restores with each other.
 *
 * Throws only for bugs, and the reason of the signal once it is aborted.
 */
export async function loadManifests(paths: readonly string[], io: LoadIo): Promise<LoadedManifests> {
  const { texts, diagnostics: unreadable } = await loadTexts(paths, io);
  const specs: RestoreSpec[] = [];
  return {
    diagnostics: await runInterruptibly(
      atMost(LIMITS.problems, examine(texts, unreadable, specs)),
      io.signal,
    ),
    specs,
    files: texts.map(({ source, sha256 }) => ({ path: source.file, sha256 })),
  };
}

/**
 * Yields all problems, and adds the specs of documents without problems to `specs`. Yields undefined after a step that
 * found nothing, because it may have taken long.
 */
function* examine(
  texts: readonly LoadedText[],
  unreadable: readonly Diagnostic[],
  specs: RestoreSpec[],
): Generator<Diagnostic | undefined> {
  yield* unreadable;
  const documents: SourceDocument[] = [];
  const allowance = wholeAllowance();
  let complete = unreadable.length === 0;
  for (const { source } of texts) {
    const read = yield* readDocuments(source, allowance);
    yield undefined;
    yield* read.problems;
    complete &&= read.problems.length === 0;
    for (const document of read.documents) {
      const problems = [...checkKind(document, 'RestoreSet'), ...checkTimeouts(document)];
      yield undefined;
      yield* notRepeating(problems, read.problems);
      documents.push(document);
      if (problems.length === 0) for (const spec of toSpecs(document)) specs.push(spec);
    }
  }
  yield* crossCheck(documents, complete);
}

/** The problems of a document, without those that repeat a problem found while reading it. */
export function notRepeating(
  problems: readonly Diagnostic[],
  known: readonly Diagnostic[],
): readonly Diagnostic[] {
  if (known.length === 0) return problems;
  const spots = new Set(known.map(spotOf));
  // A missing key is reported at the map that lacks it, so the same place does not mean the same problem.
  return problems.filter((problem) => problem.code === 'missing-key' || !spots.has(spotOf(problem)));
}

function spotOf({ where }: Diagnostic): string {
  return `${where?.line}:${where?.column}`;
}

/** Collects at most `count` problems; yields after each one and after each undefined. */
function* atMost(
  count: number,
  problems: Iterable<Diagnostic | undefined>,
): ChunkedWork<readonly Diagnostic[]> {
  const kept: Diagnostic[] = [];
  for (const problem of problems) {
    yield;
    if (!problem) continue;
    if (kept.length === count) {
      kept.push(tooManyProblems());
      break;
    }
    kept.push(problem);
  }
  return kept;
}

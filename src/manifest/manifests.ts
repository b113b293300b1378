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

export interface LoadedManifests {
  /** In the order of the files; complete only when `diagnostics` holds no error. */
  readonly specs: readonly RestoreSpec[];
  readonly files: readonly ManifestFile[];
  /** Every problem of every file, in the order of the files, what concerns several of them last. */
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * The restores that files, directories and `-` declare. What is wrong with them, or with reading them, is told
 * in the diagnostics; throws for bugs only, and the reason of the signal once it is aborted.
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
 * All problems, one after the other; the specs of documents that have none are added to `specs`. Undefined now and then:
 * a step that found nothing, and may have taken long.
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

/** Of the problems of a document those that do not come from one that was found while reading it. */
export function notRepeating(
  problems: readonly Diagnostic[],
  known: readonly Diagnostic[],
): readonly Diagnostic[] {
  if (known.length === 0) return problems;
  const spots = new Set(known.map(spotOf));
  // What is missing is told at the place of what it is missing from, so the place alone does not make it the same.
  return problems.filter((problem) => problem.code === 'missing-key' || !spots.has(spotOf(problem)));
}

function spotOf({ where }: Diagnostic): string {
  return `${where?.line}:${where?.column}`;
}

/** A step after each problem, and where there is none. */
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

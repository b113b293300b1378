import { type Diagnostic, error } from '../domain/diagnostic.ts';
import { shellPath } from '../domain/escape/shell-word.ts';
import { suggest } from '../domain/suggest.ts';
import { checkSchema } from './check-document.ts';
import { placeOf, type SourceDocument } from './documents.ts';
import type { Path } from './positions.ts';
import { named } from './text-problems.ts';
import { validateConfig, validateRestoreSet } from './validators.generated.js';

export type Kind = 'RestoreSet' | 'Config';

const API_VERSION = 'vbsctl.dev/v1';
const KINDS: readonly Kind[] = ['RestoreSet', 'Config'];
const VALIDATORS = { RestoreSet: validateRestoreSet, Config: validateConfig };

/**
 * Checks a document against the schema of the wanted kind. A document of another kind or version gets one message: the
 * wrong schema would report everything in it.
 */
export function checkKind(document: SourceDocument, wanted: Kind): Diagnostic[] {
  const { value } = document;
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return [
      problem(
        document,
        [],
        'not-a-map',
        `a ${wanted} is a map with apiVersion and kind, and this is not a map`,
        {
          remedy: `begin with apiVersion: ${API_VERSION} and kind: ${wanted}`,
        },
      ),
    ];
  const { kind, apiVersion } = value as { kind?: unknown; apiVersion?: unknown };
  if (kind === undefined && apiVersion === undefined)
    return [
      problem(document, [], 'not-a-manifest', 'this document has neither apiVersion nor kind', {
        remedy: `add apiVersion: ${API_VERSION} and kind: ${wanted}`,
      }),
    ];
  if (typeof kind === 'string' && kind !== wanted) return [otherKind(document, kind, wanted)];
  if (typeof apiVersion === 'string' && apiVersion !== API_VERSION)
    return [otherVersion(document, apiVersion)];
  return checkSchema(document, VALIDATORS[wanted]);
}

function otherKind(document: SourceDocument, kind: string, wanted: Kind): Diagnostic {
  if (kind === 'Config')
    return problem(document, ['kind'], 'wrong-kind', 'this is a Config (operator settings), not a manifest', {
      remedy:
        'name it with --config, or call the file vbsctl.yaml; with -f name manifests of kind RestoreSet',
    });
  if (kind === 'RestoreSet')
    return problem(document, ['kind'], 'wrong-kind', 'this is a RestoreSet, a manifest, not a Config', {
      remedy: 'name it with -f; with --config name a file of kind Config',
    });
  if (kind === 'SavedPlan')
    return problem(document, ['kind'], 'wrong-kind', `this is a saved plan, not a ${wanted}`, {
      remedy: `name it without a flag: vbsctl apply ${shellPath(document.source.file)}; to look at it: vbsctl show ${shellPath(document.source.file)}`,
    });
  const meant = suggest(kind, KINDS);
  return problem(document, ['kind'], 'unknown-kind', `unknown kind ${named(kind)}`, {
    detail: `Supported: ${KINDS.map((name) => `${name} (${API_VERSION})`).join(', ')}.`,
    remedy:
      meant === undefined ? `write kind: ${wanted}, or leave the document out` : `did you mean ${meant}?`,
  });
}

function otherVersion(document: SourceDocument, version: string): Diagnostic {
  return problem(document, ['apiVersion'], 'unknown-version', `unsupported apiVersion ${named(version)}`, {
    detail: `Supported: ${API_VERSION}.`,
    remedy: `write apiVersion: ${API_VERSION}`,
  });
}

function problem(
  document: SourceDocument,
  path: Path,
  code: string,
  summary: string,
  more: { detail?: string; remedy: string },
): Diagnostic {
  return error(code, summary, { ...more, where: placeOf(document, path) });
}

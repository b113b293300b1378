import { type Diagnostic, error } from '../domain/diagnostic.ts';
import { DURATION_EXAMPLES, formatDuration, parseDuration, requireDuration } from '../domain/duration.ts';
import { optional } from '../domain/optional.ts';
import { addressOf, type BackupRef, type RestoreSpec, type Selector } from '../domain/spec.ts';
import { valueAt, where } from './check-document.ts';
import type { SourceDocument } from './documents.ts';
import type { Path } from './positions.ts';

/** A RestoreSet that passed its schema. */
interface RestoreSet {
  readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
  readonly spec: {
    readonly valid_until?: string;
    readonly defaults?: { readonly timeout?: string; readonly backup?: Selector };
    readonly restores: readonly Restore[];
  };
}

interface Restore {
  readonly name: string;
  readonly backup_id?: string;
  readonly backup?: Selector;
  readonly volume_id?: string;
  readonly volume?: { readonly name: string };
  readonly generation?: number;
  readonly expect?: RestoreSpec['expect'];
  readonly depends_on?: readonly string[];
  readonly timeout?: string;
  readonly protect?: boolean;
}

/** The specs of a document that passed its schema: defaults applied, ids in lower case, times in UTC. */
export function toSpecs(document: SourceDocument): RestoreSpec[] {
  const { metadata, spec } = document.value as RestoreSet;
  const defaults = spec.defaults ?? {};
  const timeoutOfSet = defaults.timeout === undefined ? undefined : requireDuration(defaults.timeout);
  const backupOfSet = defaults.backup === undefined ? undefined : normalSelector(defaults.backup);
  const labels = metadata.labels ?? {};
  const validUntil =
    spec.valid_until === undefined
      ? {}
      : {
          valid_until: utc(spec.valid_until),
          valid_until_source: placeAt(document, ['spec', 'valid_until']),
        };
  return spec.restores.map((restore, index) => ({
    address: addressOf(metadata.name, restore.name),
    set: metadata.name,
    name: restore.name,
    labels,
    volume: volumeOf(restore),
    backup: backupOf(restore, backupOfSet),
    generation: restore.generation ?? 1,
    expect: restore.expect ?? {},
    depends_on: (restore.depends_on ?? []).map((name) => dependency(metadata.name, name)),
    source: placeAt(document, ['spec', 'restores', index]),
    ...optional(
      'timeout_ms',
      restore.timeout === undefined ? timeoutOfSet : requireDuration(restore.timeout),
    ),
    ...validUntil,
    ...optional('protect', restore.protect),
  }));
}

const TIMEOUT_MIN_MS = 1_000;
const TIMEOUT_MAX_MS = 365 * 86_400_000;

/** Timeouts out of range, which a schema cannot check. Accepts documents of any shape. */
export function checkTimeouts(document: SourceDocument): Diagnostic[] {
  const outside = (path: Path) => durationOutside(document, path, TIMEOUT_MIN_MS, TIMEOUT_MAX_MS);
  const problems = outside(['spec', 'defaults', 'timeout']);
  const restores = valueAt(document.value, ['spec', 'restores']);
  if (!Array.isArray(restores)) return problems;
  for (const [index, restore] of restores.entries())
    if (valueAt(restore, ['timeout']) !== undefined)
      problems.push(...outside(['spec', 'restores', index, 'timeout']));
  return problems;
}

/** A diagnostic if the duration at `path` is out of range (ms, both ends allowed). */
export function durationOutside(
  document: SourceDocument,
  path: Path,
  min: number,
  max: number,
): Diagnostic[] {
  const text = valueAt(document.value, path);
  const ms = typeof text === 'string' ? parseDuration(text) : undefined;
  if (ms === undefined || (ms >= min && ms <= max)) return [];
  return [
    error(
      'out-of-range',
      `${path.at(-1)} must be from ${formatDuration(min)} to ${formatDuration(max)}, not ${text}`,
      {
        remedy: `write a duration in this range, such as ${DURATION_EXAMPLES}`,
        where: where(document, path),
      },
    ),
  ];
}

/** The address of an entry of `depends_on`: a name of the same set, or an address. */
export function dependency(set: string, name: string): string {
  return name.includes('/') ? name : addressOf(set, name);
}

function volumeOf(restore: Restore): RestoreSpec['volume'] {
  if (restore.volume_id !== undefined) return { by: 'id', id: restore.volume_id.toLowerCase() };
  if (restore.volume !== undefined) return { by: 'name', name: restore.volume.name };
  throw new Error(`${restore.name} has no volume: the schema does not allow that`);
}

function backupOf(restore: Restore, fromSet: Selector | undefined): BackupRef {
  if (restore.backup_id !== undefined) return { by: 'id', id: restore.backup_id.toLowerCase() };
  const selector = restore.backup === undefined ? fromSet : normalSelector(restore.backup);
  if (selector === undefined)
    throw new Error(`${restore.name} has no backup: the schema does not allow that`);
  return { by: 'selector', selector };
}

/** One moment makes one rule, in whatever zone it is written: done restores are looked up by their rule. */
function normalSelector(selector: Selector): Selector {
  return {
    ...selector,
    as_of: selector.as_of === 'latest' ? 'latest' : utc(selector.as_of),
    ...optional('of_volume', selector.of_volume?.toLowerCase()),
  };
}

function utc(time: string): string {
  return new Date(time).toISOString();
}

function placeAt({ source, positions, value }: SourceDocument, path: Path): RestoreSpec['source'] {
  return { file: source.file, ...source.position(positions.locate(value, path)) };
}

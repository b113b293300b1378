import { append } from '../domain/append.ts';
import { type Diagnostic, error, type SourcePosition } from '../domain/diagnostic.ts';
import { quotedWhole } from '../domain/escape/quoted.ts';
import { addressOf, NAME_LENGTH_MAX } from '../domain/spec.ts';
import { suggestForReport } from '../domain/suggest.ts';
import { valueAt, where } from './check-document.ts';
import { placeOf, type SourceDocument } from './documents.ts';
import { LIMITS } from './limits.ts';
import type { Path } from './positions.ts';
import { dependency } from './restore-set.ts';
import { tooManyRestores } from './text-problems.ts';

/**
 * Checks that need all restores of all files. They accept documents of any shape, also those that violate their schema,
 * so that one run shows every problem.
 */

/** A restore, as far as its document can be understood. */
interface DeclaredRestore {
  readonly document: SourceDocument;
  readonly index: number;
  readonly restore: unknown;
  readonly set: string;
  readonly name: string;
  readonly address: string;
  readonly dependsOn: readonly unknown[];
}

/** `name` or `set/name`; the schema reports everything else. */
const REFERENCE = /^[-a-z0-9]{1,63}(\/[-a-z0-9]{1,63})?$/;

/** `complete`: every document could be read. Otherwise an unknown name may be declared in one that could not. */
export function* crossCheck(documents: readonly SourceDocument[], complete: boolean): Generator<Diagnostic> {
  const entries = documents.flatMap(restoresOf);
  if (entries.length > LIMITS.restores) {
    yield tooManyRestores(entries.length);
    return;
  }
  const byAddress = new Map<string, DeclaredRestore>();
  for (const entry of entries) {
    const first = byAddress.get(entry.address);
    if (first) yield sameAddress(entry, first);
    else byAddress.set(entry.address, entry);
  }
  yield* sameTwice(entries, ['volume_id']);
  yield* sameTwice(entries, ['volume', 'name']);
  if (complete) yield* unknownDependencies(entries, byAddress);
  yield* cycles(byAddress);
}

function restoresOf(document: SourceDocument): DeclaredRestore[] {
  const set = valueAt(document.value, ['metadata', 'name']);
  const restores = valueAt(document.value, ['spec', 'restores']);
  if (typeof set !== 'string' || set.length > NAME_LENGTH_MAX || !Array.isArray(restores)) return [];
  const entries: DeclaredRestore[] = [];
  for (const [index, restore] of restores.entries()) {
    const name = valueAt(restore, ['name']);
    // The schema reports a longer name, and messages must not repeat it.
    if (typeof name === 'string' && name.length <= NAME_LENGTH_MAX)
      entries.push({
        document,
        index,
        restore,
        set,
        name,
        address: addressOf(set, name),
        dependsOn: listAt(restore, 'depends_on'),
      });
  }
  return entries;
}

function sameAddress(entry: DeclaredRestore, first: DeclaredRestore): Diagnostic {
  return error('duplicate-restore', `${entry.address} is declared twice`, {
    detail: `First at ${spot(first, 'name')}.`,
    remedy: 'give one of them another name, or remove it',
    where: whereIn(entry, 'name'),
  });
}

function* sameTwice(entries: readonly DeclaredRestore[], path: Path): Generator<Diagnostic> {
  const seenBySet = new Map<string, Map<string, DeclaredRestore>>();
  for (const entry of entries) {
    const volume = valueAt(entry.restore, path);
    if (typeof volume !== 'string') continue;
    const seen = seenBySet.get(entry.set) ?? new Map<string, DeclaredRestore>();
    seenBySet.set(entry.set, seen);
    const id = path.length === 1 ? volume.toLowerCase() : volume;
    const first = seen.get(id);
    if (!first) seen.set(id, entry);
    else if (first.address !== entry.address) yield sameVolume(entry, first, path);
  }
}

function sameVolume(entry: DeclaredRestore, first: DeclaredRestore, path: Path): Diagnostic {
  return error('duplicate-volume', `${entry.address} and ${first.address} restore into the same disk`, {
    detail: `Within a set, each disk may be restored only once; otherwise the order would decide its content. First at ${spot(first, ...path)}.`,
    remedy: 'remove one of the two',
    where: whereIn(entry, ...path),
  });
}

function* unknownDependencies(
  entries: readonly DeclaredRestore[],
  byAddress: ReadonlyMap<string, DeclaredRestore>,
): Generator<Diagnostic> {
  const names = new Map<string, string[]>();
  for (const { set, name } of entries) append(names, set, name);
  const suggest = suggestForReport();
  for (const entry of entries) {
    if (entry.dependsOn.length === 0) continue;
    for (const [index, address] of dependenciesOf(entry)) {
      if (byAddress.has(address)) continue;
      const [set = '', name = ''] = address.split('/');
      const list = names.get(set);
      const [meantSet, meantName] = list ? [set, suggest(name, list)] : [suggest(set, names.keys()), name];
      yield error('unknown-dependency', `${entry.address} depends on ${address}, which is not declared`, {
        remedy:
          meantSet === undefined || meantName === undefined
            ? 'name a restore that is declared, or also load the file that declares it, with -f'
            : `did you mean ${quotedWhole(addressOf(meantSet, meantName))}?`,
        where: whereIn(entry, 'depends_on', index),
      });
    }
  }
}

/** Index in `depends_on`, and the address. */
function* dependenciesOf({ set, dependsOn }: DeclaredRestore): Generator<[number, string]> {
  for (const [index, name] of dependsOn.entries())
    if (typeof name === 'string' && REFERENCE.test(name)) yield [index, dependency(set, name)];
}

/**
 * Finds each dependency cycle once. A depth-first walk with its own stack, because chains can be as long as the number
 * of restores.
 */
function* cycles(byAddress: ReadonlyMap<string, DeclaredRestore>): Generator<Diagnostic> {
  const done = new Set<string>();
  for (const start of byAddress.values()) {
    if (start.dependsOn.length === 0 || done.has(start.address)) continue;
    const trail: { entry: DeclaredRestore; rest: Generator<[number, string]> }[] = [];
    const onTrail = new Map<string, number>();
    const enter = (entry: DeclaredRestore) => {
      onTrail.set(entry.address, trail.length);
      trail.push({ entry, rest: dependenciesOf(entry) });
    };
    enter(start);
    for (let top = trail.at(-1); top; top = trail.at(-1)) {
      const next = top.rest.next();
      if (next.done) {
        trail.pop();
        onTrail.delete(top.entry.address);
        done.add(top.entry.address);
        continue;
      }
      const [index, address] = next.value;
      const from = onTrail.get(address);
      if (from !== undefined) yield cycle(trail, from, top.entry, index);
      const entry = byAddress.get(address);
      if (entry && from === undefined && !done.has(address)) enter(entry);
    }
  }
}

/** Longer cycles are shortened in the message. */
const CYCLE_SHOWN_MAX = 12;

/**
 * Uses only the part of the trail that the message shows: the trail may be as long as the number of restores, and
 * contain a thousand cycles.
 */
function cycle(
  trail: readonly { readonly entry: DeclaredRestore }[],
  from: number,
  last: DeclaredRestore,
  index: number,
): Diagnostic {
  const isShort = trail.length - from < CYCLE_SHOWN_MAX;
  const names = trail
    .slice(from, isShort ? trail.length : from + CYCLE_SHOWN_MAX - 2)
    .map(({ entry }) => entry.address);
  const shown = [...names, ...(isShort ? [] : ['…']), ...names.slice(0, 1)];
  return error('circular-dependency', `dependency cycle: ${shown.join(' → ')}`, {
    detail: 'None of these restores could start.',
    remedy: 'remove one depends_on of the cycle',
    where: whereIn(last, 'depends_on', index),
  });
}

function listAt(restore: unknown, key: string): readonly unknown[] {
  const list = valueAt(restore, [key]);
  return Array.isArray(list) ? list : [];
}

function pathIn({ index }: DeclaredRestore, more: Path): Path {
  return ['spec', 'restores', index, ...more];
}

function whereIn(entry: DeclaredRestore, ...more: Path): SourcePosition {
  return where(entry.document, pathIn(entry, more));
}

function spot(entry: DeclaredRestore, ...more: Path): string {
  const { line, column } = placeOf(entry.document, pathIn(entry, more));
  return `${entry.document.source.file}:${line}:${column}`;
}

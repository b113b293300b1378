import { createHash } from 'node:crypto';
import { runSync } from '../../src/domain/chunked-work.ts';
import { type SavedAction, signedText } from '../../src/domain/saved-plan.ts';

/** What whoever can write a plan file can do to it: any edit, and a digest that fits. */

export const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');

/** New values by their path, such as `actions.1.volume.id`; undefined takes the field away. */
export type Edits = Readonly<{ [path: string]: unknown }>;

/** The text of the file with the edits made, and a digest over them. */
export function forged(text: string, edits: Edits): string {
  const file = JSON.parse(text) as Tree;
  for (const [path, value] of Object.entries(edits)) edit(file, path.split('.'), value);
  return JSON.stringify({ ...file, digest: sha256(runSync(signedText(file))) });
}

type Tree = { [key: string]: unknown };

function edit(tree: Tree, [key = '', ...rest]: readonly string[], value: unknown): void {
  if (rest.length > 0) edit(tree[key] as Tree, rest, value);
  else if (value === undefined) delete tree[key];
  // `__proto__`, too, is a key like any other in a file.
  else Object.defineProperty(tree, key, { value, enumerable: true, configurable: true, writable: true });
}

/** Makes the restore at an index of the actions an action of another kind, without the fields that this kind does not have. */
export function turned(index: number, kind: SavedAction['kind'], more: Tree = {}): Edits {
  const edits = {
    kind,
    ...Object.fromEntries(ONLY_OF_A_RESTORE[kind].map((path) => [path, undefined])),
    ...more,
  };
  return Object.fromEntries(Object.entries(edits).map(([key, value]) => [`actions.${index}.${key}`, value]));
}

const FACTS = [
  'volume.name',
  'volume.size',
  'backup.name',
  'backup.size',
  'backup.created_at',
  'backup.of_volume_id',
];
const ONLY_OF_A_RESTORE: { readonly [Kind in SavedAction['kind']]: readonly string[] } = {
  restore: [],
  resume: ['again', 'changes'],
  noop: ['again', 'changes', ...FACTS],
  blocked: ['again', 'changes', 'volume', 'backup'],
  expired: ['again', 'changes', 'volume', 'backup'],
};

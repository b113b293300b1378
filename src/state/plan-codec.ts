import { isUtf8 } from 'node:buffer';
import { canonicalJson } from '../domain/canonical-json.ts';
import { type Failure, refused } from '../domain/errors.ts';
import { toJson } from '../domain/escape/json.ts';
import { shellWord } from '../domain/escape/shell-word.ts';
import { JsonFault } from '../domain/json-bounds.ts';
import type { LongWork } from '../domain/long-work.ts';
import {
  type Hash,
  isSavedRunnable,
  minorOf,
  planDigest,
  type SavedAction,
  type SavedPlan,
  touchedBy,
} from '../domain/saved-plan.ts';
import { describeMisfit, type Misfit, pathText } from '../domain/shape.ts';
import { addressOf, type RestoreSpec } from '../domain/spec.ts';
import { openDocument } from './document.ts';
import { savedPlan } from './plan-shape.ts';

/**
 * The saved plan in a file that anybody may have written. Throws a Failure (`refused`) when it is no plan, is damaged,
 * contradicts itself, was edited, or was made by a release that this one does not read. What it says is true of itself
 * then, and of nothing else. `file` is for messages only; `version` is of this vbsctl.
 */
export function* decodePlan(
  bytes: Uint8Array | string,
  file: string,
  version: string,
  hash: Hash,
): LongWork<SavedPlan> {
  if (/\.ya?ml$/i.test(file)) throw manifest(file);
  try {
    return yield* decodeText(textOf(bytes, file), file, version, hash);
  } catch (cause) {
    if (!(cause instanceof JsonFault)) throw cause;
    throw damagedText(file, cause.message, cause);
  }
}

function* decodeText(text: string, file: string, version: string, hash: Hash): LongWork<SavedPlan> {
  const document = yield* openDocument(text, savedPlan);
  const kind = document?.head.kind;
  if (kind === 'RestoreSet') throw manifest(file);
  if (!document || kind !== 'SavedPlan')
    throw refused(
      'not-a-plan',
      `${file} is not a saved plan`,
      'name a file that was made by: vbsctl plan --out',
    );
  const made = document.head.tool_version;
  if (typeof made === 'string' && WORD.test(made) && minorOf(made) !== minorOf(version))
    throw refused(
      'plan-other-release',
      `${file} was made by vbsctl ${made}, and this is ${version}: only patch releases of one minor release read each other’s plans`,
      `apply it with vbsctl ${minorOf(made)}, or plan again with this one`,
    );
  // The shape first: it bounds what is walked over afterwards.
  const plan = yield* document.read((wrong) => {
    throw damaged(file, wrong);
  });
  if ((yield* planDigest(plan, hash)) !== plan.digest)
    throw refused('plan-edited', `${file} was changed after it was made: its digest does not match`, AGAIN);
  const contradicted = contradiction(plan);
  if (contradicted) throw damaged(file, contradicted);
  return plan;
}

/** What may stand in a message: ids, kinds, versions. */
const WORD = /^[-+.0-9A-Za-z]{1,64}$/;

/** `apply restores.yaml`, as fingers have it from other tools. */
function manifest(file: string): Failure {
  return refused(
    'not-a-plan',
    `${file} is a manifest, not a saved plan`,
    `name it with -f: vbsctl plan -f ${shellWord(file)}; a plan is saved by: vbsctl plan --out plan.json`,
  );
}

const AGAIN = 'make a new plan and have it approved: vbsctl plan --out plan.json';

/** As a file. Throws a Failure (`refused`) for a plan that could not be read again: nobody could ever apply it. */
export function encodePlan(saved: SavedPlan): string {
  const wrong = savedPlan(saved);
  if (!wrong) return `${toJson(saved, 1)}\n`;
  throw refused(
    'plan-not-saved',
    `the plan is not saved, since it could not be read again: ${described(wrong)}`,
    'save a part of it (--target), or apply without a saved plan: vbsctl apply',
  );
}

function damaged(file: string, wrong: Misfit): Failure {
  return refused('plan-damaged', `${file} is not a sound plan: ${described(wrong)}`, AGAIN);
}

function described(wrong: Misfit): string {
  const where = pathText(wrong.path.map((key) => (typeof key === 'string' ? key.slice(0, 40) : key)));
  const what = describeMisfit({ ...wrong, found: flat(wrong.found) });
  return `${where}: ${what}`;
}

/** It may be a sentence that its writer wants to be read. */
function flat(found: unknown): unknown {
  return typeof found === 'string' && !WORD.test(found) ? 'a text' : found;
}

/** What has the right shape and cannot be: nothing after this has to wonder. */
function contradiction(plan: SavedPlan): Misfit | undefined {
  const { actions, renamed, records } = plan;
  const seen = new Set<string>();
  for (const [list, entries] of [
    ['actions', actions],
    ['renamed', renamed],
  ] as const)
    for (const [index, { declared }] of entries.entries()) {
      const { address, set, name } = declared;
      const at = [list, index, 'declared', 'address'];
      if (address !== addressOf(set, name))
        return { path: at, expected: addressOf(set, name), found: address };
      if (seen.has(address)) return { path: at, expected: 'each address once', found: address };
      seen.add(address);
    }
  for (const [index, action] of actions.entries()) {
    const wrong = otherThanDeclared(action);
    if (wrong) return { ...wrong, path: ['actions', index, ...wrong.path] };
  }
  const touched = touchedBy(plan);
  if (canonicalJson(touched) !== canonicalJson(records.map(({ address }) => address)))
    return { path: ['records'], expected: 'those that the actions touch', found: records };
  const version = new Map(records.map(({ address, sha256 }) => [address, sha256]));
  for (const [index, { kind, declared, was }] of actions.entries())
    if ((kind === 'resume' || was !== undefined) && version.get(was ?? declared.address) === undefined)
      return { path: ['actions', index], expected: 'a record that it goes on with', found: undefined };
  for (const [index, { declared, volume_id, backup_id, was }] of renamed.entries()) {
    const wrong = otherPin(declared, volume_id, backup_id);
    if (wrong) return { ...wrong, path: ['renamed', index, ...wrong.path] };
    if (version.get(was) === undefined)
      return { path: ['renamed', index], expected: 'a record that is renamed', found: undefined };
  }
  return undefined;
}

/** Guards judge the declaration and people what it was resolved to: both must say the same. */
function otherThanDeclared(action: SavedAction): Misfit | undefined {
  const { kind, declared, volume, backup } = action;
  if (kind === 'expired' && declared.valid_until === undefined)
    return { path: ['declared', 'valid_until'], expected: 'a time', found: undefined };
  if (kind === 'noop' && action.notes_rule && declared.backup.by !== 'selector')
    return { path: ['declared', 'backup'], expected: 'a rule', found: declared.backup };
  if (kind === 'noop' && action.notes_protect && declared.protect === undefined)
    return { path: ['declared', 'protect'], expected: 'true or false', found: undefined };
  if (!isSavedRunnable(action) && kind !== 'noop' && action.was === undefined) return undefined;
  if (volume.id === undefined) return { path: ['volume', 'id'], expected: 'an id', found: undefined };
  if (backup.id === undefined) return { path: ['backup', 'id'], expected: 'an id', found: undefined };
  if (declared.volume.by === 'name' && kind === 'restore' && declared.volume.name !== volume.name)
    return { path: ['volume', 'name'], expected: 'the name that was declared', found: volume.name };
  return otherPin(declared, volume.id, backup.id);
}

function otherPin({ volume, backup }: RestoreSpec, volumeId: string, backupId: string): Misfit | undefined {
  if (volume.by === 'id' && volume.id !== volumeId)
    return { path: ['volume', 'id'], expected: volume.id, found: volumeId };
  if (backup.by === 'id' && backup.id !== backupId)
    return { path: ['backup', 'id'], expected: backup.id, found: backupId };
  return undefined;
}

function textOf(bytes: Uint8Array | string, file: string): string {
  if (typeof bytes === 'string') return bytes;
  if (!isUtf8(bytes)) throw damagedText(file, 'is not UTF-8 text');
  return new TextDecoder().decode(bytes);
}

function damagedText(file: string, why: string, cause?: unknown): Failure {
  return refused('plan-damaged', `${file} ${why}: it is not a complete saved plan`, AGAIN, cause);
}

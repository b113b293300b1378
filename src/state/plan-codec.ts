import { isUtf8 } from 'node:buffer';
import { canonicalJson } from '../domain/canonical-json.ts';
import type { ChunkedWork } from '../domain/chunked-work.ts';
import { Failure, refused } from '../domain/errors.ts';
import { toJson } from '../domain/escape/json.ts';
import { shellWord } from '../domain/escape/shell-word.ts';
import { JsonFault } from '../domain/json-bounds.ts';
import {
  type Hash,
  isSavedPinned,
  minorOf,
  PLAN_AGAIN,
  planDigest,
  recordAddresses,
  type SavedAction,
  type SavedPlan,
} from '../domain/saved-plan.ts';
import { type Issue, issueText } from '../domain/shape.ts';
import { addressOf, type RestoreSpec } from '../domain/spec.ts';
import { openDocument } from './document.ts';
import { savedPlan } from './plan-shape.ts';

/**
 * Reads a saved plan that anybody may have written. Throws a Failure (`refused`) if it is not a plan, is damaged,
 * contradicts itself, was edited, or was made by a release whose plans this one does not read. Checks only the file
 * itself, neither state nor cloud. `file` is used only in messages; `version` is that of this vbsctl.
 */
export function* decodePlan(
  bytes: Uint8Array | string,
  file: string,
  version: string,
  hash: Hash,
): ChunkedWork<SavedPlan> {
  const text = textOf(bytes, file);
  if (isManifest(file, text)) throw manifest(file);
  try {
    return yield* decodeText(text, file, version, hash);
  } catch (cause) {
    if (!(cause instanceof JsonFault)) throw cause;
    throw damagedText(file, cause.message, cause);
  }
}

function* decodeText(text: string, file: string, version: string, hash: Hash): ChunkedWork<SavedPlan> {
  const document = yield* openDocument(text, savedPlan);
  if (document?.head.kind !== 'SavedPlan')
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
  // The shape is checked first, because it bounds the work of the other checks.
  const plan = yield* document.read((wrong) => {
    throw damaged(file, wrong);
  });
  if ((yield* planDigest(plan, hash)) !== plan.digest)
    throw refused(
      'plan-edited',
      `${file} was changed after it was made: its digest does not match`,
      PLAN_AGAIN,
    );
  const contradicted = contradiction(plan);
  if (contradicted) throw damaged(file, contradicted);
  return plan;
}

/** Of a file. A plan of 100,000 restores has about 200 MB. */
export const PLAN_BYTES_MAX = 400 * 1024 * 1024;

/** What a message may quote: ids, kinds, versions. */
const WORD = /^[-+.0-9A-Za-z]{1,64}$/;

function isManifest(file: string, text: string): boolean {
  const kind = /(^|[{,])\s*"?kind"?\s*:\s*"?RestoreSet\b/m;
  return /\.ya?ml$/i.test(file) || kind.test(text.slice(0, 10_000));
}

/** Other tools take a manifest there: `apply restores.yaml`. */
function manifest(file: string): Failure {
  const remedy = `to use a manifest: vbsctl plan -f ${shellWord(file)}, vbsctl apply -f ${shellWord(file)}`;
  return Failure.of('usage', 'manifest-not-plan', `${file} is a manifest, not a saved plan`, { remedy });
}

/** The text of the file. Throws a Failure (`refused`) if the plan could not be read again, because nobody could apply it. */
export function encodePlan(saved: SavedPlan, bytesMax = PLAN_BYTES_MAX): string {
  const wrong = savedPlan(saved);
  if (wrong) throw notSaved(described(wrong));
  const text = `${toJson(saved, 1)}\n`;
  const bytes = Buffer.byteLength(text);
  if (bytes > bytesMax) throw notSaved(`it has ${bytes} bytes, at most ${bytesMax}`);
  return text;
}

function notSaved(why: string): Failure {
  return refused(
    'plan-not-saved',
    `the plan is not saved, since it could not be read again: ${why}`,
    'save a part of it (--target), or apply without a saved plan: vbsctl apply',
  );
}

function damaged(file: string, wrong: Issue): Failure {
  return refused('plan-damaged', `${file} is not a valid plan: ${described(wrong)}`, PLAN_AGAIN);
}

function described(wrong: Issue): string {
  const path = wrong.path.map((key) => (typeof key === 'string' ? key.slice(0, 40) : key));
  return issueText({ ...wrong, path, found: quotable(wrong.found) });
}

/** Leaves out text that the author of the file may want the user to read. */
function quotable(found: unknown): unknown {
  return typeof found === 'string' && !WORD.test(found) ? 'a text' : found;
}

/** What the shapes cannot express. */
function contradiction(plan: SavedPlan): Issue | undefined {
  const { actions, renamed, records } = plan;
  const pinned = actions.filter(isSavedPinned).map(({ declared }) => declared.address);
  // A restore that the plan does not run may be renamed.
  for (const [list, entries, before] of [
    ['actions', actions, []],
    ['renamed', renamed, pinned],
  ] as const) {
    const seen = new Set<string>(before);
    for (const [index, { declared }] of entries.entries()) {
      const { address, set, name } = declared;
      const at = [list, index, 'declared', 'address'];
      if (address !== addressOf(set, name))
        return { path: at, expected: addressOf(set, name), found: address };
      if (seen.has(address)) return { path: at, expected: 'each address once', found: address };
      seen.add(address);
    }
  }
  for (const [index, action] of actions.entries()) {
    const wrong = contradictsDeclaration(action);
    if (wrong) return { ...wrong, path: ['actions', index, ...wrong.path] };
  }
  const touched = recordAddresses(plan);
  if (canonicalJson(touched) !== canonicalJson(records.map(({ address }) => address)))
    return { path: ['records'], expected: 'the records of the actions', found: records };
  const version = new Map(records.map(({ address, sha256 }) => [address, sha256]));
  for (const [index, action] of actions.entries())
    if (
      isSavedPinned(action) &&
      (action.kind === 'resume' || action.was !== undefined) &&
      version.get(action.was ?? action.declared.address) === undefined
    )
      return { path: ['actions', index], expected: 'the record that it continues', found: undefined };
  for (const [index, { declared, volume_id, backup_id, was }] of renamed.entries()) {
    const wrong = otherPin(declared, volume_id, backup_id);
    if (wrong) return { ...wrong, path: ['renamed', index, ...wrong.path] };
    if (version.get(was) === undefined)
      return { path: ['renamed', index], expected: 'the record that is renamed', found: undefined };
  }
  return undefined;
}

/** The policy checks the declaration, and the user sees the volume and backup it was resolved to: both must agree. */
function contradictsDeclaration(action: SavedAction): Issue | undefined {
  const { kind, declared } = action;
  if (kind === 'expired' && declared.valid_until === undefined)
    return { path: ['declared', 'valid_until'], expected: 'a time', found: undefined };
  if (kind === 'noop' && action.records_selector && declared.backup.by !== 'selector')
    return { path: ['declared', 'backup'], expected: 'a rule', found: declared.backup };
  if (kind === 'noop' && action.records_protect && declared.protect === undefined)
    return { path: ['declared', 'protect'], expected: 'true or false', found: undefined };
  if (!isSavedPinned(action)) return undefined;
  if (declared.volume.by === 'name' && kind === 'restore' && declared.volume.name !== action.volume.name)
    return { path: ['volume', 'name'], expected: 'the name that was declared', found: action.volume.name };
  return otherPin(declared, action.volume.id, action.backup.id);
}

function otherPin({ volume, backup }: RestoreSpec, volumeId: string, backupId: string): Issue | undefined {
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
  return refused('plan-damaged', `${file} ${why}: it is not a complete saved plan`, PLAN_AGAIN, cause);
}

import { append } from '../domain/append.ts';
import type { Backup } from '../domain/cloud.ts';
import type { CloudProject } from '../domain/cloud-project.ts';
import type { Draft, DraftEntry } from '../domain/draft.ts';
import type { VolumeRow } from '../domain/inventory.ts';
import { optional } from '../domain/optional.ts';
import { NAME_LENGTH_MAX, toName } from '../domain/spec.ts';
import { indexBackups, pickBackup } from '../planner/select.ts';

/**
 * Drafts one restore for each disk, from the newest backup at or before the moment. The backup is picked by the rule of
 * the planner, so that a plan picks the same one. A disk without a backup is a gap.
 */
export function draftOf(input: {
  readonly volumes: readonly VolumeRow[];
  readonly backups: readonly Backup[];
  readonly target: CloudProject;
  /** A time with its zone, or `latest`. */
  readonly asOf: string;
  readonly set: string;
  /** Epoch ms. */
  readonly now: number;
}): Draft {
  const { volumes, target, asOf, set, now } = input;
  const backups = indexBackups(input.backups, target.project_id);
  const ofVolume = new Map<string, Backup[]>();
  for (const backup of input.backups) append(ofVolume, backup.volume_id, backup);
  const nameOf = uniqueNames();
  const entries = volumes.map((volume): DraftEntry => {
    const picked = pickBackup({ as_of: asOf }, volume.id, backups, now);
    if (picked.kind === 'none') {
      const { summary, detail } = picked.reason;
      return { kind: 'omitted', volume, reason: summary, ...optional('detail', detail) };
    }
    const name = nameOf(volume);
    const backup = picked.value;
    return {
      kind: 'restore',
      name,
      volume,
      backup,
      ...neighbours(backup, ofVolume.get(volume.id) ?? [], target.project_id),
    };
  });
  return {
    set,
    target,
    as_of: asOf,
    moment: new Date(asOf === 'latest' ? now : asOf).toISOString(),
    entries,
  };
}

/** Numbered names begin with at most this many characters; the rest is for a dash and seven digits. */
const STEM_LENGTH_MAX = NAME_LENGTH_MAX - 8;

/** A unique name for each disk. Names that begin with the same stem share one sequence of numbers. */
function uniqueNames(): (volume: VolumeRow) => string {
  const taken = new Set<string>();
  const nextNumber = new Map<string, number>();
  const numbered = (plain: string): string => {
    const stem = plain.slice(0, STEM_LENGTH_MAX);
    for (let number = nextNumber.get(stem) ?? 2; ; number++) {
      const suffix = `-${number}`;
      const name = `${plain.slice(0, NAME_LENGTH_MAX - suffix.length).replace(/-+$/, '')}${suffix}`;
      if (taken.has(name)) continue;
      nextNumber.set(stem, number + 1);
      return name;
    }
  };
  return ({ id, name }) => {
    const plain = toName(name) || toName(`disk-${id.slice(0, 8)}`);
    const unique = taken.has(plain) ? numbered(plain) : plain;
    taken.add(unique);
    return unique;
  };
}

function neighbours(
  picked: Backup,
  ofVolume: readonly Backup[],
  projectId: string,
): { readonly older?: Backup; readonly newer?: Backup } {
  const at = Date.parse(picked.created_at);
  let older: Backup | undefined;
  let newer: Backup | undefined;
  for (const backup of ofVolume) {
    const taken = Date.parse(backup.created_at);
    const own = backup.project_id === undefined || backup.project_id === projectId;
    if (!own || backup.status !== 'available') continue;
    if (taken < at && (!older || taken > Date.parse(older.created_at))) older = backup;
    if (taken > at && (!newer || taken < Date.parse(newer.created_at))) newer = backup;
  }
  return { ...optional('older', older), ...optional('newer', newer) };
}

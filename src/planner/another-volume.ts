import type { Backup, Volume } from '../domain/cloud.ts';
import { type Diagnostic, error, MultilineText, warning } from '../domain/diagnostic.ts';
import { quoted, quotedWhole } from '../domain/escape/quoted.ts';
import { shellOperand, shellWord } from '../domain/escape/shell-word.ts';
import { isOfAnotherVolume, type RestoreAction } from '../domain/plan.ts';
import type { PlanContext } from './context.ts';
import type { ResolvedSpec } from './resolve-spec.ts';
import { newestOf } from './select.ts';
import { atPosition, nameOfVolume } from './shown.ts';

/**
 * A backup of another disk is allowed, but hardly ever intended: usually the id is wrong. So the first advice is how to
 * correct the id; what cannot be undone, such as extending the disk, comes last.
 */

/** Replaces "extend the disk" if the disk is too small for a backup of another disk. */
export function tooSmallForAnother(
  { spec }: ResolvedSpec,
  volume: Volume,
  backup: Backup,
  context: PlanContext,
): Diagnostic {
  const source = labelOf(nameOfVolume(backup.volume_id, context.snapshot), backup.volume_id);
  const own = labelOf(volume.name, volume.id);
  return error(
    'backup-of-another-volume',
    `this is a backup of ${source}, not of ${own}, and needs ${backup.size} GB; ${own} has ${volume.size} GB`,
    {
      remedy: new MultilineText(
        ownBackup(volume, spec.source, context),
        `to use the backup of ${source}, extend the disk first, which cannot be undone: openstack volume set --size ${backup.size} ${shellOperand(volume.id)}`,
      ),
    },
  );
}

/** The backup fits, so no other message would mention it before the disk is overwritten. */
export function overwritesWithAnother(action: RestoreAction, context: PlanContext): Diagnostic[] {
  const { volume, backup } = action;
  if (volume.id === undefined || backup.of_volume_id === undefined || !isOfAnotherVolume(action)) return [];
  const own = { id: volume.id, name: volume.name ?? '' };
  return [
    warning(
      'backup-of-another-volume',
      `this backup is of ${labelOf(backup.of_volume_name, backup.of_volume_id)}, not of ${labelOf(own.name, own.id)}`,
      {
        remedy: new MultilineText(
          ownBackup(own, action.source, context),
          `if this backup is intended, replace backup_id by: backup: {as_of: ${seconds(backup.created_at ?? '')}, of_volume: ${quotedWhole(backup.of_volume_id)}}`,
        ),
      },
    ),
  ];
}

function ownBackup(
  { id, name }: Pick<Volume, 'id' | 'name'>,
  source: RestoreAction['source'],
  { suggestableBackups: advisable }: PlanContext,
): string {
  const newest = newestOf(id, advisable);
  return newest
    ? `the newest backup of ${labelOf(name, id)}: ${quotedWhole(newest.id)} (${seconds(newest.created_at)}); use it as backup_id${atPosition(source)}`
    : `correct backup_id${atPosition(source)}; the backups of ${labelOf(name, id)}: openstack volume backup list --volume ${shellWord(id)}`;
}

function labelOf(name: string | undefined, id: string): string {
  return quoted(name || id);
}

function seconds(iso: string): string {
  return iso.replace(/\.\d+Z$/, 'Z');
}

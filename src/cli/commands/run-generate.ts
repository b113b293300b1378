import type { Diagnostic } from '../../domain/diagnostic.ts';
import { error } from '../../domain/diagnostic.ts';
import { EXIT, type ExitCode, Failure } from '../../domain/errors.ts';
import { shellWord } from '../../domain/escape/shell-word.ts';
import type { Inventory, VolumeRow } from '../../domain/inventory.ts';
import { filterVolumes, type InventoryFilter } from '../../inventory/filter.ts';
import { draftOf, toName } from '../../inventory/make-draft.ts';
import { draftText } from '../../views/draft-text.ts';
import { plural } from '../../views/words.ts';
import type { Io } from '../io.ts';
import { nextCommand } from '../next-command.ts';
import type { CommonFlags } from '../options/shared.ts';
import { showDiagnostics } from '../print.ts';
import { detachedNow, filterOf, readProject } from '../read-project.ts';
import { usage } from '../usage.ts';

export interface GenerateFlags extends CommonFlags {
  readonly volume?: readonly string[];
  readonly server?: readonly string[];
  readonly name?: readonly string[];
  readonly all?: boolean;
  readonly asOf?: string;
  readonly latest?: boolean;
  readonly set?: string;
}

/** Writes a manifest to stdout: each disk asked for, and the newest backup of it at or before a moment. */
export async function generate(io: Io, flags: GenerateFlags): Promise<ExitCode> {
  const asOf = momentOf(flags);
  const filter = filterOf(flags);
  refuseUnclearChoice(flags);
  const { inventory, backups, target } = await readProject(io, flags, filter);
  const volumes = filterVolumes(inventory.volumes, filter);
  if (volumes.length === 0) throw nothingFound(inventory, filter);
  const set = flags.set ?? setName(flags, volumes);
  const draft = draftOf({ volumes, backups, target, asOf, set, now: Date.now() });
  const gaps = draft.entries.filter((entry) => entry.kind === 'gap');
  const warnings = gaps.map(
    ({ volume, reason, detail }): Diagnostic => ({
      severity: 'warning',
      code: 'gap',
      summary: `left out: disk ${volume.name || volume.id}: ${reason}`,
      ...(detail === undefined ? {} : { detail }),
      remedy: `see its backups: vbsctl get backups --volume ${shellWord(volume.id)}`,
    }),
  );
  if (gaps.length === draft.entries.length)
    throw new Failure('invalid', [
      ...warnings,
      error(
        'no-backups',
        `none of ${plural(volumes.length, 'disk')} has a restorable backup at or before ${asOf}`,
        {
          remedy: 'choose a later --as-of, or --latest',
        },
      ),
    ]);
  showDiagnostics(io, warnings);
  io.stdout.write(draftText(draft));
  // Whoever sent it into a file sees only this.
  if (!io.stdout.isTty) {
    const restores = draft.entries.length - gaps.length;
    io.stderr.write(
      `${plural(restores, 'restore')}${gaps.length > 0 ? `, ${plural(gaps.length, 'disk')} left out` : ''}. Next: read it, then ${nextCommand('plan', { ...flags, filename: ['FILE'] })}\n`,
    );
  }
  return EXIT.done;
}

function momentOf({ asOf, latest }: GenerateFlags): string {
  if (asOf !== undefined && latest)
    throw usage('--as-of cannot be combined with --latest', 'remove one of them');
  if (asOf !== undefined) return asOf;
  if (latest) return 'latest';
  throw usage(
    '--as-of or --latest is required',
    'add --as-of 2026-11-23T22:00:00+01:00 (with a zone), or --latest',
  );
}

function refuseUnclearChoice({ volume, server, name, all }: GenerateFlags): void {
  const chosen = [volume, server, name].some((list) => list !== undefined);
  if (chosen && all)
    throw usage('--all cannot be combined with --server, --volume or --name', 'remove one of them');
  if (!chosen && !all)
    throw usage(
      '--server, --volume, --name or --all is required',
      'add one of them, such as --server NAME; to list the servers: vbsctl get servers',
    );
}

function nothingFound(inventory: Inventory, { servers, names }: InventoryFilter): Failure {
  if (servers.length === 0)
    return Failure.of(
      'usage',
      'no-disks',
      names.length === 0 ? 'the project has no disks' : `no disk matches --name ${names.join(' or ')}`,
      { remedy: 'to list the disks: vbsctl get volumes' },
    );
  const { detail, alike } = detachedNow(inventory, servers);
  return Failure.of('usage', 'no-disks', `no matching disk is attached to ${servers.join(', ')}`, {
    detail,
    remedy: alike
      ? `if these are its disks: vbsctl generate --name ${shellWord(alike)} instead of --server`
      : 'name its disks: --name GLOB or --volume NAME instead of --server',
  });
}

/** A set is called what was asked for, where that is one thing. */
function setName({ server = [], volume = [] }: GenerateFlags, volumes: readonly VolumeRow[]): string {
  const [one, ...more] = server.length > 0 ? server : volume;
  const [only] = volumes;
  const name = one !== undefined && more.length === 0 ? one : volumes.length === 1 ? only?.name : undefined;
  return toName(name ?? '') || 'restores';
}

import { error, warning } from '../../domain/diagnostic.ts';
import { EXIT, type ExitCode, Failure, usage } from '../../domain/errors.ts';
import { quoted } from '../../domain/escape/quoted.ts';
import { shellWord } from '../../domain/escape/shell-word.ts';
import type { Inventory, VolumeRow } from '../../domain/inventory.ts';
import { optional } from '../../domain/optional.ts';
import { toName } from '../../domain/spec.ts';
import { filterVolumes, type InventoryFilter } from '../../inventory/filter.ts';
import { draftOf } from '../../inventory/make-draft.ts';
import { draftText } from '../../views/draft-text.ts';
import { plural } from '../../views/words.ts';
import type { Io } from '../io.ts';
import { showDiagnostics, textOptions } from '../print.ts';
import { detachedVolumes, type FilterFlags, filterOf, readProject } from '../read-project.ts';

export interface GenerateFlags extends Pick<FilterFlags, 'cloud' | 'config' | 'volume' | 'server' | 'name'> {
  readonly all?: boolean;
  readonly asOf?: string;
  readonly latest?: boolean;
  readonly set?: string;
}

/** Writes a manifest to stdout: the selected volumes, each with its newest backup at or before a time. */
export async function generate(io: Io, flags: GenerateFlags): Promise<ExitCode> {
  const asOf = asOfOf(flags);
  const filter = filterOf(flags);
  refuseUnclearSelection(flags);
  const { inventory, backups, target } = await readProject(io, flags, filter);
  const volumes = filterVolumes(inventory.volumes, filter);
  if (volumes.length === 0) throw nothingFound(inventory, filter);
  const set = flags.set ?? setName(flags, volumes);
  const draft = draftOf({ volumes, backups, target, asOf, set, now: Date.now() });
  const omitted = draft.entries.filter((entry) => entry.kind === 'omitted');
  const warnings = omitted.map(({ volume, reason, detail }) =>
    warning('volume-omitted', `left out: disk ${volume.name || volume.id}: ${reason}`, {
      ...optional('detail', detail),
      remedy: `to list its backups: vbsctl get backups --volume ${shellWord(volume.id)}`,
    }),
  );
  const restores = draft.entries.length - omitted.length;
  if (restores === 0)
    throw new Failure('invalid', [
      ...warnings,
      error(
        'no-backups',
        `none of ${plural(volumes.length, 'disk')} has a restorable backup at or before ${asOf}`,
        { remedy: 'choose a later --as-of, or --latest' },
      ),
    ]);
  showDiagnostics(io, [...sharedNames(volumes, filter), ...warnings]);
  io.stdout.write(draftText(draft));
  // If stdout is a file, the user sees only this.
  if (!io.stdout.isTty)
    io.stderr.write(
      `${plural(restores, 'restore')}${omitted.length > 0 ? `, ${plural(omitted.length, 'disk')} left out` : ''}. Next: review the manifest and save it, for example as ${set}.yaml; then: ${textOptions(io).style.complete(`vbsctl plan -f ${set}.yaml`)}\n`,
    );
  return EXIT.done;
}

/** A name of the filter that several disks have. All of them are in the manifest. */
function sharedNames(volumes: readonly VolumeRow[], { volumes: wanted }: InventoryFilter) {
  return wanted.flatMap((name) => {
    const alike = volumes.filter((row) => row.name === name && row.id !== name);
    return alike.length < 2
      ? []
      : warning('volume-name-shared', `${alike.length} disks are named ${quoted(name)}`, {
          detail: alike.map(({ id }) => id).join(', '),
          remedy: 'to select one of them: --volume ID',
        });
  });
}

function asOfOf({ asOf, latest }: GenerateFlags): string {
  if (asOf !== undefined && latest)
    throw usage('--as-of cannot be combined with --latest', 'remove one of them');
  if (asOf !== undefined) return asOf;
  if (latest) return 'latest';
  throw usage(
    '--as-of or --latest is required',
    'add --as-of 2026-11-23T22:00:00+01:00 (with a zone), or --latest',
  );
}

function refuseUnclearSelection({ volume, server, name, all }: GenerateFlags): void {
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
    return usage(
      names.length === 0 ? 'the project has no disks' : `no disk matches --name ${names.join(' or ')}`,
      'to list the disks: vbsctl get volumes',
    );
  const { detail, alike } = detachedVolumes(inventory, servers);
  return Failure.of('usage', 'no-disks', `no matching disk is attached to ${servers.join(', ')}`, {
    detail,
    remedy: alike
      ? `if these are its disks: vbsctl generate --name ${shellWord(alike)} instead of --server`
      : 'name its disks: --name GLOB or --volume NAME instead of --server',
  });
}

/** The name of the server or volume, if one is selected. */
function setName({ server = [], volume = [] }: GenerateFlags, volumes: readonly VolumeRow[]): string {
  const [one, ...more] = server.length > 0 ? server : volume;
  const [only] = volumes;
  const name = one !== undefined && more.length === 0 ? one : volumes.length === 1 ? only?.name : undefined;
  return toName(name ?? '') || 'restores';
}

import { warning } from '../../domain/diagnostic.ts';
import { EXIT, type ExitCode, unreachable } from '../../domain/errors.ts';
import { shellWord } from '../../domain/escape/shell-word.ts';
import type { Inventory, InventoryKind } from '../../domain/inventory.ts';
import { filterBackups, filterServers, filterVolumes, type InventoryFilter } from '../../inventory/filter.ts';
import { backupsText, namesText, serversText, volumesText } from '../../views/inventory-text.ts';
import type { TextOptions } from '../../views/terminal.ts';
import { toYaml } from '../../views/yaml-text.ts';
import type { Io } from '../io.ts';
import { printJson, showDiagnostics, textOptions } from '../print.ts';
import { detachedVolumes, type FilterFlags, filterOf, readProject } from '../read-project.ts';

export interface GetFlags extends FilterFlags {
  readonly output: 'table' | 'json' | 'yaml' | 'name';
}

/** Lists the project. Needs no state. */
export async function get(io: Io, kind: InventoryKind, flags: GetFlags): Promise<ExitCode> {
  const filter = filterOf(flags);
  const { inventory } = await readProject(io, flags, filter);
  if (kind !== 'servers') warnOfDetached(io, kind, inventory, filter);
  switch (kind) {
    case 'backups':
      return print(io, kind, flags, filterBackups(inventory.backups, filter), backupsText);
    case 'volumes':
      return print(io, kind, flags, filterVolumes(inventory.volumes, filter), volumesText);
    case 'servers':
      return print(io, kind, flags, filterServers(inventory.servers, filter), serversText);
    default:
      return unreachable(kind);
  }
}

/** A server whose volumes were detached has no volumes in the list, and no backups. They may seem lost. */
function warnOfDetached(
  io: Io,
  kind: 'backups' | 'volumes',
  inventory: Inventory,
  { servers }: InventoryFilter,
): void {
  const bare = servers.filter(
    (server) =>
      filterVolumes(inventory.volumes, { servers: [server], volumes: [], names: [], statuses: [] }).length ===
      0,
  );
  if (bare.length === 0) return;
  const { detail, alike } = detachedVolumes(inventory, bare);
  const disks = `vbsctl get volumes --name ${alike === undefined ? "'GLOB'" : shellWord(alike)}`;
  const commands = kind === 'backups' ? `${disks}, then: vbsctl get backups --volume NAME` : disks;
  showDiagnostics(io, [
    warning('no-disks', `no disk is attached to ${bare.join(', ')}`, {
      detail,
      remedy: alike ? `if these are its disks: ${commands}` : `find its disks by name: ${commands}`,
    }),
  ]);
}

function print<Row extends { readonly id: string; readonly name: string }>(
  io: Io,
  kind: InventoryKind,
  { output }: GetFlags,
  rows: readonly Row[],
  table: (rows: readonly Row[], options: TextOptions) => string,
): ExitCode {
  switch (output) {
    case 'table':
      io.stdout.write(table(rows, textOptions(io)));
      break;
    case 'json':
      printJson(io, { format: 1, [kind]: rows });
      break;
    case 'yaml':
      io.stdout.write(toYaml({ format: 1, [kind]: rows }));
      break;
    case 'name':
      io.stdout.write(namesText(rows));
      break;
    default:
      return unreachable(output);
  }
  return EXIT.done;
}

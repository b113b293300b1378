import type { Backup, Server, Volume } from '../domain/cloud.ts';
import type { CloudProject } from '../domain/cloud-project.ts';
import type { UnreadableEntry } from '../domain/cloud-snapshot.ts';
import { type Diagnostic, error, warning } from '../domain/diagnostic.ts';
import { Failure } from '../domain/errors.ts';
import { quoted } from '../domain/escape/quoted.ts';
import type { Inventory } from '../domain/inventory.ts';
import { listUnreadable } from '../domain/list-unreadable.ts';
import { optional } from '../domain/optional.ts';
import { suggestForReport } from '../domain/suggest.ts';
import type { Driver, Listing } from '../drivers/driver.ts';
import { type InventoryFilter, unknownOf } from '../inventory/filter.ts';
import { inventoryOf } from '../inventory/rows.ts';
import { listed } from '../views/words.ts';
import { connectCloud } from './connect-cloud.ts';
import { loadContext } from './context.ts';
import type { Io } from './io.ts';
import type { CommonFlags } from './options/shared.ts';
import { showDiagnostics } from './print.ts';

/** The content of the project, for `get` and `generate`. */
export interface Project {
  readonly inventory: Inventory;
  readonly backups: readonly Backup[];
  readonly target: CloudProject;
}

/** Lists the project. Refuses a filter that names a volume or server which is not there. */
export async function readProject(io: Io, flags: CommonFlags, filter: InventoryFilter): Promise<Project> {
  const { driver, close } = await connectCloud(await loadContext(io, flags));
  try {
    const { target } = driver;
    const leftOut: (readonly [what: string, UnreadableEntry])[] = [];
    const [volumes, backups, servers] = await Promise.all([
      wholeList<Volume>(
        'disks',
        driver.volumes(undefined, { onUnreadable: (disk) => leftOut.push(['disk', disk]) }),
      ),
      wholeList<Backup>(
        'backups',
        driver.backups(undefined, { onUnreadable: (backup) => leftOut.push(['backup', backup]) }),
      ),
      listServers(io, driver),
    ]);
    showDiagnostics(io, unreadableWarnings(leftOut));
    const projectId = target.project_id;
    const inventory = inventoryOf({ volumes, backups, ...optional('servers', servers), projectId });
    refuseUnknown(inventory, filter);
    return { inventory, backups, target };
  } finally {
    await close();
  }
}

const UNREADABLE_SHOWN_MAX = 10;

function unreadableWarnings(entries: readonly (readonly [what: string, UnreadableEntry])[]): Diagnostic[] {
  const shown = entries.slice(0, UNREADABLE_SHOWN_MAX).map(([what, { id, why }]) =>
    warning('entry-unreadable', `left out: ${what} ${id ?? 'without an id'}: ${why}`, {
      remedy: `ask the operator of the cloud to correct this ${what}`,
    }),
  );
  const more = entries.length - shown.length;
  return more > 0
    ? [...shown, warning('entry-unreadable', `left out: ${more} more that cannot be read`)]
    : shown;
}

async function wholeList<T>(what: string, listing: Promise<Listing<T>>): Promise<readonly T[]> {
  const got = await listing;
  if (got.kind === 'listed') return got.values;
  throw listUnreadable(what, got);
}

/** Without this list, servers are known from the attachments of the volumes. */
async function listServers(io: Io, driver: Driver): Promise<readonly Server[] | undefined> {
  const got = await driver.servers?.();
  if (got?.kind !== 'unreadable') return got?.values;
  showDiagnostics(io, [
    warning('servers-unreadable', `only servers with volumes attached are shown: ${got.failure.message}`, {
      remedy: 'check that these credentials may list servers',
    }),
  ]);
  return undefined;
}

function refuseUnknown(inventory: Inventory, filter: InventoryFilter): void {
  const propose = suggestForReport();
  const unknown = (what: 'disk' | 'server', typed: string, rows: readonly { readonly name: string }[]) =>
    unknownProblem(
      what,
      typed,
      propose(
        typed,
        rows.map(({ name }) => name),
      ),
    );
  const { volumes, servers } = unknownOf(inventory, filter);
  const problems = [
    ...volumes.map((name) => unknown('disk', name, inventory.volumes)),
    ...servers.map((name) => unknown('server', name, inventory.servers)),
  ];
  if (problems.length > 0) throw new Failure('usage', problems);
}

function unknownProblem(what: 'disk' | 'server', typed: string, meant: string | undefined): Diagnostic {
  const command = `vbsctl get ${what === 'disk' ? 'volumes' : 'servers'}`;
  return error(`unknown-${what}`, `no ${what} of this project is called ${typed}`, {
    ...(/[*?]/.test(typed) ? { detail: 'This option takes one name or ID. For a pattern, use --name.' } : {}),
    remedy:
      meant === undefined ? `to list them: ${command}` : `did you mean ${quoted(meant)}? See: ${command}`,
  });
}

const DETACHED_SHOWN_MAX = 10;

/** For a server without volumes: the detached volumes. `alike`: a glob for those whose names begin like its name. */
export function detachedVolumes(
  { volumes }: Inventory,
  [server = '']: readonly string[],
): { readonly detail: string; readonly alike: string | undefined } {
  const detached = volumes
    .filter(({ attachments }) => attachments.length === 0)
    .map(({ name, id }) => name || id);
  const [stem = ''] = /^.*[^\d]/.exec(server) ?? [];
  const alike = stem === '' ? [] : detached.filter((name) => name.startsWith(stem));
  const shown = listed(alike.length > 0 ? alike : detached, DETACHED_SHOWN_MAX) || 'none';
  return {
    detail: `A detached disk does not show which server it belonged to. Detached disks: ${shown}.`,
    alike: alike.length > 0 ? `${stem}*` : undefined,
  };
}

export interface FilterFlags extends CommonFlags {
  readonly volume?: readonly string[];
  readonly server?: readonly string[];
  readonly name?: readonly string[];
  readonly status?: readonly string[];
  readonly before?: string;
  readonly after?: string;
}

export function filterOf({ volume, server, name, status, before, after }: FilterFlags): InventoryFilter {
  return {
    volumes: volume ?? [],
    servers: server ?? [],
    names: name ?? [],
    statuses: status ?? [],
    ...optional('before', before === undefined ? undefined : Date.parse(before)),
    ...optional('after', after === undefined ? undefined : Date.parse(after)),
  };
}

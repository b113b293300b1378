import type { Backup, Server, Volume } from '../domain/cloud.ts';
import type { CloudProject } from '../domain/cloud-project.ts';
import { type Diagnostic, error } from '../domain/diagnostic.ts';
import { Failure } from '../domain/errors.ts';
import { quoted } from '../domain/escape/quoted.ts';
import type { Inventory } from '../domain/inventory.ts';
import { listUnreadable } from '../domain/list-unreadable.ts';
import { suggestForReport } from '../domain/suggest.ts';
import type { Driver, Listing } from '../drivers/driver.ts';
import { type InventoryFilter, unknownOf } from '../inventory/filter.ts';
import { inventoryOf } from '../inventory/rows.ts';
import { listed } from '../views/words.ts';
import { connectCloud } from './connect-cloud.ts';
import type { Io } from './io.ts';
import type { CommonFlags } from './options/shared.ts';
import { showDiagnostics } from './print.ts';
import { loadSettings } from './setup.ts';

/** What `get` and `generate` look at: the whole project, read once. */
export interface Project {
  readonly inventory: Inventory;
  /** As listed, for the rules that pick one. */
  readonly backups: readonly Backup[];
  readonly target: CloudProject;
}

/** Lists the project and refuses a filter that names a disk or server which is not there. */
export async function readProject(io: Io, flags: CommonFlags, filter: InventoryFilter): Promise<Project> {
  const settings = await loadSettings(io, flags);
  const connection = await connectCloud(io, flags, settings);
  try {
    const { driver } = connection;
    const [volumes, backups, servers] = await Promise.all([
      wholeList<Volume>('disks', driver.volumes()),
      wholeList<Backup>('backups', driver.backups()),
      listServers(io, driver),
    ]);
    const inventory = inventoryOf({
      volumes,
      backups,
      ...(servers ? { servers } : {}),
      projectId: driver.target.project_id,
    });
    refuseUnknown(inventory, filter);
    return { inventory, backups, target: driver.target };
  } finally {
    await connection.close();
  }
}

async function wholeList<T>(what: string, listing: Promise<Listing<T>>): Promise<readonly T[]> {
  const got = await listing;
  if (got.kind === 'listed') return got.values;
  throw listUnreadable(what, got);
}

/** Servers have names only: without the list, the attachments of the disks tell which there are. */
async function listServers(io: Io, driver: Driver): Promise<readonly Server[] | undefined> {
  const got = await driver.servers?.();
  if (got?.kind !== 'unreadable') return got?.values;
  showDiagnostics(io, [
    {
      severity: 'warning',
      code: 'servers-unreadable',
      summary: `only servers with volumes attached are shown: ${got.failure.message}`,
      remedy: 'check that these credentials may list servers',
    },
  ]);
  return undefined;
}

function refuseUnknown(inventory: Inventory, filter: InventoryFilter): void {
  const unknown = unknownOf(inventory, filter);
  const propose = suggestForReport();
  const problems = [
    ...unknown.volumes.map((name) => notThere('disk', name, inventory.volumes, propose)),
    ...unknown.servers.map((name) => notThere('server', name, inventory.servers, propose)),
  ];
  if (problems.length > 0) throw new Failure('usage', problems);
}

function notThere(
  what: 'disk' | 'server',
  given: string,
  there: readonly { readonly name: string }[],
  propose: ReturnType<typeof suggestForReport>,
): Diagnostic {
  const meant = propose(
    given,
    there.map(({ name }) => name),
  );
  const command = `vbsctl get ${what === 'disk' ? 'volumes' : 'servers'}`;
  return error(`unknown-${what}`, `no ${what} of this project is called ${given}`, {
    ...(/[*?]/.test(given)
      ? { detail: 'Here a name or an id is taken as it is; patterns go to --name.' }
      : {}),
    remedy:
      meant === undefined
        ? `see what is there: ${command}`
        : `did you mean ${quoted(meant)}? See: ${command}`,
  });
}

const DETACHED_SHOWN = 10;

/**
 * Where the disks of a server may be that has none attached. `alike`: a glob for the detached ones that are called
 * like it.
 */
export function detachedNow(
  { volumes }: Inventory,
  [server = '']: readonly string[],
): { readonly detail: string; readonly alike: string | undefined } {
  const detached = volumes
    .filter(({ attachments }) => attachments.length === 0)
    .map(({ name, id }) => name || id);
  const [stem = ''] = /^.*[^\d]/.exec(server) ?? [];
  const alike = stem === '' ? [] : detached.filter((name) => name.startsWith(stem));
  const shown = listed(alike.length > 0 ? alike : detached, DETACHED_SHOWN) || 'none';
  return {
    detail: `A detached disk does not tell which server it belongs to. Detached now: ${shown}.`,
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
    ...(before === undefined ? {} : { before: Date.parse(before) }),
    ...(after === undefined ? {} : { after: Date.parse(after) }),
  };
}

import type { Clock } from '../domain/clock.ts';
import type { CloudSnapshot } from '../domain/cloud-snapshot.ts';
import type { Policy } from '../domain/config.ts';
import { optional } from '../domain/optional.ts';
import { isOfAnotherVolume, type Plan } from '../domain/plan.ts';
import type { Waiver } from '../domain/policy.ts';
import { serverNames, withServerNames } from '../domain/server-names.ts';
import type { Address, ManifestFile, RestoreSpec } from '../domain/spec.ts';
import type { State } from '../domain/state.ts';
import type { Driver } from '../drivers/driver.ts';
import { plan } from '../planner/planner.ts';
import { indexRecords } from '../planner/record-index.ts';
import { snapshotNeeds } from '../planner/resolve-spec.ts';
import { VERSION } from '../version.ts';
import { refuseUndeclared } from './addresses.ts';
import { readCloud } from './read-cloud.ts';
import { refuseOtherApi, refuseOtherProject } from './refusals.ts';

export interface PlanRequest {
  readonly specs: readonly RestoreSpec[];
  /** The manifests that declare the specs. */
  readonly files: readonly ManifestFile[];
  readonly policy: Policy;
  /** Only these restores and what they depend on; empty: all. */
  readonly only: readonly Address[];
  /** Limits of the policy that the operator lifted. */
  readonly waivers: readonly Waiver[];
}

interface PlanSources {
  readonly state: State | undefined;
  /** Absent: offline. */
  readonly driver?: Driver;
  readonly clock: Pick<Clock, 'now'>;
}

/** Makes the plan that `plan` shows and `apply` executes, from manifests, state and cloud. */
export async function makePlan(request: PlanRequest, { state, driver, clock }: PlanSources): Promise<Plan> {
  const { specs, policy, only } = request;
  refuseUndeclared(only, specs);
  if (state && driver) {
    refuseOtherProject(state, driver.target);
    refuseOtherApi(state.records.values(), driver);
  }
  const now = clock.now();
  const records = indexRecords(state);
  const planFrom = (snapshot?: CloudSnapshot) =>
    plan(
      {
        ...request,
        ...optional('state', state),
        ...optional('target', driver?.target),
        ...optional('snapshot', snapshot),
        now,
        toolVersion: VERSION,
      },
      records,
    );
  if (!driver) return planFrom();
  // max_restores can be checked without the cloud: a manifest that exceeds it costs no request.
  if (policy.max_restores !== undefined) {
    const unseen = planFrom();
    if (unseen.notices.some(({ severity }) => severity === 'error')) return unseen;
  }
  const snapshot = await readCloud(driver, snapshotNeeds(specs, records));
  const made = planFrom(snapshot);
  const others = otherVolumes(made);
  const needsNames = mentionsUnnamedServers(made);
  if (others.length === 0 && !needsNames) return made;
  const named = needsNames ? await withNamesOfServers(driver, snapshot) : snapshot;
  return planFrom(others.length > 0 ? await withOtherVolumes(driver, named, others) : named);
}

/** If there are more volumes, the rest is shown by id only. */
const OTHERS_NAMED_MAX = 20;

/** The volumes that backups are of, if these are restored into other volumes and the manifest does not say so. */
function otherVolumes(made: Plan): string[] {
  const ids = made.actions
    .filter((action) => (action.kind === 'restore' || action.kind === 'blocked') && isOfAnotherVolume(action))
    .flatMap(({ backup }) => backup.of_volume_id ?? []);
  return [...new Set(ids)];
}

/** Most likely an id is wrong. Adds the names of the volumes and the list of backups, which help to find the right one. */
async function withOtherVolumes(
  driver: Driver,
  seen: CloudSnapshot,
  ids: readonly string[],
): Promise<CloudSnapshot> {
  const wanted = ids.filter((id) => seen.volumes.get(id)?.kind !== 'found').slice(0, OTHERS_NAMED_MAX);
  const [listing, readings] = await Promise.all([
    seen.backup_list ? undefined : driver.backups(),
    Promise.all(wanted.map((id) => driver.volume(id))),
  ]);
  const volumes = readings.flatMap((reading) => (reading.kind === 'found' ? [reading.value] : []));
  const backups = seen.backup_list ?? (listing?.kind === 'listed' ? listing.values : []);
  return { ...seen, advice: { volumes, backups } };
}

/** Whether a volume of the plan is attached to a server of which only the id is known. */
function mentionsUnnamedServers(made: Plan): boolean {
  return made.actions.some(
    ({ kind, volume }) =>
      (kind === 'restore' || kind === 'blocked') &&
      volume.attachments?.some(({ server_name }) => server_name === undefined),
  );
}

/** The names are for display and for `expect.server`. Without access to the servers, the plan is made without them. */
async function withNamesOfServers(driver: Driver, seen: CloudSnapshot): Promise<CloudSnapshot> {
  const listing = await driver.servers?.();
  if (listing?.kind !== 'listed') return seen;
  const names = serverNames(listing.values);
  const volumes = [...seen.volumes].map(
    ([id, reading]) =>
      [
        id,
        reading.kind === 'found' ? { ...reading, value: withServerNames(reading.value, names) } : reading,
      ] as const,
  );
  return { ...seen, volumes: new Map(volumes) };
}

import type { Clock } from '../domain/clock.ts';
import type { Policy } from '../domain/config.ts';
import type { Observations } from '../domain/observations.ts';
import { optional } from '../domain/optional.ts';
import { isOfAnotherDisk, type Plan } from '../domain/plan.ts';
import type { Waiver } from '../domain/policy.ts';
import { serverNames, withServerNames } from '../domain/server-names.ts';
import type { Address, ManifestFile, RestoreSpec } from '../domain/spec.ts';
import type { State } from '../domain/state.ts';
import type { Driver } from '../drivers/driver.ts';
import { observationNeeds } from '../planner/needs.ts';
import { plan } from '../planner/planner.ts';
import { indexRecords } from '../planner/record-index.ts';
import { VERSION } from '../version.ts';
import { refuseUndeclared } from './addresses.ts';
import { observe } from './observe.ts';
import { refuseOtherProject } from './refuse-other-project.ts';

/** What is wanted, and by which rules. */
export interface Wanted {
  readonly specs: readonly RestoreSpec[];
  /** That the specs are from. */
  readonly files: readonly ManifestFile[];
  readonly policy: Policy;
  /** Only these and what they depend on; empty: all. */
  readonly only: readonly Address[];
  /** Limits of the policy that a person lifted. */
  readonly waivers: readonly Waiver[];
}

export interface PlanSources {
  readonly state: State | undefined;
  /** Absent: offline. */
  readonly driver?: Driver;
  readonly clock: Pick<Clock, 'now'>;
}

/** Manifests, state and cloud put together: the plan that `plan` shows and `apply` executes. */
export async function makePlan(wanted: Wanted, { state, driver, clock }: PlanSources): Promise<Plan> {
  const { specs, policy, only } = wanted;
  refuseUndeclared(only, specs);
  if (state && driver) refuseOtherProject(state, driver.target);
  const now = clock.now();
  const records = indexRecords(state);
  const planFrom = (observations?: Observations) =>
    plan(
      {
        ...wanted,
        ...optional('state', state),
        ...optional('target', driver?.target),
        ...optional('observations', observations),
        now,
        toolVersion: VERSION,
      },
      records,
    );
  if (!driver) return planFrom();
  // The limit on the number of restores needs no cloud: who names a million disks costs it no request.
  if (policy.max_restores !== undefined) {
    const unseen = planFrom();
    if (unseen.notices.some(({ severity }) => severity === 'error')) return unseen;
  }
  const observations = await observe(driver, observationNeeds(specs, records));
  const made = planFrom(observations);
  const others = otherDisks(made);
  if (others.length === 0 && !mentionsServers(made)) return made;
  const named = mentionsServers(made) ? await nameServers(driver, observations) : observations;
  return planFrom(others.length > 0 ? await lookBeside(driver, named, others) : named);
}

/** More disks than this are called by their ids. */
const OTHERS_NAMED_MAX = 20;

/** Disks that backups are of which are to be restored into others, without the manifest saying so. */
function otherDisks(made: Plan): string[] {
  const ids = made.actions
    .filter((action) => (action.kind === 'restore' || action.kind === 'blocked') && isOfAnotherDisk(action))
    .flatMap(({ backup }) => backup.of_volume_id ?? []);
  return [...new Set(ids)];
}

/** Most likely an id was mistaken: what helps to see that, and the id that was meant. Made without, where it cannot be read. */
async function lookBeside(driver: Driver, seen: Observations, ids: readonly string[]): Promise<Observations> {
  const wanted = ids.filter((id) => seen.volumes.get(id)?.kind !== 'found').slice(0, OTHERS_NAMED_MAX);
  const [listing, readings] = await Promise.all([
    seen.backup_list ? undefined : driver.backups(),
    Promise.all(wanted.map((id) => driver.volume(id))),
  ]);
  const volumes = readings.flatMap((reading) => (reading.kind === 'found' ? [reading.value] : []));
  const backups = seen.backup_list ?? (listing?.kind === 'listed' ? listing.values : []);
  return { ...seen, beside: { volumes, backups } };
}

/** Whether a disk that matters is attached to a server of which only the id is known. */
function mentionsServers(made: Plan): boolean {
  return made.actions.some(
    ({ kind, volume }) =>
      (kind === 'restore' || kind === 'blocked') &&
      volume.attachments?.some(({ server_name }) => server_name === undefined),
  );
}

/** The names are for people and for `expect.server`: where they cannot be read, the plan is made without. */
async function nameServers(driver: Driver, seen: Observations): Promise<Observations> {
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

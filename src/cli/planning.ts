import { error } from '../domain/diagnostic.ts';
import { Failure } from '../domain/errors.ts';
import type { Observations } from '../domain/observations.ts';
import { isOfAnotherDisk, type Plan } from '../domain/plan.ts';
import type { Waiver } from '../domain/policy.ts';
import { serverNames, withServerNames } from '../domain/server-names.ts';
import type { ManifestFile, RestoreSpec } from '../domain/spec.ts';
import type { State } from '../domain/state.ts';
import type { Driver } from '../drivers/driver.ts';
import { observe } from '../executor/observe.ts';
import { observationNeeds } from '../planner/needs.ts';
import { plan } from '../planner/plan.ts';
import { VERSION } from '../version.ts';
import { refuseOtherTarget, refuseUnknownAddresses, type Settings } from './setup.ts';

/** Manifests, state and cloud put together: the plan that `plan` shows and `apply` executes. */
export async function makePlan(input: {
  readonly specs: readonly RestoreSpec[];
  readonly files: readonly ManifestFile[];
  readonly state: State | undefined;
  /** Absent: offline. */
  readonly driver?: Driver;
  readonly settings: Settings;
  readonly only: readonly string[];
  readonly waivers: readonly Waiver[];
}): Promise<Plan> {
  const { specs, files, state, driver, settings, only, waivers } = input;
  refuseUnknownAddresses(only, specs);
  if (state && driver) refuseOtherTarget(state, driver.target);
  const now = Date.now();
  const planFrom = (seen: Observations | undefined) =>
    plan({
      specs,
      files,
      ...(state ? { state } : {}),
      ...(driver ? { target: driver.target } : {}),
      ...(seen ? { observations: seen } : {}),
      policy: settings.config.policy,
      waivers,
      only,
      now,
      toolVersion: VERSION,
    });
  if (!driver) return planFrom(undefined);
  // The limit on the number of restores needs no cloud: who names a million disks costs it no request.
  if (settings.config.policy.max_restores !== undefined) {
    const unseen = planFrom(undefined);
    if (unseen.notices.some(({ severity }) => severity === 'error')) return unseen;
  }
  const observations = await observe(driver, observationNeeds(specs, state));
  const made = planFrom(observations);
  const others = otherDisks(made);
  if (others.length === 0 && !speaksOfServers(made)) return made;
  const named = speaksOfServers(made) ? await nameServers(driver, observations) : observations;
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
function speaksOfServers(made: Plan): boolean {
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

/** Why apply would start nothing new, if so: 3 when an outcome is unknown, else 5. */
export function refusal(plan: Plan, skipBlocked: boolean): Failure | undefined {
  const blocked = plan.actions.flatMap((action) =>
    action.kind === 'blocked' && !action.ended_before ? [action] : [],
  );
  const kind = blocked.some(({ unknown }) => unknown !== undefined) ? 'outcome_unknown' : 'refused';
  const limits = plan.notices.filter((notice) => notice.severity === 'error');
  if (limits.length > 0) return new Failure(kind, limits);
  if (blocked.length === 0 || skipBlocked) return undefined;
  return new Failure(
    kind,
    error(
      'blocked',
      `${blocked.length} of ${plan.actions.length} restores are blocked, so nothing new is started`,
      { remedy: 'fix what blocks them (see above), or do the others now: --skip-blocked' },
    ),
  );
}

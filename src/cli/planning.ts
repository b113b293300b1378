import { error } from '../domain/diagnostic.ts';
import { Failure } from '../domain/errors.ts';
import type { Observations } from '../domain/observations.ts';
import type { Plan } from '../domain/plan.ts';
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
  const observations = driver && (await observe(driver, observationNeeds(specs, state)));
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
  const made = planFrom(observations);
  if (!driver || !observations || !speaksOfServers(made)) return made;
  return planFrom(await nameServers(driver, observations));
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

/** Why apply would not begin, if so. */
export function refusal(plan: Plan, skipBlocked: boolean): Failure | undefined {
  const limits = plan.notices.filter((notice) => notice.severity === 'error');
  if (limits.length > 0) return new Failure('refused', limits);
  const blocked = plan.actions.filter((action) => action.kind === 'blocked').length;
  if (blocked === 0 || skipBlocked) return undefined;
  return new Failure(
    'refused',
    error('blocked', `${blocked} of ${plan.actions.length} restores are blocked, so nothing was started`, {
      remedy: 'mend what blocks them (see above), or do the others now: --skip-blocked',
    }),
  );
}

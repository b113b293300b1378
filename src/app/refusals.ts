import { firstLines } from '../domain/abbreviate.ts';
import { type CloudProject, isEmulator, otherProjectProblem, sameProject } from '../domain/cloud-project.ts';
import { MultilineText } from '../domain/diagnostic.ts';
import { Failure, refused } from '../domain/errors.ts';
import type { Plan } from '../domain/plan.ts';
import { apiOf, isUnderWay, type RestoreRecord, statusWord } from '../domain/record.ts';
import { resolveCommand } from '../domain/resolve-command.ts';
import type { State } from '../domain/state.ts';
import type { Driver } from '../drivers/driver.ts';
import type { Backend } from '../state/backend.ts';

/** The failures that several use cases share. */

export function noState({ location }: Pick<Backend, 'location'>): Failure {
  return refused(
    'no-state',
    `there is no state at ${location}`,
    'create one: vbsctl init; or name another with --state',
  );
}

export const ADD_EMULATOR = 'to use it: add --cloud emulator, or set cloud: emulator in vbsctl.yaml';

/** A state is bound to the project that it was created for. */
export function refuseOtherProject(state: State, project: CloudProject): void {
  if (sameProject(state.target, project)) return;
  const remedy =
    isEmulator(state.target) && !isEmulator(project)
      ? `it belongs to the built-in emulator; ${ADD_EMULATOR}`
      : 'use credentials for the project of the state, or another state: --state FILE';
  throw new Failure('refused', [
    otherProjectProblem('other-project', 'state', state.target, project, remedy),
  ]);
}

/** Another API knows neither the job nor what a change of the disk means, and a run would wait for its end in vain. */
export function refuseOtherApi(records: Iterable<RestoreRecord>, { api }: Pick<Driver, 'api'>): void {
  for (const record of records) {
    const own = apiOf(record);
    if (!isUnderWay(record) || own === undefined || own === api) continue;
    throw refused(
      'other-api',
      `${record.address} is ${statusWord(record.status)} and was sent with api: ${own}; this run has api: ${api}`,
      `use the API that it was sent with until it has ended: api: ${own} in your config (--config FILE); if that API is gone, find out what happened, then: ${resolveCommand(record.address)}`,
    );
  }
}

const BLOCKED_SHOWN_MAX = 10;

/** Why apply would start nothing new, if so. The failure exits with 3 if an outcome is unknown, else with 5. */
export function refusal(plan: Plan, skipBlocked: boolean): Failure | undefined {
  const blocked = plan.actions.flatMap((action) =>
    action.kind === 'blocked' && !action.ended_before ? [action] : [],
  );
  const kind = blocked.some(({ unknown }) => unknown !== undefined) ? 'outcome_unknown' : 'refused';
  const limits = plan.notices.filter((notice) => notice.severity === 'error');
  if (limits.length > 0) return new Failure(kind, limits);
  if (blocked.length === 0 || skipBlocked) return undefined;
  return Failure.of(
    kind,
    'blocked',
    `${blocked.length} of ${plan.actions.length} restores are blocked, so nothing new is started`,
    {
      detail: new MultilineText(
        ...firstLines(
          blocked,
          BLOCKED_SHOWN_MAX,
          ({ address, reasons }) => `${address}: ${reasons[0]?.summary}`,
        ),
      ),
      remedy: 'fix what blocks them, or leave them out: the same command with --skip-blocked',
    },
  );
}

/**
 * If the cloud could not be read, the plan does not cover some of its restores. It is not saved, and the exit code is 1
 * whatever else the plan says, so that no pipeline takes it for a complete one. Throws a Failure (`cloud`).
 */
export function refuseIncomplete({ actions }: Plan): void {
  const unread = actions.filter(
    (action) => action.kind === 'blocked' && action.reasons.some(({ code }) => code === 'unreadable'),
  );
  if (unread.length === 0) return;
  throw Failure.of(
    'cloud',
    'incomplete-plan',
    `the plan is not complete: ${unread.length} of ${actions.length} restores could not be checked`,
    {
      detail: 'Their disks or backups could not be read; the plan says why.',
      remedy: 'plan again once the cloud can be read',
    },
  );
}

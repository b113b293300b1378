import type { CloudProject } from '../domain/cloud-project.ts';
import { type Diagnostic, error } from '../domain/diagnostic.ts';
import type { Action, BlockedAction, Plan, ResumeAction } from '../domain/plan.ts';
import type { RestoreRecord, UnderWay, Unknown } from '../domain/record.ts';
import type { State } from '../domain/state.ts';
import { VERSION } from '../version.ts';
import { asBlocked } from './dependencies.ts';

/**
 * A plan that only follows restores under way, made from their records. `unknown`: restores left out because their
 * outcome must be resolved.
 */
export function followPlan(
  records: readonly UnderWay[],
  state: Pick<State, 'lineage' | 'serial'>,
  target: CloudProject,
  createdAt: string,
  unknown: readonly Unknown[] = [],
): Plan {
  return {
    format: 1,
    created_at: createdAt,
    tool_version: VERSION,
    offline: false,
    target,
    state: { lineage: state.lineage, serial: state.serial },
    manifests: [],
    actions: [...records.map(followed), ...unknown.map(leftOut)],
    orphans: [],
    moves: [],
    notices: [],
  };
}

function recordFields(
  record: RestoreRecord,
): Pick<ResumeAction, 'address' | 'volume' | 'backup' | 'generation' | 'source'> {
  const { address, volume_id, backup_id, names, generation } = record;
  const { volume_name, backup_name: name, size, backup_created_at: created_at } = names;
  return {
    address,
    volume: { id: volume_id, name: volume_name },
    backup: { id: backup_id, name, size, created_at },
    generation,
    source: { address },
  };
}

/** For a run that only follows: it sends nothing, so no policy applies. */
function followed(record: UnderWay): ResumeAction {
  return {
    kind: 'resume',
    ...recordFields(record),
    expect: {},
    depends_on: [],
    record,
    policy_violations: [],
  };
}

function leftOut(unknown: Unknown): BlockedAction {
  const reason = error('outcome-unknown', 'its outcome is unknown, and waiting cannot determine it');
  return { kind: 'blocked', ...recordFields(unknown), reasons: [reason], unknown };
}

/**
 * The part of a refused plan that a run in mode `follow` may do: restores under way are followed; nothing new starts,
 * and no record is renamed or changed otherwise. Undefined if nothing is under way.
 */
export function onlyFollowing(plan: Plan, why: readonly Diagnostic[]): Plan | undefined {
  if (!plan.actions.some(({ kind }) => kind === 'resume')) return undefined;
  return { ...plan, moves: [], actions: plan.actions.map((action) => withoutStart(action, why)) };
}

function withoutStart(action: Action, why: readonly Diagnostic[]): Action {
  switch (action.kind) {
    case 'resume': {
      // Its record is not renamed.
      const { was, protect, ...rest } = action;
      return { ...rest, address: was ?? action.address };
    }
    case 'restore': {
      // Its record is not renamed.
      const { was, ...restore } = action;
      const summaries = why.map(({ summary }) => summary).join('; ');
      return asBlocked(restore, error('plan-refused', `nothing new is started: ${summaries}`));
    }
    case 'noop': {
      const { new_selector, new_protect, ...rest } = action;
      return rest;
    }
    default:
      return action;
  }
}

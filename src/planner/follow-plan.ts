import type { CloudProject } from '../domain/cloud-project.ts';
import { type Diagnostic, error } from '../domain/diagnostic.ts';
import type { Action, BlockedAction, Plan, ResumeAction } from '../domain/plan.ts';
import type { RestoreRecord, UnderWay, Unknown } from '../domain/record.ts';
import type { State } from '../domain/state.ts';
import { VERSION } from '../version.ts';

/** A plan of nothing but what is under way, made of the records; `unknown`: what it leaves out, for a person to settle. */
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

function common(
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

/** Of a run that only follows: it sends nothing, whatever the policy says. */
function followed(record: UnderWay): ResumeAction {
  return { kind: 'resume', ...common(record), expect: {}, depends_on: [], record, refused: [] };
}

function leftOut(unknown: Unknown): BlockedAction {
  const reason = error('outcome-unknown', 'its outcome is unknown, and waiting cannot determine it');
  return { kind: 'blocked', ...common(unknown), reasons: [reason], unknown };
}

/**
 * What is left of a plan that is refused: what is under way is followed, which can only help; nothing new starts,
 * and nothing is renamed or noted. Undefined when nothing is under way. For a run in mode `follow`.
 */
export function onlyFollowing(plan: Plan, why: readonly Diagnostic[]): Plan | undefined {
  if (!plan.actions.some(({ kind }) => kind === 'resume')) return undefined;
  return { ...plan, moves: [], actions: plan.actions.map((action) => withoutStart(action, why)) };
}

function withoutStart(action: Action, why: readonly Diagnostic[]): Action {
  switch (action.kind) {
    case 'resume': {
      // Its record stays where it stands.
      const { was, protect, ...rest } = action;
      return { ...rest, address: was ?? action.address };
    }
    case 'restore': {
      const { address, volume, backup, generation, source } = action;
      const reason = error(
        'plan-refused',
        `nothing new is started: ${why.map(({ summary }) => summary).join('; ')}`,
      );
      return { kind: 'blocked', address, volume, backup, generation, source, reasons: [reason] };
    }
    case 'noop': {
      const { note_rule, note_protect, ...rest } = action;
      return rest;
    }
    default:
      return action;
  }
}

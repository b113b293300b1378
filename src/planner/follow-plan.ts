import type { CloudProject } from '../domain/cloud-project.ts';
import { error } from '../domain/diagnostic.ts';
import type { BlockedAction, Plan, ResumeAction } from '../domain/plan.ts';
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

import type { Plan, ResumeAction } from '../domain/plan.ts';
import type { State } from '../domain/state.ts';
import type { Target } from '../domain/target.ts';
import { VERSION } from '../version.ts';

export type UnderWay = ResumeAction['record'];

/** A plan of nothing but what is under way, made of the records. */
export function followPlan(
  records: readonly UnderWay[],
  state: Pick<State, 'lineage' | 'serial'>,
  target: Target,
  createdAt: string,
): Plan {
  return {
    format: 1,
    created_at: createdAt,
    tool_version: VERSION,
    offline: false,
    target,
    state: { lineage: state.lineage, serial: state.serial },
    manifests: [],
    actions: records.map(
      (record): ResumeAction => ({
        kind: 'resume',
        address: record.address,
        volume: { id: record.volume_id, name: record.names.volume_name },
        backup: {
          id: record.backup_id,
          name: record.names.backup_name,
          size: record.names.size,
          created_at: record.names.backup_created_at,
        },
        generation: record.generation,
        source: { address: record.address },
        expect: {},
        depends_on: [],
        record,
        // A run that only follows sends nothing.
        refused: [],
      }),
    ),
    orphans: [],
    moves: [],
    notices: [],
  };
}

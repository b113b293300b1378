import { sameJson } from '../domain/canonical-json.ts';
import type { Backup } from '../domain/cloud.ts';
import { type Diagnostic, error } from '../domain/diagnostic.ts';
import { unreachable } from '../domain/errors.ts';
import type { Action, NoopAction, RestoreAction, ResumeAction } from '../domain/plan.ts';
import type {
  SavedBackup,
  SavedNoop,
  SavedPlan,
  SavedRestore,
  SavedRunnable,
  SavedVolume,
} from '../domain/saved-plan.ts';
import { type RestoreSpec, selectorOf } from '../domain/spec.ts';
import type { State } from '../domain/state.ts';
import { type Progress, planStale } from './plan-staleness.ts';
import { savedAction } from './save.ts';
import { indexBackups, pickBackup } from './select.ts';

/** How what state and cloud lead to differs from what the approvers of a saved plan saw. */

/** Of a restore that the plan starts or resumes. */
export function restoreDifferences(
  saved: SavedRunnable,
  today: Action,
  progress: Progress,
  moved: boolean,
  plan: SavedPlan,
): Diagnostic[] {
  return [
    ...anotherKind(saved, today, progress),
    ...recordElsewhere(saved, today, moved),
    ...otherFacts(saved, today, progress, plan),
  ];
}

/**
 * A start that the plan shows as a resumption, or the reverse. Runs of the same plan since then may explain the
 * difference.
 */
function anotherKind({ kind, declared }: SavedRunnable, today: Action, progress: Progress): Diagnostic[] {
  if (kind === 'resume' && today.kind === 'restore' && progress !== 'to_repeat')
    return [planStale(declared.address, 'the plan resumes it, but the state has nothing under way there')];
  if (kind === 'restore' && today.kind === 'resume' && progress !== 'under_way')
    return [planStale(declared.address, 'the plan starts it, but it was started without this plan since')];
  return [];
}

/** The executor resumes the record at the address, so it must not miss one that was renamed since. */
function recordElsewhere(saved: SavedRunnable, { was }: Action, moved: boolean): Diagnostic[] {
  if (was === (moved ? undefined : saved.was)) return [];
  const { address } = saved.declared;
  return [planStale(address, `its record is now at ${was ?? address}`)];
}

function otherFacts(saved: SavedRunnable, today: Action, progress: Progress, plan: SavedPlan): Diagnostic[] {
  const { created_at: approvedAt } = plan;
  const { address } = saved.declared;
  const where = { address };
  const differ = (what: string) =>
    planStale(address, `${what}, which differs from the plan approved at ${approvedAt}`);
  switch (today.kind) {
    case 'resume':
      // This plan began it, as it was approved.
      if (progress === 'under_way') return [];
      return [
        ...viewDifferences(saved, savedAction(today, saved.declared)).map(differ),
        // The rule of the record stays, even if it would not select the backup today.
        ...(sameJson(today.record.selector, selectorOf(saved.declared))
          ? []
          : ruleMismatch(saved.declared, today, plan)),
      ];
    case 'restore': {
      const derived = savedAction(today, saved.declared);
      return [
        ...viewDifferences(saved, derived).map(differ),
        // A repetition by this plan differs from its first attempt, which was as approved.
        ...(progress === 'to_do' && saved.kind === 'restore' ? changeDifferences(saved, derived) : []).map(
          differ,
        ),
        ...ruleMismatch(saved.declared, today, plan),
      ];
    }
    case 'blocked':
      return today.reasons.map((reason) => ({
        ...reason,
        summary: `${reason.summary}; the plan made at ${approvedAt} does not have it as blocked`,
        where,
      }));
    case 'expired':
      return [
        error('plan-expired', `it expired at ${today.valid_until}`, {
          remedy: 'to run it anyway: raise valid_until in the manifest, make a new plan and have it approved',
          where,
        }),
      ];
    case 'noop':
      return [differ(`it was done at ${today.done_at}`)];
    default:
      return unreachable(today);
  }
}

type Facts<View> = {
  readonly [Field in Exclude<keyof View, 'id'>]-?: (now: View[Field], approved: View[Field]) => string;
};

/** Approvers read names: a changed name may change what they meant. */
const DISK: Facts<SavedVolume> = {
  name: (now, approved) => `is called ${now || 'nothing'}, not ${approved || 'nothing'}`,
  size: (now, approved) => `has ${now ?? 'no'} GB, not ${approved ?? 'no'} GB`,
};

const BACKUP: Facts<SavedBackup> = {
  ...DISK,
  created_at: (now, approved) => `was created at ${now}, not ${approved}`,
  of_volume_id: (now, approved) => `is of disk ${now}, not of ${approved}`,
};

function viewDifferences(approved: SavedRunnable, now: SavedRunnable): string[] {
  return [
    ...factDifferences(`disk ${now.volume.id}`, DISK, approved.volume, now.volume),
    ...factDifferences(`backup ${now.backup.id}`, BACKUP, approved.backup, now.backup),
  ];
}

function factDifferences<View>(what: string, facts: Facts<View>, approved: View, now: View): string[] {
  return (Object.keys(facts) as (keyof typeof facts)[]).flatMap((field) =>
    now[field] === approved[field] ? [] : [`${what} ${facts[field](now[field], approved[field])}`],
  );
}

function changeDifferences(approved: SavedRestore, now: SavedRestore): string[] {
  if (now.again === approved.again && sameJson(now.changes, approved.changes)) return [];
  const fields = now.changes.map(({ field }) => field).join(', ');
  return [`it restores ${now.again ? 'again' : 'for the first time'} and changes ${fields || 'nothing'}`];
}

/** Of a restore that is done. */
export function noopDifferences(
  saved: SavedNoop,
  today: Action,
  plan: SavedPlan,
  state: State,
): Diagnostic[] {
  const { declared, done_at, records_protect, records_selector } = saved;
  const { address } = declared;
  if (today.kind !== 'noop') return [planStale(address, 'the plan shows it as done, but the state does not')];
  if (today.done_at !== done_at)
    return [planStale(address, `it was done at ${today.done_at}, not at ${done_at} as the plan shows`)];
  const record = state.records.get(today.was ?? address);
  // An earlier run of the plan recorded what the plan shows.
  if (record?.plan_digest === plan.digest) return [];
  const changesProtect = today.new_protect !== undefined;
  if (changesProtect !== (records_protect === true))
    return [
      planStale(
        address,
        changesProtect
          ? 'it would change whether its disk is protected, and the plan does not show that'
          : 'the plan shows that it changes whether its disk is protected, but it does not',
      ),
    ];
  if (!records_selector) return [];
  const selector = selectorOf(declared);
  const isNew =
    record?.status === 'succeeded' &&
    record.volume_id === today.volume.id &&
    record.backup_id === today.backup.id &&
    !sameJson(record.selector, selector);
  // The record would then count as done by this rule, too.
  return isNew
    ? ruleMismatch(declared, today, plan)
    : [planStale(address, 'the plan records its rule, but the state has no record to add it to')];
}

/** The rule is from the manifest: a backup that it could not have picked was not intended. */
function ruleMismatch(
  { address, backup: rule }: RestoreSpec,
  { volume, backup }: RestoreAction | ResumeAction | NoopAction,
  { created_at }: SavedPlan,
): Diagnostic[] {
  if (rule.by !== 'selector' || volume.id === undefined) return [];
  // The record of a done restore does not say which disk its backup is of.
  const source = rule.selector.of_volume ?? volume.id;
  const { id = '', name = '', size = 0, created_at: taken = '', of_volume_id = source } = backup;
  const seen: Backup = { id, name, size, created_at: taken, volume_id: of_volume_id, status: 'available' };
  const picked = pickBackup(rule.selector, volume.id, indexBackups([seen], ''), Date.parse(created_at));
  if (picked.kind === 'picked') return [];
  return [planStale(address, `its rule does not pick backup ${id}, which the plan has for it`)];
}

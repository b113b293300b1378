import { abbreviate } from '../domain/abbreviate.ts';
import { append } from '../domain/append.ts';
import { VOLUME_RESTORING } from '../domain/cloud.ts';
import { type Diagnostic, note, warning } from '../domain/diagnostic.ts';
import { formatDuration } from '../domain/duration.ts';
import { shellOperand } from '../domain/escape/shell-word.ts';
import type { Action, RestoreAction } from '../domain/plan.ts';
import { isOpen, type RestoreRecord, statusWord } from '../domain/record.ts';
import type { State } from '../domain/state.ts';
import { overwritesWithAnother } from './another-volume.ts';
import type { PlanContext } from './context.ts';
import { overwriteWarnings } from './overwrite-warnings.ts';
import type { ResolvedSpec } from './resolve-spec.ts';
import { describeUnusable, passedOver } from './select.ts';
import { atPosition } from './shown.ts';

/** Warnings and notes about an action that follows the rules. */
export function noticesOf(
  action: Action,
  { spec, found }: ResolvedSpec,
  waived: readonly Diagnostic[],
  context: PlanContext,
): Diagnostic[] {
  const { source, address } = spec;
  const atAddress = (notices: readonly Diagnostic[]) =>
    notices.map((one) => ({ ...one, where: { address } }));
  if (action.kind === 'resume') return atAddress(waived);
  if (action.kind === 'restore')
    return atAddress([
      ...waived,
      ...overwritesWithAnother(action, context),
      ...movingRule(action),
      ...skippedBackups(action, context),
      ...uncheckedServer(action, context),
      ...beforeOverwriting(action, context),
    ]);
  if (action.kind !== 'noop' || !found) return [];
  const { record } = found;
  const generation = context.records.nextGeneration(record.volume_id, record.backup_id, spec.backup);
  const remedy = `to restore this backup again: raise generation to ${generation}${atPosition(source)}`;
  const notices = [...doneAtHigher(record, spec.generation), ...touchedSince(record, context)];
  return atAddress(notices.map((notice) => ({ ...notice, remedy })));
}

/** `latest` would pick another backup tomorrow: only a saved plan keeps the approved one. */
function movingRule({ selector, backup }: RestoreAction): Diagnostic[] {
  if (selector?.as_of !== 'latest') return [];
  return [
    warning(
      'as-of-latest',
      `as_of: latest selects ${backup.name || backup.id} now, and a newer backup as soon as there is one`,
      {
        remedy: `to keep this backup, write as_of: ${backup.created_at}; or apply a saved plan: vbsctl plan --out plan.json`,
      },
    ),
  ];
}

/** Newer backups that the rule did not pick, because they cannot be restored. */
function skippedBackups(
  { selector, volume, backup }: RestoreAction,
  { unusable }: PlanContext,
): Diagnostic[] {
  const { created_at } = backup;
  if (!selector || volume.id === undefined || created_at === undefined) return [];
  const skipped = passedOver(selector, volume.id, unusable, { created_at });
  if (skipped.length === 0) return [];
  return [
    warning(
      'backup-passed-over',
      `the rule passes over what cannot be restored: ${abbreviate(skipped, 3, describeUnusable)}`,
      { remedy: 'if the older backup will do, nothing needs to be done' },
    ),
  ];
}

/** A detached disk does not name its server. */
function uncheckedServer({ expect, volume }: RestoreAction, { snapshot }: PlanContext): Diagnostic[] {
  const seen = snapshot?.volumes.get(volume.id ?? '');
  if (expect.server === undefined || seen?.kind !== 'found' || seen.value.attachments.length > 0) return [];
  return [
    warning(
      'server-unchecked',
      `expect.server: ${expect.server} cannot be checked, because the disk is attached to no server`,
    ),
  ];
}

/** The disks of one set often belong together, such as data and log of a database. */
export function differentMoments(actions: readonly Action[]): Diagnostic[] {
  const sets = new Map<string, RestoreAction[]>();
  for (const action of actions)
    if (action.kind === 'restore') append(sets, action.address.split('/')[0] ?? '', action);
  return [...sets].flatMap(([set, restores]) => {
    const moments = restores
      .flatMap(({ address, backup: { created_at } }) =>
        created_at === undefined ? [] : [{ address, created_at }],
      )
      .sort((a, b) => Date.parse(a.created_at) - Date.parse(b.created_at));
    const [first, last] = [moments[0], moments.at(-1)];
    const apartMs = first && last ? Date.parse(last.created_at) - Date.parse(first.created_at) : 0;
    if (!first || !last || apartMs < TOGETHER_MS) return [];
    const [from, to] = [first, last].map(({ address, created_at }) => `${created_at} (${address})`);
    return [
      warning(
        'different-moments',
        `the disks of ${set} go back to moments up to ${formatDuration(apartMs)} apart: from ${from} to ${to}`,
        { detail: 'If they belong together, such as data and log of a database, they may not fit.' },
      ),
    ];
  });
}

/** Backups of one nightly run are minutes apart. */
const TOGETHER_MS = 3_600_000;

/** What the service does with disk and backup. */
function beforeOverwriting({ volume, backup }: RestoreAction, { snapshot }: PlanContext): Diagnostic[] {
  const seen = snapshot?.volumes.get(volume.id ?? '');
  if (seen?.kind !== 'found' || backup.size === undefined) return [];
  return overwriteWarnings(seen.value, { size: backup.size });
}

function doneAtHigher({ generation }: RestoreRecord, asked: number): Diagnostic[] {
  if (generation === asked) return [];
  return [
    note(
      'generation-lowered',
      `it was already done as generation ${generation}; lowering it to ${asked} has no effect`,
    ),
  ];
}

/** The restore is done, but the disk may contain something else now. `superseded_by` shows later successes. */
function touchedSince({ volume_id, backup_id }: RestoreRecord, { records }: PlanContext): Diagnostic[] {
  const [open] = records.openOn(volume_id, backup_id).disk;
  const touch = records.lastTouch(volume_id);
  const since = open
    ? `${open.address} is ${statusWord(open.status)} on this disk`
    : touch?.status === 'failed'
      ? `${touch.address} failed at ${touch.finished_at} and may have touched this disk`
      : undefined;
  if (since === undefined) return [];
  return [warning('disk-touched-since', `since it was done, ${since}`)];
}

/** Disks that are being restored now, but not by a restore of the state. */
export function foreignRestores(actions: readonly Action[], state: State | undefined): Diagnostic[] {
  const ours = new Set<string>();
  for (const record of state?.records.values() ?? []) if (isOpen(record)) ours.add(record.volume_id);
  return actions.flatMap(({ kind, volume, address }) => {
    if (volume.id === undefined || volume.status !== VOLUME_RESTORING || ours.has(volume.id)) return [];
    return [
      warning('restored-by-others', 'another client is restoring this disk right now', {
        remedy:
          kind === 'restore'
            ? `if it is this restore, started by hand: wait for its end, then: vbsctl import ${shellOperand(address)} --job-id … --reason "…"`
            : 'find out who started it before you use the disk',
        where: { address },
      }),
    ];
  });
}

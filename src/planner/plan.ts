import { isoTime } from '../domain/clock.ts';
import type { Backup, Reading, Volume } from '../domain/cloud.ts';
import type { Policy } from '../domain/config.ts';
import { type Diagnostic, error } from '../domain/diagnostic.ts';
import { unreachable } from '../domain/errors.ts';
import type { Observations } from '../domain/observations.ts';
import type { Action, BackupView, FieldChange, Plan, VolumeView } from '../domain/plan.ts';
import { identityProblems, waitsFor } from '../domain/preflight.ts';
import { isOpen, jobIdOf, optional, type Record } from '../domain/record.ts';
import type { Address, ManifestFile, RestoreSpec } from '../domain/spec.ts';
import type { State } from '../domain/state.ts';
import type { Target } from '../domain/target.ts';
import { type Claims, claim } from './claims.ts';
import { guardPlan, guardRestore } from './guards.ts';
import { type Ledger, ledgerOf } from './ledger.ts';
import { type BackupsByVolume, byVolume, pickBackup, pickVolume } from './select.ts';

export interface PlanInput {
  readonly specs: readonly RestoreSpec[];
  readonly files: readonly ManifestFile[];
  /** Absent: nothing was initialised yet. */
  readonly state?: State;
  /** Absent only offline. */
  readonly target?: Target;
  /** Absent: offline; nothing is said about the cloud. */
  readonly observations?: Observations;
  readonly policy: Policy;
  /** Plan only these and what they depend on; empty: all. */
  readonly only: readonly Address[];
  /** Epoch ms. */
  readonly now: number;
  readonly toolVersion: string;
}

/**
 * What `apply` would do. Pure: specs × state × observations × now. Linear in specs and records.
 */
export function plan(input: PlanInput): Plan {
  const context = contextOf(input);
  const wanted = selectWithDependencies(input.specs, input.only);
  const resolved = input.specs.map((spec) => resolve(spec, context));
  const claims = claim(resolved, context.ledger);
  const crowded = crowdedVolumes(resolved, claims, input.now);
  const actions = resolved
    .filter(({ spec }) => wanted.has(spec.address))
    .map((one) => decide(one, claims, crowded, context));
  return {
    format: 1,
    created_at: isoTime(input.now),
    tool_version: input.toolVersion,
    offline: input.observations === undefined,
    ...optional('target', input.target ?? input.state?.target),
    ...optional('state', input.state && { lineage: input.state.lineage, serial: input.state.serial }),
    manifests: input.files,
    actions,
    orphans: [...(input.state?.records.values() ?? [])]
      .filter((record) => !claims.claimed.has(record.address))
      .map(({ address, status, volume_id, backup_id }) => ({ address, status, volume_id, backup_id })),
    // All renames, also of what --target leaves out: two records may be changing places.
    moves: [...claims.movedFrom].map(([to, from]) => ({ from, to })),
    notices: [
      ...guardPlan(actions.filter((action) => action.kind === 'restore').length, input.policy),
      ...actions.flatMap(expansionNotice),
    ],
  };
}

interface Context {
  readonly ledger: Ledger;
  readonly observations: Observations | undefined;
  readonly backupsByVolume: BackupsByVolume;
  readonly projectId: string;
  readonly policy: Policy;
  readonly now: number;
}

function contextOf(input: PlanInput): Context {
  return {
    ledger: ledgerOf(input.state),
    observations: input.observations,
    backupsByVolume: byVolume(input.observations?.backup_list ?? []),
    projectId: (input.target ?? input.state?.target)?.project_id ?? '',
    policy: input.policy,
    now: input.now,
  };
}

/** A spec with its disk and backup found, as far as they could be. */
export interface Resolved {
  readonly spec: RestoreSpec;
  readonly volume_id: string | undefined;
  readonly backup_id: string | undefined;
  /** The record of this very restore, under whatever address. */
  readonly record: Record | undefined;
  /** Why it could not be resolved. */
  readonly problems: readonly Diagnostic[];
}

/** Done or not is asked before anything is picked: what is done is not picked again. */
function resolve(spec: RestoreSpec, context: Context): Resolved {
  const { ledger, observations } = context;
  const problems: Diagnostic[] = [];
  let volumeId = spec.volume.by === 'id' ? spec.volume.id : undefined;
  if (spec.volume.by === 'name') {
    const picked = observations?.volume_list && pickVolume(spec.volume.name, observations.volume_list);
    if (picked?.kind === 'picked') volumeId = picked.value.id;
    else problems.push(picked?.why ?? needsCloud('volume.name'));
  }
  if (volumeId === undefined)
    return { spec, volume_id: undefined, backup_id: undefined, record: undefined, problems };

  const found = ledger.find(volumeId, spec.backup, spec.generation)?.record;
  if (found) return { spec, volume_id: volumeId, backup_id: found.backup_id, record: found, problems };
  if (spec.backup.by === 'id')
    return { spec, volume_id: volumeId, backup_id: spec.backup.id, record: undefined, problems };

  const picked =
    observations?.backup_list &&
    pickBackup(spec.backup.selector, volumeId, context.projectId, context.backupsByVolume, context.now);
  if (picked?.kind !== 'picked')
    return {
      spec,
      volume_id: volumeId,
      backup_id: undefined,
      record: undefined,
      problems: [picked?.why ?? needsCloud('backup')],
    };
  const backup_id = picked.value.id;
  // The rule is new, but what it picks may have been restored already, by its id or by another rule.
  const record = ledger.find(volumeId, { by: 'id', id: backup_id }, spec.generation)?.record;
  return { spec, volume_id: volumeId, backup_id, record, problems };
}

function needsCloud(field: string): Diagnostic {
  return error('needs-cloud', `${field} can only be resolved with the cloud`, {
    remedy: 'plan without --offline',
  });
}

function decide(one: Resolved, claims: Claims, crowded: Crowded, context: Context): Action {
  const { spec, record } = one;
  const was = claims.movedFrom.get(spec.address);
  const base = {
    address: spec.address,
    volume: volumeView(one, context),
    backup: backupView(one, context),
    generation: spec.generation,
    source: spec.source,
    ...optional('was', was),
  };
  const runnable = {
    expect: spec.expect,
    depends_on: spec.depends_on,
    ...optional('timeout_ms', spec.timeout_ms),
    ...optional('valid_until', spec.valid_until),
    ...optional('selector', spec.backup.by === 'selector' ? spec.backup.selector : undefined),
  };
  const blocked = (reasons: readonly Diagnostic[]): Action => ({ ...base, kind: 'blocked', reasons });

  const occupant = claims.occupied.get(spec.address);
  const occupied = occupant ? [addressOccupied(occupant)] : [];

  if (record) {
    if (record.status === 'succeeded') return { ...base, kind: 'noop', ...done(record, context) };
    if (claims.duplicates.has(spec.address)) return blocked([sameRestoreTwice(record.address, claims)]);
    switch (record.status) {
      case 'intended':
      case 'running':
        return occupant ? blocked(occupied) : { ...base, ...runnable, kind: 'resume', record };
      case 'unknown':
        return blocked([resolveFirst(record)]);
      case 'failed':
        if (record.touched === 'maybe') return blocked([mayBeTouched(record)]);
        break; // the disk was not touched: it is planned again
      default:
        return unreachable(record);
    }
  }
  if (hasExpired(spec, context.now)) return { ...base, kind: 'expired', valid_until: spec.valid_until };

  const reasons = [
    ...one.problems,
    ...occupied,
    ...openBusiness(one, context),
    ...crowding(one, crowded),
    ...factProblems(one, context),
  ];
  if (reasons.length > 0) return blocked(reasons);
  const before = context.ledger.at(spec.address);
  return {
    ...base,
    ...runnable,
    kind: 'restore',
    cause: before ? 'again' : 'first',
    changes: before ? fieldChanges(before, one, context) : [],
    waits_for: waits(one, context),
  };
}

// ---- what blocks

function addressOccupied(here: Record): Diagnostic {
  return error('address-occupied', `another restore at ${here.address} is still ${here.status}`, {
    detail: `disk ${here.volume_id} from backup ${here.backup_id}, generation ${here.generation}`,
    remedy: `put its declaration back to resume it, or settle it: ${resolveCommand(here.address)}`,
  });
}

function hasExpired(spec: RestoreSpec, now: number): spec is RestoreSpec & { valid_until: string } {
  return spec.valid_until !== undefined && Date.parse(spec.valid_until) <= now;
}

/** Open business first: nothing new starts on a disk or backup whose last restore may still be going on. */
function openBusiness(one: Resolved, context: Context): Diagnostic[] {
  if (one.volume_id === undefined || one.backup_id === undefined) return [];
  return context.ledger
    .openOn(one.volume_id, one.backup_id)
    .filter((open) => open !== one.record && open.address !== one.spec.address)
    .map((open) =>
      error(
        'open-business',
        `${open.address} is ${open.status} on the same ${open.volume_id === one.volume_id ? 'disk' : 'backup'}`,
        {
          detail: `disk ${open.volume_id}, backup ${open.backup_id}, since ${open.updated_at}`,
          remedy:
            open.status === 'unknown'
              ? `find out what happened, then: ${resolveCommand(open.address)}`
              : 'run vbsctl apply to bring it to its end first',
        },
      ),
    );
}

type Crowded = ReadonlyMap<string, readonly Address[]>;

/** Disks that more than one restore still has to be done on: which one comes last is for a person to say. */
function crowdedVolumes(resolved: readonly Resolved[], claims: Claims, now: number): Crowded {
  const pending = new Map<string, Address[]>();
  for (const { spec, volume_id, record } of resolved) {
    const over = record && !isOpen(record) && !(record.status === 'failed' && record.touched === 'no');
    if (volume_id === undefined || over || claims.duplicates.has(spec.address)) continue;
    if ((!record || !isOpen(record)) && hasExpired(spec, now)) continue;
    const list = pending.get(volume_id);
    if (list) list.push(spec.address);
    else pending.set(volume_id, [spec.address]);
  }
  return pending;
}

function crowding(one: Resolved, crowded: Crowded): Diagnostic[] {
  const others = (crowded.get(one.volume_id ?? '') ?? []).filter((address) => address !== one.spec.address);
  if (others.length === 0) return [];
  return [
    error('volume-shared', `${others.join(', ')} would restore into the same disk`, {
      remedy: 'keep one of them, or let one finish before the other is declared',
    }),
  ];
}

function factProblems(one: Resolved, context: Context): Diagnostic[] {
  const { observations, projectId, policy, now } = context;
  if (!observations || one.volume_id === undefined || one.backup_id === undefined) return [];
  const volume = observations.volumes.get(one.volume_id) ?? absent(observations.volume_list);
  const backup = observations.backups.get(one.backup_id) ?? absent(observations.backup_list);
  const unread = [
    ...readProblem('disk', one.volume_id, volume),
    ...readProblem('backup', one.backup_id, backup),
  ];
  if (volume?.kind !== 'found' || backup?.kind !== 'found') return unread;
  return [
    ...identityProblems(volume.value, backup.value, one.spec.expect, projectId),
    ...guardRestore(volume.value, backup.value, policy, now),
  ];
}

/** What a complete list does not hold does not exist. */
function absent(list: readonly unknown[] | undefined): Reading<never> | undefined {
  return list && { kind: 'gone', failure: { cause: 'status', message: 'not in the list' } };
}

function readProblem(what: string, id: string, reading: Reading<Volume | Backup> | undefined): Diagnostic[] {
  switch (reading?.kind) {
    case 'found':
      return [];
    case 'gone':
      return [
        error(
          `${what === 'disk' ? 'volume' : 'backup'}-gone`,
          `${what} ${id} does not exist in this project and region`,
          {
            remedy: `correct the id; list what is there with the OpenStack client: openstack volume ${what === 'disk' ? '' : 'backup '}list`,
          },
        ),
      ];
    case 'unreadable':
      return [
        error('unreadable', `${what} ${id} could not be read: ${reading.failure.message}`, {
          ...(reading.failure.request_id ? { detail: `request id ${reading.failure.request_id}` } : {}),
          remedy: reading.retryable ? 'plan again in a moment' : 'check that these credentials may read it',
        }),
      ];
    case undefined:
      throw new Error(`${what} ${id} was needed for the plan and not read`);
    default:
      return unreachable(reading);
  }
}

function sameRestoreTwice(address: Address, claims: Claims): Diagnostic {
  return error(
    'same-restore-twice',
    `this is the same restore as ${claims.claimed.get(address) ?? address}`,
    {
      remedy: 'remove one of the two declarations',
    },
  );
}

function resolveFirst(record: Record & { status: 'unknown' }): Diagnostic {
  return error('outcome-unknown', `the outcome of its last attempt is unknown: ${record.cause}`, {
    detail: `see the evidence: vbsctl state show ${record.address}`,
    remedy: `look at the disk, then: ${resolveCommand(record.address)}`,
  });
}

function mayBeTouched(record: Record & { status: 'failed' }): Diagnostic {
  const raise = `raise generation to ${record.generation + 1} to restore it again`;
  return error(
    'may-be-touched',
    `it failed at ${record.finished_at} and may have touched the disk: ${record.reason}`,
    {
      remedy: record.resolution ? raise : `${raise}, or: ${resolveCommand(record.address)}`,
    },
  );
}

function resolveCommand(address: Address): string {
  return `vbsctl resolve ${address} --as succeeded|not-started|failed --reason "…"`;
}

// ---- what is shown

function done(record: Record & { status: 'succeeded' }, { ledger }: Context) {
  const later = ledger.succeededAfter(record.volume_id, record.finished_at);
  return {
    done_at: record.finished_at,
    ...optional('job_id', jobIdOf(record)),
    ...optional(
      'superseded_by',
      later && { address: later.address, backup_id: later.backup_id, finished_at: later.finished_at },
    ),
  };
}

function waits(one: Resolved, { observations }: Context) {
  const volume = observations?.volumes.get(one.volume_id ?? '');
  const backup = observations?.backups.get(one.backup_id ?? '');
  return volume?.kind === 'found' && backup?.kind === 'found' ? waitsFor(volume.value, backup.value) : [];
}

function volumeView(one: Resolved, { observations }: Context): VolumeView {
  const reading = observations?.volumes.get(one.volume_id ?? '');
  if (reading?.kind === 'found') {
    const { id, name, size, status, attachments } = reading.value;
    return { id, name, size, status, attachments };
  }
  const { volume } = one.spec;
  return {
    ...optional('id', one.volume_id),
    ...optional('name', one.record?.names.volume_name ?? (volume.by === 'name' ? volume.name : undefined)),
  };
}

function backupView(one: Resolved, { observations }: Context): BackupView {
  const { backup } = one.spec;
  const rule = optional('selector', backup.by === 'selector' ? backup.selector : undefined);
  const reading = observations?.backups.get(one.backup_id ?? '');
  if (reading?.kind === 'found') {
    const { id, name, size, created_at, volume_id } = reading.value;
    return { id, name, size, created_at, of_volume_id: volume_id, ...rule };
  }
  const names = one.record?.names;
  return {
    ...optional('id', one.backup_id),
    ...(names ? { name: names.backup_name, created_at: names.backup_created_at, size: names.size } : {}),
    ...rule,
  };
}

/** What differs from the restore that this address stood for before. */
function fieldChanges(before: Record, one: Resolved, context: Context): FieldChange[] {
  const view = backupView(one, context);
  const after: [string, string, string][] = [
    ['volume_id', before.volume_id, one.volume_id ?? ''],
    ['backup_id', before.backup_id, one.backup_id ?? ''],
    ['backup', before.names.backup_name, view.name ?? ''],
    ['backup_created_at', before.names.backup_created_at, view.created_at ?? ''],
    ['generation', String(before.generation), String(one.spec.generation)],
    ['last outcome', before.status === 'failed' ? `failed: ${before.reason}` : '', ''],
  ];
  return after
    .filter(([, from, to]) => from !== to)
    .map(([field, from, to]) => ({ field, before: from, after: to }));
}

/** The service gives an expanded disk the backup's capacity back; the file system must be grown again. */
function expansionNotice(action: Action): Diagnostic[] {
  if (action.kind !== 'restore') return [];
  const { volume, backup } = action;
  if (volume.size === undefined || backup.size === undefined || volume.size <= backup.size) return [];
  return [
    {
      severity: 'warning',
      code: 'capacity-falls-back',
      summary: `the disk has ${volume.size} GB, the backup ${backup.size} GB: after the restore its file system spans ${backup.size} GB`,
      remedy: 'grow the partition and file system again after the restore',
      where: { address: action.address },
    },
  ];
}

// ---- which

/** Like Terraform’s -target: what was named, and all that it depends on. */
function selectWithDependencies(
  specs: readonly RestoreSpec[],
  only: readonly Address[],
): ReadonlySet<Address> {
  if (only.length === 0) return new Set(specs.map((spec) => spec.address));
  const byAddress = new Map(specs.map((spec) => [spec.address, spec]));
  const wanted = new Set<Address>();
  const queue = [...only];
  for (let address = queue.pop(); address !== undefined; address = queue.pop()) {
    const spec = byAddress.get(address);
    if (!spec || wanted.has(address)) continue;
    wanted.add(address);
    queue.push(...spec.depends_on);
  }
  return wanted;
}

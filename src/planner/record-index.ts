import { append } from '../domain/append.ts';
import { type Protections, protectionsOf } from '../domain/protections.ts';
import {
  isMaybeTouched,
  isOpen,
  type RestoreRecord,
  type Succeeded,
  type Unknown,
} from '../domain/record.ts';
import { type Address, type BackupRef, type Selector, selectorKey } from '../domain/spec.ts';
import { recordsOfHistory, type State } from '../domain/state.ts';

/**
 * The records and history of a state, found by what was restored: whether a restore is done depends only on its
 * identity.
 */
export interface RecordIndex extends Protections {
  /**
   * The record of this restore, at any address, current or superseded. If a higher generation is done, returns that
   * record: a lower number never starts a restore.
   */
  find(volumeId: string, backup: BackupRef, generation: number): MatchedRecord | undefined;
  /** The current record at an address. */
  at(address: Address): RestoreRecord | undefined;
  /** Records without an outcome yet, on the disk and of the backup. */
  openOn(
    volumeId: string,
    backupId: string,
  ): { disk: readonly RestoreRecord[]; backup: readonly RestoreRecord[] };
  /** The first of them with an unknown outcome: on the disk, otherwise of the backup. */
  unknownOn(volumeId: string, backupId: string): Unknown | undefined;
  /** The restore that the content of the disk comes from, as far as the state shows. */
  lastSuccess(volumeId: string): Succeeded | undefined;
  /** The last ended restore that changed the disk or may have. */
  lastTouch(volumeId: string): RestoreRecord | undefined;
  /**
   * One above the highest generation of this disk and backup, and of the rule in `asked`: only that asks for a new
   * restore.
   */
  nextGeneration(volumeId: string, backupId: string, asked?: BackupRef): number;
}

export interface MatchedRecord {
  readonly record: RestoreRecord;
  /** It is in the state; otherwise only the history has it, under its address of that time. */
  readonly current: boolean;
}

export function indexRecords(state: State | undefined): RecordIndex {
  const { pins, rules, facts } = factsOf(state);

  const lastSuccess = new Map<string, SuccessFact>();
  const lastTouch = new Map<string, Fact>();
  for (const fact of facts) {
    const { record, order } = fact;
    const last = lastSuccess.get(record.volume_id);
    if (isSuccess(fact) && (!last || isLater(fact, last))) lastSuccess.set(record.volume_id, fact);
    if (mayHaveTouched(record) && order > (lastTouch.get(record.volume_id)?.order ?? -1))
      lastTouch.set(record.volume_id, fact);
  }

  const openOnVolume = new Map<string, RestoreRecord[]>();
  const openOnBackup = new Map<string, RestoreRecord[]>();
  const unknownOnVolume = new Map<string, Unknown>();
  const unknownOnBackup = new Map<string, Unknown>();
  for (const record of state?.records.values() ?? []) {
    if (!isOpen(record)) continue;
    append(openOnVolume, record.volume_id, record);
    append(openOnBackup, record.backup_id, record);
    if (record.status !== 'unknown') continue;
    if (!unknownOnVolume.has(record.volume_id)) unknownOnVolume.set(record.volume_id, record);
    if (!unknownOnBackup.has(record.backup_id)) unknownOnBackup.set(record.backup_id, record);
  }

  return {
    ...protectionsOf(state),
    find(volumeId, backup, generation) {
      const generations =
        backup.by === 'id'
          ? pins.get(pinKey(volumeId, backup.id))
          : rules.get(ruleKey(volumeId, backup.selector));
      const exact = generations?.facts.get(generation);
      if (exact && (exact.record.status === 'succeeded' || isOpen(exact.record))) return exact;
      return generations?.done && generations.done.record.generation > generation ? generations.done : exact;
    },
    at: (address) => state?.records.get(address),
    openOn: (volumeId, backupId) => ({
      disk: openOnVolume.get(volumeId) ?? [],
      backup: openOnBackup.get(backupId) ?? [],
    }),
    unknownOn: (volumeId, backupId) => unknownOnVolume.get(volumeId) ?? unknownOnBackup.get(backupId),
    lastSuccess: (volumeId) => lastSuccess.get(volumeId)?.record,
    lastTouch: (volumeId) => lastTouch.get(volumeId)?.record,
    nextGeneration: (volumeId, backupId, asked) => {
      const rule = asked?.by === 'selector' ? rules.get(ruleKey(volumeId, asked.selector)) : undefined;
      return Math.max(pins.get(pinKey(volumeId, backupId))?.highest ?? 0, rule?.highest ?? 0) + 1;
    },
  };
}

/** The generation that restores the same once more, by the rule or the id of the record. */
export function generationAfter(records: RecordIndex, record: RestoreRecord): number {
  const { volume_id, backup_id, generation, selector } = record;
  const next = records.nextGeneration(volume_id, backup_id, selector && { by: 'selector', selector });
  // A record that could not be written is not in the index.
  return Math.max(next, generation + 1);
}

/** The newest record of one identity. */
interface Fact extends MatchedRecord {
  /** The place of its attempt in the history, not a time. */
  readonly order: number;
}

type SuccessFact = Fact & { readonly record: Succeeded };

/** The generations of one disk from one backup, or by one rule. */
interface Generations {
  readonly facts: Map<number, Fact>;
  done?: Fact;
  highest: number;
}

function factsOf(state: State | undefined): {
  readonly pins: ReadonlyMap<string, Generations>;
  /** A restore that is done by id is done by the rule that once picked the backup. */
  readonly rules: ReadonlyMap<string, Generations>;
  readonly facts: readonly Fact[];
} {
  const pins = new Map<string, Generations>();
  const picked = new Map<string, Map<number, Generations>>();
  let order = 0;
  const pinOf = (record: RestoreRecord) => generationsAt(pins, pinKey(record.volume_id, record.backup_id));
  const add = (pin: Generations, record: RestoreRecord, current: boolean) => {
    const { generation, selector } = record;
    const before = pin.facts.get(generation);
    // A done restore stays done, whatever the history says about another attempt.
    if (before?.record.status === 'succeeded' && record.status !== 'succeeded' && !current) return;
    const stays = before && isSameAttempt(before.record, record);
    pin.facts.set(generation, { record, current, order: stays ? before.order : order++ });
    if (!selector) return;
    const key = ruleKey(record.volume_id, selector);
    const pinned = picked.get(key) ?? new Map<number, Generations>();
    picked.set(key, pinned.set(generation, pin));
  };

  // Rule: history-must-include-every-past-restore
  for (const record of state ? recordsOfHistory(state) : []) add(pinOf(record), record, false);
  for (const record of state?.records.values() ?? []) {
    const pin = pinOf(record);
    const known = pin.facts.get(record.generation)?.record;
    // An ended record is in the history, too: it is the newest only if it is the last one there.
    if (isOpen(record) || !known || isSameFact(known, record)) add(pin, record, true);
  }

  const facts: Fact[] = [];
  for (const pin of pins.values())
    for (const fact of pin.facts.values()) {
      facts.push(fact);
      addGeneration(pin, fact);
    }
  const rules = new Map<string, Generations>();
  for (const [key, pinned] of picked)
    for (const [generation, pin] of pinned) {
      const fact = pin.facts.get(generation);
      if (!fact) continue;
      const rule = generationsAt(rules, key);
      rule.facts.set(generation, fact);
      addGeneration(rule, fact);
    }
  return { pins, rules, facts };
}

function addGeneration(generations: Generations, fact: Fact): void {
  const { generation } = fact.record;
  generations.highest = Math.max(generations.highest, generation);
  if (isSuccess(fact) && generation > (generations.done?.record.generation ?? 0)) generations.done = fact;
}

/** An imported restore counts from when it succeeded, not from when it was imported. */
function isLater(a: SuccessFact, b: SuccessFact): boolean {
  const isImported = a.record.evidence === 'imported' || b.record.evidence === 'imported';
  return isImported ? a.record.finished_at > b.record.finished_at : a.order > b.order;
}

function isSuccess(fact: Fact): fact is SuccessFact {
  return fact.record.status === 'succeeded';
}

function mayHaveTouched(record: RestoreRecord): boolean {
  return record.status === 'succeeded' || isMaybeTouched(record);
}

/** A current record and its copy in the history; a move changes neither. */
function isSameFact(a: RestoreRecord, b: RestoreRecord): boolean {
  return a.status === b.status && a.updated_at === b.updated_at;
}

/** An attempt that the operator resolved later is not a later attempt: the disk was touched back then. */
function isSameAttempt(earlier: RestoreRecord, record: RestoreRecord): boolean {
  if (isSameFact(earlier, record)) return true;
  if (!('resolution' in record) || record.resolution === undefined) return false;
  return earlier.status === 'unknown' || isMaybeTouched(earlier);
}

function generationsAt(lists: Map<string, Generations>, key: string): Generations {
  const known = lists.get(key);
  if (known) return known;
  const generations: Generations = { facts: new Map(), highest: 0 };
  lists.set(key, generations);
  return generations;
}

function pinKey(volumeId: string, backupId: string): string {
  return `${volumeId} from ${backupId}`;
}

function ruleKey(volumeId: string, selector: Selector): string {
  return `${volumeId} by ${selectorKey(selector)}`;
}

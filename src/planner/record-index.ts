import { append } from '../domain/append.ts';
import { isMaybeTouched, isOpen, type RestoreRecord, type Unknown } from '../domain/record.ts';
import { type Address, type BackupRef, type Selector, selectorKey } from '../domain/spec.ts';
import type { State } from '../domain/state.ts';

/** The state seen by what was restored instead of by address: done or not is asked of the identity alone. */
export interface RecordIndex {
  /**
   * What is known of this restore, under whatever address, now or long superseded. A lower generation than one
   * that is done finds that one: only raising the number asks for a restore.
   */
  find(volumeId: string, backup: BackupRef, generation: number): MatchedRecord | undefined;
  /** The record that stands at an address now. */
  at(address: Address): RestoreRecord | undefined;
  /** Records whose outcome is still to come, by what they hold. */
  openOn(
    volumeId: string,
    backupId: string,
  ): { disk: readonly RestoreRecord[]; backup: readonly RestoreRecord[] };
  /** The first of them whose outcome is unknown: on the disk, else of the backup. */
  unknownOn(volumeId: string, backupId: string): Unknown | undefined;
  /** The restore that the disk's content comes from, as far as the state tells. */
  lastSuccess(volumeId: string): Succeeded | undefined;
  /** Done restores that protect the disk, newest first: of each address, the last restore into it decides. */
  protecting(volumeId: string): readonly Succeeded[];
  /** The last closed restore that changed the disk or may have. */
  lastTouch(volumeId: string): RestoreRecord | undefined;
  /**
   * The lowest generation that no restore of this backup into this disk has had yet, nor one by the rule that it
   * is `asked` for with: a lower one would find what is done.
   */
  nextGeneration(volumeId: string, backupId: string, asked?: BackupRef): number;
}

export interface MatchedRecord {
  readonly record: RestoreRecord;
  /** It stands in the state; else only the history knows it, under the address that it had then. */
  readonly current: boolean;
}

export type Succeeded = RestoreRecord & { readonly status: 'succeeded' };

/** One pass over history and records. */
export function indexRecords(state: State | undefined): RecordIndex {
  const { pins, rules, facts } = factsOf(state);

  const lastSuccess = new Map<string, Fact & { readonly record: Succeeded }>();
  const lastTouch = new Map<string, Fact>();
  for (const fact of facts) {
    const { record, order } = fact;
    if (isSuccess(fact) && order > (lastSuccess.get(record.volume_id)?.order ?? -1))
      lastSuccess.set(record.volume_id, fact);
    if (mayHaveTouched(record) && order > (lastTouch.get(record.volume_id)?.order ?? -1))
      lastTouch.set(record.volume_id, fact);
  }

  const protecting = new Map<string, Succeeded[]>();
  const decided = new Set<string>();
  for (const { record } of facts.filter(isSuccess).sort((a, b) => b.order - a.order)) {
    const key = `${record.volume_id} ${record.address}`;
    if (record.protect && !decided.has(key)) append(protecting, record.volume_id, record);
    decided.add(key);
  }

  const openOnDisk = new Map<string, RestoreRecord[]>();
  const openOnBackup = new Map<string, RestoreRecord[]>();
  const unknownOnDisk = new Map<string, Unknown>();
  const unknownOnBackup = new Map<string, Unknown>();
  for (const record of state?.records.values() ?? []) {
    if (!isOpen(record)) continue;
    append(openOnDisk, record.volume_id, record);
    append(openOnBackup, record.backup_id, record);
    if (record.status !== 'unknown') continue;
    if (!unknownOnDisk.has(record.volume_id)) unknownOnDisk.set(record.volume_id, record);
    if (!unknownOnBackup.has(record.backup_id)) unknownOnBackup.set(record.backup_id, record);
  }

  return {
    find(volumeId, backup, generation) {
      const line =
        backup.by === 'id'
          ? pins.get(pinKey(volumeId, backup.id))
          : rules.get(ruleKey(volumeId, backup.selector));
      const exact = line?.facts.get(generation);
      if (exact && (exact.record.status === 'succeeded' || isOpen(exact.record))) return exact;
      return line?.done && line.done.record.generation > generation ? line.done : exact;
    },
    at: (address) => state?.records.get(address),
    openOn: (volumeId, backupId) => ({
      disk: openOnDisk.get(volumeId) ?? [],
      backup: openOnBackup.get(backupId) ?? [],
    }),
    unknownOn: (volumeId, backupId) => unknownOnDisk.get(volumeId) ?? unknownOnBackup.get(backupId),
    lastSuccess: (volumeId) => lastSuccess.get(volumeId)?.record,
    protecting: (volumeId) => protecting.get(volumeId) ?? [],
    lastTouch: (volumeId) => lastTouch.get(volumeId)?.record,
    nextGeneration: (volumeId, backupId, asked) => {
      const rule = asked?.by === 'selector' ? rules.get(ruleKey(volumeId, asked.selector)) : undefined;
      return Math.max(pins.get(pinKey(volumeId, backupId))?.highest ?? 0, rule?.highest ?? 0) + 1;
    },
  };
}

/** The generation to raise to so that what a record stands for is done once more, asked for by its rule or its id. */
export function generationAfter(records: RecordIndex, record: RestoreRecord): number {
  const { volume_id, backup_id, generation, selector } = record;
  const next = records.nextGeneration(volume_id, backup_id, selector && { by: 'selector', selector });
  // A record that could not be written does not count above.
  return Math.max(next, generation + 1);
}

/** The newest that is known of one identity. */
interface Fact extends MatchedRecord {
  /** When its attempt ended, among all: the place in the history, not a time. */
  readonly order: number;
}

/** One disk from one backup, or by one rule: its generations. */
interface Line {
  readonly facts: Map<number, Fact>;
  /** The highest generation that is done. */
  done?: Fact;
  highest: number;
}

function factsOf(state: State | undefined): {
  readonly pins: ReadonlyMap<string, Line>;
  /** What is done under its id is done under the rule that once picked it. */
  readonly rules: ReadonlyMap<string, Line>;
  readonly facts: readonly Fact[];
} {
  const pins = new Map<string, Line>();
  const picked = new Map<string, Map<number, Line>>();
  let order = 0;
  const pinOf = (record: RestoreRecord) => lineAt(pins, pinKey(record.volume_id, record.backup_id));
  const learn = (pin: Line, record: RestoreRecord, current: boolean) => {
    const { generation, selector } = record;
    const before = pin.facts.get(generation);
    // What is done stays done, whatever the history tells of another attempt.
    if (before?.record.status === 'succeeded' && record.status !== 'succeeded' && !current) return;
    const stays = before && isSameAttempt(before.record, record);
    pin.facts.set(generation, { record, current, order: stays ? before.order : order++ });
    if (!selector) return;
    const key = ruleKey(record.volume_id, selector);
    const pinned = picked.get(key) ?? new Map<number, Line>();
    picked.set(key, pinned.set(generation, pin));
  };

  // Rule: history-counts
  for (const entry of state?.history ?? [])
    if (entry.type === 'closed' || entry.type === 'removed') learn(pinOf(entry.record), entry.record, false);
  for (const record of state?.records.values() ?? []) {
    const pin = pinOf(record);
    const known = pin.facts.get(record.generation)?.record;
    // What is over stands in the history as well: it is the newest only if it is the last that this tells.
    if (isOpen(record) || !known || isSameFact(known, record)) learn(pin, record, true);
  }

  const facts: Fact[] = [];
  for (const pin of pins.values())
    for (const fact of pin.facts.values()) {
      facts.push(fact);
      note(pin, fact);
    }
  const rules = new Map<string, Line>();
  for (const [key, pinned] of picked)
    for (const [generation, pin] of pinned) {
      const fact = pin.facts.get(generation);
      if (!fact) continue;
      const rule = lineAt(rules, key);
      rule.facts.set(generation, fact);
      note(rule, fact);
    }
  return { pins, rules, facts };
}

function note(line: Line, fact: Fact): void {
  const { generation } = fact.record;
  line.highest = Math.max(line.highest, generation);
  if (isSuccess(fact) && generation > (line.done?.record.generation ?? 0)) line.done = fact;
}

function isSuccess(fact: Fact): fact is Fact & { readonly record: Succeeded } {
  return fact.record.status === 'succeeded';
}

function mayHaveTouched(record: RestoreRecord): boolean {
  return record.status === 'succeeded' || isMaybeTouched(record);
}

/** The record that stands now, and the history's copy of it; a move changes neither. */
function isSameFact(a: RestoreRecord, b: RestoreRecord): boolean {
  return a.status === b.status && a.updated_at === b.updated_at;
}

/** What a person says later about an attempt does not make it a later one: the disk was touched back then. */
function isSameAttempt(earlier: RestoreRecord, record: RestoreRecord): boolean {
  if (isSameFact(earlier, record)) return true;
  if (!('resolution' in record) || record.resolution === undefined) return false;
  return earlier.status === 'unknown' || isMaybeTouched(earlier);
}

function lineAt(lines: Map<string, Line>, key: string): Line {
  const known = lines.get(key);
  if (known) return known;
  const line: Line = { facts: new Map(), highest: 0 };
  lines.set(key, line);
  return line;
}

function pinKey(volumeId: string, backupId: string): string {
  return `${volumeId} from ${backupId}`;
}

function ruleKey(volumeId: string, selector: Selector): string {
  return `${volumeId} by ${selectorKey(selector)}`;
}

import { unreachable } from '../domain/errors.ts';
import {
  isMaybeTouched,
  isUnderWay,
  jobIdOf,
  type RestoreRecord,
  requestInsteadOfJob,
} from '../domain/record.ts';
import { addressesOf, type HistoryEntry, restoreOf } from '../domain/state.ts';
import { statusPaint } from './record-text.ts';
import { type Column, tableLines } from './table.ts';
import { displayWidth, indent, joinLines, plain, sanitize, type TextOptions, wrap } from './terminal.ts';
import { plural, utc } from './words.ts';

export type ChainBreakMark = 'not_accepted' | 'accepted';

export interface ShownEntry {
  readonly entry: HistoryEntry;
  readonly hash: string;
  /** Present if the chain breaks at this entry. */
  readonly chain_break?: ChainBreakMark | undefined;
}

/** `state history --output json`. A missing value is null, so that every element has every key. */
export function historyJson(entries: readonly ShownEntry[]) {
  return { format: 1, entries: entries.map(historyItem) };
}

function historyItem({ entry, hash, chain_break }: ShownEntry) {
  const { serial, at, actor } = entry;
  const record = recordOfEntry(entry);
  const restore = restoreOf(entry);
  const closed = entry.type === 'closed' ? entry.record : undefined;
  return {
    serial,
    at,
    who: actor.who,
    operation: actor.operation,
    version: actor.version,
    git_commit: actor.git_commit ?? null,
    plan_digest: actor.plan_digest ?? null,
    waivers: actor.waivers ?? [],
    event: entry.type,
    address: entry.type === 'moved' ? entry.to : (restore?.address ?? null),
    moved_from: entry.type === 'moved' ? entry.from : null,
    outcome: closed && !isUnderWay(closed) ? closed.status : null,
    touched: closed?.status === 'failed' ? closed.touched : null,
    evidence: closed && 'evidence' in closed ? closed.evidence : null,
    reason: reasonOf(entry) ?? null,
    volume_id: restore?.volume_id ?? null,
    volume_name: restore?.names.volume_name ?? null,
    backup_id: restore?.backup_id ?? null,
    backup_name: restore?.names.backup_name ?? null,
    generation: restore?.generation ?? null,
    job_id: (record && jobIdOf(record)) ?? null,
    request_ids: record?.attempts.flatMap(({ request_id }) => request_id ?? []) ?? [],
    // The state that was there before, and the refusals that were lifted.
    pushed: entry.type === 'pushed' ? { over: entry.over ?? null, allowed: entry.allowed ?? [] } : null,
    // The state that was known before, and the addresses whose records did not fit.
    accepted:
      entry.type === 'state_accepted'
        ? { over: entry.over ?? null, addresses: [...addressesOf(entry)] }
        : null,
    chain_break: chain_break ?? null,
    hash,
  };
}

/** `vbsctl state history`: a line for each entry, and its details below. Ends with a line break. */
export function historyText(shown: readonly ShownEntry[], total: number, options: TextOptions): string {
  const { style } = options;
  const count = `${plural(shown.length, 'entry', 'entries')}${shown.length === total ? '' : ` of ${total}`}.`;
  if (shown.length === 0) return joinLines([total === 0 ? 'No history yet.' : count]);
  const entries = shown.map(({ entry }) => entry);
  const [titles = '', ...lines] = tableLines(entryColumns(options), entries, options);
  return joinLines([
    titles,
    ...shown.flatMap(({ entry, chain_break }, index) => [
      ...(chain_break ? [breakLine(chain_break, options)] : []),
      lines[index] ?? '',
      ...detailLines(entry, options),
    ]),
    '',
    style.strong(count),
  ]);
}

/** Stands above the entry at which the chain breaks. */
function breakLine(mark: ChainBreakMark, { style }: TextOptions): string {
  return mark === 'accepted'
    ? style.warn('The history was changed from here on; an operator accepted this later.')
    : style.bad('The history was changed from here on.');
}

function entryColumns({ style }: TextOptions): Column<HistoryEntry>[] {
  return [
    { title: 'WHEN', cell: ({ at }) => utc(at) },
    { title: 'WHO', cell: ({ actor }) => actor.who },
    { title: 'COMMAND', cell: ({ actor }) => actor.operation },
    {
      title: 'RESTORE',
      cell: (entry) =>
        entry.type === 'moved' ? `${entry.from} → ${entry.to}` : (restoreOf(entry)?.address ?? ''),
    },
    {
      title: 'EVENT',
      cell: entryText,
      paint: (entry) => (entry.type === 'closed' ? statusPaint(entry.record.status, style) : plain),
    },
    {
      title: 'GEN',
      cell: (entry) => String(restoreOf(entry)?.generation ?? ''),
      align: 'right',
      droppable: true,
    },
  ];
}

/** Enough to recognise a hash; the JSON has the whole one. */
const HASH_CHARS_SHOWN = 12;

function entryText(entry: HistoryEntry): string {
  switch (entry.type) {
    case 'begun':
      return 'begun';
    case 'closed':
      return isMaybeTouched(entry.record) ? 'failed, maybe touched' : entry.record.status;
    case 'moved':
      return 'renamed';
    case 'removed':
      return 'record removed';
    case 'pushed':
      return entry.over ? `replaced serial ${entry.over.serial}` : 'pushed';
    case 'state_accepted':
      return entry.over ? `accepted in place of serial ${entry.over.serial}` : 'accepted as it stood';
    default:
      return unreachable(entry);
  }
}

function detailLines(entry: HistoryEntry, { style, width }: TextOptions): string[] {
  const { git_commit, plan_digest, waivers = [] } = entry.actor;
  const allowed = entry.type === 'pushed' ? (entry.allowed ?? []) : [];
  const restore = restoreOf(entry);
  const closed = entry.type === 'closed' ? entry.record : undefined;
  const job = closed && jobIdOf(closed);
  const request = closed && requestInsteadOfJob(closed);
  const reason = reasonOf(entry);
  const details = [
    ...(restore && entry.type !== 'removed'
      ? [
          `disk ${restore.names.volume_name || restore.volume_id}`,
          `backup ${restore.names.backup_name || restore.backup_id}`,
        ]
      : []),
    ...(job === undefined ? [] : [`job ${job}`]),
    ...(request === undefined ? [] : [`request ${request}`]),
    ...(git_commit === undefined ? [] : [`commit ${git_commit.slice(0, HASH_CHARS_SHOWN)}`]),
    ...(plan_digest === undefined ? [] : [`plan ${plan_digest.slice(0, HASH_CHARS_SHOWN)}`]),
    ...[...waivers, ...allowed].map((waiver) => `--allow-${waiver}`),
    ...(reason === undefined ? [] : [`reason: ${reason}`]),
  ];
  return indent(packed(details.map(sanitize), width - DETAIL_INDENT).map(style.faint), DETAIL_INDENT);
}

/** As many items in a line as fit; only an item that is longer than a line is broken. */
function packed(items: readonly string[], width: number): string[] {
  const lines: string[] = [];
  for (const item of items) {
    const joined = lines.length === 0 ? item : `${lines.at(-1)}; ${item}`;
    if (lines.length > 0 && displayWidth(joined) <= width) lines[lines.length - 1] = joined;
    else lines.push(...wrap(item, width));
  }
  return lines;
}

const DETAIL_INDENT = 4;

function recordOfEntry(entry: HistoryEntry): RestoreRecord | undefined {
  return entry.type === 'closed' || entry.type === 'removed' ? entry.record : undefined;
}

/** Why the restore failed or is unknown, or the reason that the operator gave. */
function reasonOf(entry: HistoryEntry): string | undefined {
  if (entry.type === 'state_accepted') return entry.reason;
  if (entry.type !== 'closed') return undefined;
  const { record } = entry;
  const resolution = 'resolution' in record ? record.resolution : undefined;
  if (resolution) return `${resolution.reason} (${resolution.by})`;
  if (record.status === 'failed') return record.reason;
  return record.status === 'unknown' ? record.reason : undefined;
}

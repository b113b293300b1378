import { unreachable } from '../domain/errors.ts';
import { isMaybeTouched, jobIdOf, type RestoreRecord, requestInsteadOfJob } from '../domain/record.ts';
import { addressesOf, type HistoryEntry, type PushRisk } from '../domain/state.ts';
import { statusPaint } from './record-text.ts';
import { type Column, tableLines } from './table.ts';
import { displayWidth, indent, joinLines, sanitize, type TextOptions, wrap } from './terminal.ts';
import { plural, utc } from './words.ts';

/** An element of `state history --output json`. What an entry does not have is null, so every one has every key. */
export interface HistoryItem {
  readonly serial: number;
  readonly at: string;
  readonly who: string;
  readonly operation: string;
  readonly version: string;
  readonly git_commit: string | null;
  readonly plan_digest: string | null;
  /** Limits of the policy that were lifted. */
  readonly waivers: readonly string[];
  readonly event: HistoryEntry['type'];
  readonly address: string | null;
  readonly moved_from: string | null;
  readonly outcome: 'succeeded' | 'failed' | 'unknown' | null;
  readonly touched: 'no' | 'maybe' | null;
  readonly evidence: 'accepted' | 'adopted' | 'resolved' | 'imported' | null;
  /** Why it failed or is unknown; what a person said who settled it. */
  readonly reason: string | null;
  readonly volume_id: string | null;
  readonly volume_name: string | null;
  readonly backup_id: string | null;
  readonly backup_name: string | null;
  readonly generation: number | null;
  readonly job_id: string | null;
  readonly request_ids: readonly string[];
  /** What stood there before a state was pushed, and which of its refusals were lifted. */
  readonly pushed: {
    readonly over: { lineage: string; serial: number } | null;
    readonly allowed: readonly PushRisk[];
  } | null;
  /** A state that a person accepted as it stood: what was known instead, and the addresses that did not fit. */
  readonly accepted: {
    readonly over: { lineage: string; serial: number } | null;
    readonly addresses: readonly string[];
  } | null;
  /** The chain breaks here: nobody accepted that, or somebody did later. */
  readonly chain_break: ChainBreakMark | null;
  readonly hash: string;
}

export type ChainBreakMark = 'standing' | 'accepted';

export interface ShownEntry {
  readonly entry: HistoryEntry;
  readonly hash: string;
  readonly chain_break?: ChainBreakMark | undefined;
}

export function historyJson(entries: readonly ShownEntry[]): HistoryItem[] {
  return entries.map(({ entry, hash, chain_break }) => {
    const { serial, at, actor } = entry;
    const record = recordOf(entry);
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
      address: record?.address ?? (entry.type === 'moved' ? entry.to : null),
      moved_from: entry.type === 'moved' ? entry.from : null,
      outcome: closed ? outcomeOf(closed) : null,
      touched: closed?.status === 'failed' ? closed.touched : null,
      evidence: closed && 'evidence' in closed ? closed.evidence : null,
      reason: (entry.type === 'state_accepted' ? entry.reason : closed && reasonOf(closed)) ?? null,
      volume_id: record?.volume_id ?? null,
      volume_name: record?.names.volume_name ?? null,
      backup_id: record?.backup_id ?? null,
      backup_name: record?.names.backup_name ?? null,
      generation: record?.generation ?? null,
      job_id: (record && jobIdOf(record)) ?? null,
      request_ids: record?.attempts.flatMap(({ request_id }) => request_id ?? []) ?? [],
      pushed: entry.type === 'pushed' ? { over: entry.over ?? null, allowed: entry.allowed ?? [] } : null,
      accepted:
        entry.type === 'state_accepted'
          ? { over: entry.over ?? null, addresses: [...addressesOf(entry)] }
          : null,
      chain_break: chain_break ?? null,
      hash,
    };
  });
}

/** `vbsctl state history`: a line an entry, and under it why, where somebody said so. Ends with a line break. */
export function historyText(shown: readonly ShownEntry[], total: number, options: TextOptions): string {
  const { style, width } = options;
  const entries = shown.map(({ entry }) => entry);
  const count =
    entries.length === total
      ? `${plural(total, 'entry', 'entries')}.`
      : `${plural(entries.length, 'entry', 'entries')} of ${total}.`;
  if (entries.length === 0) return joinLines([total === 0 ? 'No history yet.' : count]);
  const [titles = '', ...lines] = tableLines(columns(options), entries, { style, width });
  return joinLines([
    titles,
    ...lines.flatMap((line, index) => {
      const { entry, chain_break } = shown[index] ?? {};
      return [
        ...(chain_break ? [breakLine(chain_break, options)] : []),
        line,
        ...(entry ? detailLines(entry, options) : []),
      ];
    }),
    '',
    style.strong(count),
  ]);
}

/** Above the entry at which the chain breaks. */
function breakLine(mark: ChainBreakMark, { style }: TextOptions): string {
  return mark === 'accepted'
    ? style.warn('The history was changed from here on; a person accepted this later.')
    : style.bad('The history was changed from here on.');
}

function columns({ style }: TextOptions): Column<HistoryEntry>[] {
  return [
    { title: 'WHEN', cell: ({ at }) => utc(at) },
    { title: 'WHO', cell: ({ actor }) => actor.who },
    { title: 'BY', cell: ({ actor }) => actor.operation },
    { title: 'RESTORE', cell: restoreText },
    {
      title: 'OUTCOME',
      cell: outcomeText,
      paint: (entry) => (entry.type === 'closed' ? statusPaint(entry.record.status, style) : (text) => text),
    },
    {
      title: 'GEN',
      cell: (entry) => String(recordOf(entry)?.generation ?? ''),
      align: 'right',
      droppable: true,
    },
  ];
}

/** Enough of a hash to tell it from its neighbours; the JSON has all of it. */
const SHORT = 12;

function restoreText(entry: HistoryEntry): string {
  return entry.type === 'moved' ? `${entry.from} → ${entry.to}` : (recordOf(entry)?.address ?? '');
}

function outcomeText(entry: HistoryEntry): string {
  switch (entry.type) {
    case 'closed':
      return isMaybeTouched(entry.record) ? 'failed, maybe touched' : entry.record.status;
    case 'moved':
      return 'renamed';
    case 'removed':
      return 'record removed';
    case 'pushed':
      return entry.over ? `pushed over serial ${entry.over.serial}` : 'pushed';
    case 'state_accepted':
      return entry.over ? `accepted over serial ${entry.over.serial}` : 'accepted as it stood';
    default:
      return unreachable(entry);
  }
}

function detailLines(entry: HistoryEntry, { style, width }: TextOptions): string[] {
  const { git_commit, plan_digest, waivers = [] } = entry.actor;
  const allowed = entry.type === 'pushed' ? (entry.allowed ?? []) : [];
  const closed = entry.type === 'closed' ? entry.record : undefined;
  const job = closed && jobIdOf(closed);
  const request = closed && requestInsteadOfJob(closed);
  const reason = entry.type === 'state_accepted' ? entry.reason : closed && reasonOf(closed);
  const said = [
    ...(closed
      ? [
          `disk ${closed.names.volume_name || closed.volume_id}`,
          `backup ${closed.names.backup_name || closed.backup_id}`,
        ]
      : []),
    ...(job === undefined ? [] : [`job ${job}`]),
    ...(request === undefined ? [] : [`request ${request}`]),
    ...(git_commit === undefined ? [] : [`commit ${git_commit.slice(0, SHORT)}`]),
    ...(plan_digest === undefined ? [] : [`plan ${plan_digest.slice(0, SHORT)}`]),
    ...[...waivers, ...allowed].map((risk) => `--allow-${risk}`),
    ...(reason === undefined ? [] : [`why: ${reason}`]),
  ];
  return indent(packed(said.map(sanitize), width - DETAIL_INDENT).map(style.faint), DETAIL_INDENT);
}

/** As many to a line as fit; none is broken unless it is longer than a line. */
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

function recordOf(entry: HistoryEntry): RestoreRecord | undefined {
  return entry.type === 'closed' || entry.type === 'removed' ? entry.record : undefined;
}

function outcomeOf({ status }: RestoreRecord): HistoryItem['outcome'] {
  return status === 'intended' || status === 'running' ? null : status;
}

function reasonOf(record: RestoreRecord): string | undefined {
  const resolution = 'resolution' in record ? record.resolution : undefined;
  if (resolution) return `${resolution.reason} (${resolution.by})`;
  if (record.status === 'failed') return record.reason;
  return record.status === 'unknown' ? record.cause : undefined;
}

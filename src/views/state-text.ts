import { describeAttachment } from '../domain/cloud.ts';
import { unreachable } from '../domain/errors.ts';
import { shellOperand } from '../domain/escape/shell-word.ts';
import { type RestoreRecord, statusWord } from '../domain/record.ts';
import type { State } from '../domain/state.ts';
import { indentedRemedy } from './diagnostics.ts';
import { reattachCommands } from './reattach-text.ts';
import {
  attemptLines,
  idColumns,
  observationLines,
  outcomeText,
  type RemedyOptions,
  recordHeading,
  recordRemedies,
  statusPaint,
  subjectLines,
} from './record-text.ts';
import { byAddress } from './state-json.ts';
import { type Column, tableLines } from './table.ts';
import { joinLines, labelled, sanitize, type TextOptions, VALUE_COLUMN, wrap } from './terminal.ts';
import { age, phrasesOf, plural, selectorText, when } from './words.ts';

/** `vbsctl state list`: a line for each record, totals, and the next command. Ends with a line break. */
export function stateListText(state: State, options: TextOptions): string {
  const records = byAddress(state.records.values());
  return joinLines([
    ...(records.length === 0 ? [] : [...tableLines(recordColumns(options), records, options), '']),
    options.style.strong(totalsText(records)),
    ...nextCommandLines(records, options),
  ]);
}

/** Records that an operator must look at come first; running ones only need time. */
function nextCommandLines(records: readonly RestoreRecord[], { style }: TextOptions): string[] {
  const [first, ...more] = records.filter(({ status }) => status === 'unknown' || status === 'failed');
  if (first) {
    const others = more.length > 0 ? style.faint(`  (${more.length} more need attention)`) : '';
    const command = style.complete(`vbsctl state show ${shellOperand(first.address)}`);
    return [style.accent(`→ ${command}${others}`)];
  }
  if (records.some(({ status }) => status === 'running' || status === 'intended'))
    return [style.accent(`→ to wait for running restores: ${style.complete('vbsctl wait')}`)];
  return [];
}

function recordColumns({ style, now }: TextOptions): Column<RestoreRecord>[] {
  return [
    { title: 'RESTORE', cell: ({ address }) => address },
    {
      title: 'STATUS',
      cell: ({ status }) => statusWord(status),
      paint: ({ status }) => statusPaint(status, style),
    },
    { title: 'UPDATED', cell: ({ updated_at }) => age(updated_at, now), align: 'right' },
    { title: 'DISK', cell: ({ names, volume_id }) => names.volume_name || volume_id },
    { title: 'BACKUP', cell: ({ names, backup_id }) => names.backup_name || backup_id, droppable: true },
    { title: 'GEN', cell: ({ generation }) => String(generation), align: 'right' },
    ...idColumns<RestoreRecord>((record) => record).map((column) => ({
      ...column,
      droppable: true as const,
    })),
  ];
}

const STATUSES = ['succeeded', 'running', 'intended', 'failed', 'unknown'] as const;

function totalsText(records: readonly RestoreRecord[]): string {
  if (records.length === 0) return 'No records yet.';
  const counts = phrasesOf(
    STATUSES.map((status) => [records.filter((r) => r.status === status).length, statusWord(status)]),
  );
  return `${plural(records.length, 'record')}: ${counts.join(', ')}.`;
}

/** `vbsctl state show ADDRESS`: the whole record. Ends with a line break. */
export function stateShowText(record: RestoreRecord, options: TextOptions & RemedyOptions): string {
  const { style, width } = options;
  const { attached_before: attached = [] } = record;
  return joinLines([
    recordHeading(record, statusWord(record.status), style) +
      style.faint(`  (generation ${record.generation})`),
    ...statusLines(record, options),
    ...resolutionLines(record, options),
    ...subjectLines(record, options),
    ...(attached.length === 0
      ? []
      : labelled('was on', attached.map(describeAttachment).map(sanitize), style)),
    ...(record.selector
      ? labelled('rule', wrap(selectorText(record.selector), width - VALUE_COLUMN), style)
      : []),
    ...(record.protect ? labelled('protects', ['its disk, once it is done (protect: true)'], style) : []),
    ...attemptLines(record, options),
    ...observationLines(record, Number.POSITIVE_INFINITY, options),
    ...[...recordRemedies(record, options), ...reattachSteps(record)].flatMap((step) =>
      indentedRemedy(step, options),
    ),
  ]);
}

/** Only after success: until then the disk must stay detached. */
function reattachSteps(record: RestoreRecord): string[] {
  if (record.status !== 'succeeded') return [];
  return reattachCommands(record).map((command) => `to attach it again, if it is still detached: ${command}`);
}

/** The evidence for the status, and its time. */
function statusLines(record: RestoreRecord, { style, now, width }: TextOptions): string[] {
  const wrapped = (label: string, text: string) =>
    labelled(label, wrap(sanitize(text), width - VALUE_COLUMN), style);
  const at = (label: string, iso: string) => labelled(label, [when(iso, now)], style);
  switch (record.status) {
    case 'intended':
      return [...wrapped('evidence', outcomeText(record)), ...at('updated', record.updated_at)];
    case 'running':
      return [
        ...wrapped('evidence', EVIDENCE[record.evidence]),
        ...at(startWord(record.evidence), record.started_at),
      ];
    case 'succeeded':
      return [
        ...wrapped('evidence', EVIDENCE[record.evidence]),
        ...(record.started_at === undefined ? [] : at(startWord(record.evidence), record.started_at)),
        ...at('ended', record.finished_at),
      ];
    case 'failed':
      return [
        ...wrapped('reason', record.reason),
        ...labelled('touched', [record.touched], style),
        ...at('ended', record.finished_at),
      ];
    case 'unknown':
      return [...wrapped('cause', record.reason), ...at('updated', record.updated_at)];
    default:
      return unreachable(record);
  }
}

/** An adopted restore started some time before it was adopted. */
function startWord(evidence: keyof typeof EVIDENCE): string {
  return evidence === 'adopted' ? 'adopted' : 'started';
}

const EVIDENCE = {
  accepted: 'the cloud accepted it',
  adopted: 'adopted: no answer accepted it, but disk and backup prove it',
  resolved: 'resolved by an operator',
  imported: 'done by hand, and imported',
};

function resolutionLines(record: RestoreRecord, { style, now, width }: TextOptions): string[] {
  const resolution = 'resolution' in record ? record.resolution : undefined;
  if (!resolution) return [];
  return labelled(
    'resolved',
    [
      `as ${resolution.as} by ${sanitize(resolution.by)}, ${when(resolution.at, now)}`,
      ...wrap(sanitize(resolution.reason), width - VALUE_COLUMN),
    ],
    style,
  );
}

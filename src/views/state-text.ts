import { unreachable } from '../domain/errors.ts';
import { shellOperand } from '../domain/escape/shell-word.ts';
import { describeAttachment } from '../domain/preflight.ts';
import { jobIdOf, type RestoreRecord, requestInsteadOfJob, statusWord } from '../domain/record.ts';
import type { State } from '../domain/state.ts';
import { remedyLines } from './diagnostics.ts';
import { addCommands } from './reattach-text.ts';
import {
  attemptLines,
  lookLines,
  nextSteps,
  outcomeText,
  STATUS_SIGNS,
  type StepOptions,
  statusPaint,
  subjectLines,
} from './record-text.ts';
import { byAddress } from './state-json.ts';
import { type Column, tableLines } from './table.ts';
import {
  indent,
  joinLines,
  LABEL_INDENT,
  labelled,
  sanitize,
  type TextOptions,
  VALUE_COLUMN,
  wrap,
} from './terminal.ts';
import { age, grouped, plural, selectorText, when } from './words.ts';

/** `vbsctl state list`: a line per record, totals, and what to type next. Ends with a line break. */
export function stateListText(state: State, options: TextOptions): string {
  const { style, width } = options;
  const records = byAddress(state.records.values());
  return joinLines([
    ...(records.length === 0 ? [] : [...tableLines(columns(options), records, { style, width }), '']),
    style.strong(totalsText(records)),
    ...nextLines(records, options),
  ]);
}

/** What needs a person first; what only needs time has a command of its own. */
function nextLines(records: readonly RestoreRecord[], { style }: TextOptions): string[] {
  const [first, ...more] = records.filter(({ status }) => status === 'unknown' || status === 'failed');
  if (first) {
    const others = more.length > 0 ? style.faint(`  (${more.length} more need attention)`) : '';
    return [style.accent(`→ vbsctl state show ${shellOperand(first.address)}${others}`)];
  }
  if (records.some(({ status }) => status === 'running' || status === 'intended'))
    return [style.accent('→ to wait for running restores: vbsctl wait')];
  return [];
}

function columns({ style, now }: TextOptions): Column<RestoreRecord>[] {
  return [
    { title: 'RESTORE', cell: ({ address }) => address },
    {
      title: 'STATUS',
      cell: ({ status }) => statusWord(status),
      paint: ({ status }) => statusPaint(status, style),
    },
    { title: 'SINCE', cell: ({ updated_at }) => age(updated_at, now), align: 'right' },
    { title: 'DISK', cell: ({ names, volume_id }) => names.volume_name || volume_id },
    { title: 'BACKUP', cell: ({ names, backup_id }) => names.backup_name || backup_id, droppable: true },
    { title: 'GEN', cell: ({ generation }) => String(generation), align: 'right' },
    { title: 'JOB', cell: (record) => jobIdOf(record) ?? '', droppable: true },
    { title: 'REQUEST', cell: (record) => requestInsteadOfJob(record) ?? '', droppable: true },
  ];
}

const STATUSES = ['succeeded', 'running', 'intended', 'failed', 'unknown'] as const;

function totalsText(records: readonly RestoreRecord[]): string {
  const counts = STATUSES.map(
    (status) => [status, records.filter((r) => r.status === status).length] as const,
  )
    .filter(([, count]) => count > 0)
    .map(([status, count]) => `${grouped(count)} ${statusWord(status)}`);
  return counts.length === 0
    ? 'No records yet.'
    : `${plural(records.length, 'record')}: ${counts.join(', ')}.`;
}

/** `vbsctl state show ADDRESS`: everything that is known of one restore. Ends with a line break. */
export function stateShowText(record: RestoreRecord, options: TextOptions & StepOptions): string {
  const { style, width } = options;
  const paint = statusPaint(record.status, style);
  const job = jobIdOf(record);
  const { attached_before: attached = [] } = record;
  return joinLines([
    `${paint(STATUS_SIGNS[record.status])} ${style.strong(sanitize(record.address))}  ${paint(statusWord(record.status))}${style.faint(`  (generation ${record.generation})`)}`,
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
    ...(job === undefined ? [] : labelled('job', [sanitize(job)], style)),
    ...attemptLines(record, options),
    ...lookLines(record, Number.POSITIVE_INFINITY, options),
    ...[...nextSteps(record, options), ...putBackSteps(record)].flatMap((step) =>
      indent(remedyLines(step, { style, width: width - LABEL_INDENT }), LABEL_INDENT),
    ),
  ]);
}

/** How the disk comes back to where it was; while it may be restored yet, it has to stay detached. */
function putBackSteps(record: RestoreRecord): string[] {
  if (record.status !== 'succeeded') return [];
  return addCommands(record).map((command) => `to attach it again, if it is still detached: ${command}`);
}

/** What makes its status so, and since when. */
function statusLines(record: RestoreRecord, { style, now, width }: TextOptions): string[] {
  const said = (label: string, text: string) =>
    labelled(label, wrap(sanitize(text), width - VALUE_COLUMN), style);
  const at = (label: string, iso: string) => labelled(label, [when(iso, now)], style);
  switch (record.status) {
    case 'intended':
      return [...said('evidence', outcomeText(record)), ...at('since', record.updated_at)];
    case 'running':
      return [
        ...said('evidence', EVIDENCE[record.evidence]),
        ...at(startWord(record.evidence), record.started_at),
      ];
    case 'succeeded':
      return [
        ...said('evidence', EVIDENCE[record.evidence]),
        ...(record.started_at === undefined ? [] : at(startWord(record.evidence), record.started_at)),
        ...at('ended', record.finished_at),
      ];
    case 'failed':
      return [
        ...said('reason', record.reason),
        ...said('disk was', record.touched === 'no' ? 'not touched' : 'touched, or may have been'),
        ...at('ended', record.finished_at),
      ];
    case 'unknown':
      return [...said('cause', record.cause), ...at('since', record.updated_at)];
    default:
      return unreachable(record);
  }
}

/** What was adopted began some time before it was found. */
function startWord(evidence: keyof typeof EVIDENCE): string {
  return evidence === 'adopted' ? 'found' : 'started';
}

const EVIDENCE = {
  accepted: 'the cloud accepted it',
  adopted: 'adopted: there was no clear answer, but disk and backup were seen restoring',
  resolved: 'decided by a person',
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

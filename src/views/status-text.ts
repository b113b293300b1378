import { type CloudProject, projectText } from '../domain/cloud-project.ts';
import { unreachable } from '../domain/errors.ts';
import { shellOperand } from '../domain/escape/shell-word.ts';
import type { LockHolder } from '../domain/lock-holder.ts';
import { type Behind, beganAt, type OpenRestore } from '../domain/open-restores.ts';
import {
  isShown,
  jobIdOf,
  type RestoreRecord,
  requestInsteadOfJob,
  statusOf,
  statusWord,
} from '../domain/record.ts';
import { remedyLines } from './diagnostics.ts';
import { lockText } from './lock-text.ts';
import {
  attemptLines,
  openSteps,
  outcomeText,
  STATUS_SIGNS,
  statusPaint,
  subjectLines,
} from './record-text.ts';
import { type StateListItem, stateListJson } from './state-json.ts';
import { tableLines } from './table.ts';
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
import { age, answerText, failureText, listed, plural, size, utc, when } from './words.ts';

export interface Status {
  readonly target: CloudProject;
  /** Where the state lies. */
  readonly location: string;
  readonly lock: LockHolder | undefined;
  readonly open: readonly OpenRestore[];
  readonly total: number;
  /** Of the restores that were asked for by name, those that are over; absent: all were asked for. */
  readonly over?: readonly RestoreRecord[];
}

export interface StatusOptions extends TextOptions {
  /** More than a line each: what it is, what waits behind it, the text for the cloud's support. */
  readonly inFull: boolean;
}

/** `vbsctl status`: what is open, since when, and what to do about it. Ends with a line break. */
export function statusText(status: Status, options: StatusOptions): string {
  const { style, now, width } = options;
  const { open, lock, location, target, over } = status;
  const head = [
    `${style.faint('state')}  ${sanitize(location)}, ${sanitize(projectText(target))}`,
    `${style.faint('lock')}   ${lock ? lockText(lock, now) : 'free'}`,
    '',
  ];
  if (over && over.length > 0)
    head.push(
      ...over.map(
        (record) =>
          `${statusPaint(record.status, style)(STATUS_SIGNS[record.status])} ${sanitize(record.address)}  ${outcomeText(record)}`,
      ),
      '',
    );
  if (open.length === 0) return joinLines([...head, nothingOpen(status, options)]);
  const body = options.inFull
    ? open.flatMap((restore) => [...detail(restore, status, options), ''])
    : [...table(open, options), ''];
  return joinLines([
    ...head,
    ...body,
    ...(over?.length === 0 && open.length === 1 ? [] : [style.strong(openText(status))]),
    ...(options.inFull
      ? []
      : [
          ...ways(status),
          'to see one in full, with a text for the cloud’s support: vbsctl status ADDRESS',
        ].flatMap((way) => remedyLines(way, { style, width }))),
  ]);
}

function openText({ open, total, over }: Status): string {
  const count = `${plural(open.length, 'restore')} open`;
  return over
    ? `${count} of ${open.length + over.length} asked for.`
    : `${count} of ${plural(total, 'record')}.`;
}

/** A run that holds the lock may not have sent anything yet: it may wait for a disk to be detached. */
function nothingOpen({ lock, total, over }: Status, { style }: TextOptions): string {
  if (over) return style.strong(style.good('No open restores among them.'));
  if (lock?.operation !== 'apply')
    return style.strong(style.good(`No open restores; ${plural(total, 'record')}.`));
  return style.strong(
    `No open restores so far; ${plural(total, 'record')}. The run that holds the lock may be waiting, for example for a detach.`,
  );
}

/** While a run holds the lock it follows them itself. */
function ways({ open, lock }: Status): string[] {
  const underWay = open.some(({ record }) => record.status !== 'unknown');
  return underWay && !lock ? ['to wait for running restores: vbsctl wait'] : [];
}

function table(open: readonly OpenRestore[], options: TextOptions): string[] {
  const { style, now } = options;
  return tableLines(
    [
      { title: 'RESTORE', cell: ({ record }) => record.address },
      {
        title: 'STATUS',
        cell: ({ record }) => statusWord(record.status),
        paint: ({ record }) => statusPaint(record.status, style),
      },
      { title: 'BEGUN', cell: ({ record }) => age(began(record), now), align: 'right' },
      { title: 'LAST CHANGE', cell: ({ record }) => age(record.updated_at, now), align: 'right' },
      {
        title: 'WAITING',
        cell: ({ behind }) => (behind.length === 0 ? '' : String(behind.length)),
        align: 'right',
      },
      { title: 'JOB', cell: ({ record }) => jobIdOf(record) ?? '' },
      { title: 'REQUEST', cell: ({ record }) => requestInsteadOfJob(record) ?? '', droppable: true },
    ],
    open,
    options,
  );
}

function detail({ record, behind, declared }: OpenRestore, status: Status, options: TextOptions): string[] {
  const { style, width, now } = options;
  const job = jobIdOf(record);
  const paint = statusPaint(record.status, style);
  const step = (text: string) =>
    indent(remedyLines(text, { style, width: width - LABEL_INDENT }), LABEL_INDENT);
  return [
    `${paint(STATUS_SIGNS[record.status])} ${style.strong(sanitize(record.address))}  ${paint(outcomeText(record))}`,
    ...labelled('begun', [when(began(record), now)], style),
    ...labelled('changed', [when(record.updated_at, now)], style),
    ...subjectLines(record, options),
    ...(job === undefined || record.attempts.some(({ job_id }) => job_id === job)
      ? []
      : labelled('job', [sanitize(job)], style)),
    ...attemptLines(record, options),
    ...labelled('waiting', behindLines(behind, width), style),
    ...(declared ? [] : labelled('declared', ['in none of the manifests'], style)),
    ...(declared || record.status !== 'intended'
      ? openSteps(record)
      : [`to find out what happened: vbsctl wait ${shellOperand(record.address)}`]
    ).flatMap(step),
    '',
    style.faint('-- for the cloud’s support --'),
    ...ticketLines(record, status.target),
    style.faint('-- end --'),
  ];
}

const BEHIND_SHOWN = 5;

function behindLines(behind: readonly Behind[], width: number): string[] {
  if (behind.length === 0) return ['no other restore'];
  return wrap(
    listed(
      behind.map(({ address, because }) => `${address} (${BECAUSE[because]})`),
      BEHIND_SHOWN,
    ),
    width - VALUE_COLUMN,
  );
}

const BECAUSE: Readonly<Record<Behind['because'], string>> = {
  depends_on: 'depends on it',
  same_disk: 'same disk',
  same_backup: 'same backup',
};

/** Everything that the cloud's support asks for, in one piece to paste; no margin, no colours, no ages. */
export function ticketLines(record: RestoreRecord, target: CloudProject): string[] {
  const { names } = record;
  const job = jobIdOf(record);
  return [
    ticketQuestion(record),
    `Project: ${projectText(target)}`,
    `Disk: ${record.volume_id} (${names.volume_name || 'no name'})`,
    `Backup: ${record.backup_id} (${names.backup_name || 'no name'}, ${size(names.size)}, taken ${utc(names.backup_created_at)})`,
    ...(job === undefined ? [] : [`Job: ${job}`]),
    ...record.attempts.map(({ intended_at, answer, failure, request_id }) => {
      const id = request_id ?? failure?.request_id;
      const said = failure ? `${answerText(answer)}: ${failureText(failure)}` : answerText(answer);
      return `POST of ${utc(intended_at)}, request id ${id ?? 'not known'}: ${said}`;
    }),
    ...(record.status === 'unknown'
      ? record.observations
          .slice(-1)
          .map(
            ({ at, volume, backup }) =>
              `Seen ${utc(at)}: disk ${statusOf(volume)}, updated ${(isShown(volume) && volume.updated_at) || 'never'}; backup ${statusOf(backup)}`,
          )
      : []),
  ].map(sanitize);
}

function ticketQuestion(record: RestoreRecord): string {
  switch (record.status) {
    case 'running':
      // A cloud may have no jobs, and who adopted a restore was never told of one.
      return `What is the status of ${jobIdOf(record) === undefined ? 'this restore' : 'the job of this restore'}, and will it end?`;
    case 'intended':
    case 'unknown':
      return 'We requested a restore and do not know its outcome. Was it started, and how did it end?';
    case 'succeeded':
    case 'failed':
      return 'How did this restore end?';
    default:
      return unreachable(record);
  }
}

function began(record: RestoreRecord): string {
  return new Date(beganAt(record)).toISOString();
}

/** `status --output json` */
export interface StatusJson {
  readonly format: 1;
  readonly location: string;
  readonly target: CloudProject;
  readonly lock: LockHolder | null;
  readonly open: readonly (StateListItem & {
    readonly began_at: string;
    readonly behind: readonly Behind[];
    readonly declared: boolean;
    readonly ticket: string;
  })[];
}

export function statusJson({ location, target, lock, open }: Status): StatusJson {
  return {
    format: 1,
    location,
    target,
    lock: lock ?? null,
    open: open.flatMap(({ record, behind, declared }) =>
      stateListJson([record]).map((item) => ({
        ...item,
        began_at: began(record),
        behind,
        declared,
        ticket: ticketLines(record, target).join('\n'),
      })),
    ),
  };
}

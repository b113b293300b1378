import { isoTime } from '../domain/clock.ts';
import { type CloudProject, projectText } from '../domain/cloud-project.ts';
import { unreachable } from '../domain/errors.ts';
import { shellOperand } from '../domain/escape/shell-word.ts';
import type { LockHolder } from '../domain/lock-holder.ts';
import { observedStatus, wasFound } from '../domain/observation.ts';
import { type BlockedRestore, beganAt, type OpenRestore } from '../domain/open-restores.ts';
import { jobIdOf, type RestoreRecord, statusWord } from '../domain/record.ts';
import { indentedRemedy, remedyLines } from './diagnostics.ts';
import { lockText } from './lock-text.ts';
import {
  attemptLines,
  idColumns,
  openRecordRemedies,
  outcomeText,
  recordHeading,
  statusPaint,
  subjectLines,
} from './record-text.ts';
import { stateListItem } from './state-json.ts';
import { tableLines } from './table.ts';
import { joinLines, labelled, sanitize, type TextOptions, VALUE_COLUMN, wrap } from './terminal.ts';
import { age, answerText, failureText, listed, plural, size, utc, when } from './words.ts';

export interface Status {
  readonly target: CloudProject;
  /** Location of the state. */
  readonly location: string;
  readonly lock: LockHolder | undefined;
  readonly open: readonly OpenRestore[];
  readonly total: number;
  /** Records whose last restore failed: they are not open, but not done. */
  readonly failed: number;
  /** Closed restores among the requested addresses. Absent: no address was given, all are requested. */
  readonly closed?: readonly RestoreRecord[];
}

interface StatusOptions extends TextOptions {
  /** Shows each restore with its details, the restores that it blocks, and a text for the cloud’s support. */
  readonly detailed: boolean;
}

/** `vbsctl status`: the open restores, their times, and the next commands. Ends with a line break. */
export function statusText(status: Status, options: StatusOptions): string {
  const { style, now } = options;
  const { open, lock, location, target, closed } = status;
  const head = [
    `${style.faint('state')}  ${sanitize(location)}, ${sanitize(projectText(target))}`,
    `${style.faint('lock')}   ${lock ? lockText(lock, now) : 'free'}`,
    '',
    ...(closed && closed.length > 0
      ? [...closed.map((record) => recordHeading(record, outcomeText(record), style)), '']
      : []),
  ];
  if (open.length === 0) return joinLines([...head, ...nothingOpen(status, options)]);
  const total = closed?.length === 0 && open.length === 1 ? [] : [style.strong(openText(status))];
  if (options.detailed)
    return joinLines([
      ...head,
      ...open.flatMap((restore) => [...detailLines(restore, status, options), '']),
      ...total,
    ]);
  const canWait = !lock && open.some(({ record }) => record.status !== 'unknown');
  return joinLines([
    ...head,
    ...table(open, options),
    '',
    ...total,
    // A run that holds the lock follows them itself.
    ...(canWait ? remedyLines('to wait for running restores: vbsctl wait', options) : []),
    ...remedyLines('for details and a text for the cloud’s support: vbsctl status ADDRESS', options),
  ]);
}

function openText({ open, total, closed }: Status): string {
  return closed
    ? `${open.length} of ${plural(open.length + closed.length, 'requested restore')} open.`
    : `${plural(open.length, 'restore')} open; ${plural(total, 'record')}.`;
}

/** A run that holds the lock may not have sent anything yet. */
function nothingOpen({ lock, total, failed, closed }: Status, options: TextOptions): string[] {
  const { strong, good, bad } = options.style;
  const records = plural(total, 'record');
  if (closed) return [strong(good('None of the requested restores is open.'))];
  if (lock?.operation === 'apply')
    return [
      strong(
        `No open restores so far; ${records}. The run that holds the lock may be waiting, for example for a detach.`,
      ),
    ];
  if (failed === 0) return [strong(good(`No open restores; ${records}.`))];
  return [
    strong(bad(`No open restores; ${records}, ${failed} failed.`)),
    ...remedyLines('to see what failed: vbsctl state list', options),
  ];
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
      { title: 'REQUESTED', cell: ({ record }) => age(requestedAt(record), now), align: 'right' },
      { title: 'UPDATED', cell: ({ record }) => age(record.updated_at, now), align: 'right' },
      {
        title: 'BLOCKS',
        cell: ({ blocks }) => (blocks.length === 0 ? '' : String(blocks.length)),
        align: 'right',
      },
      ...idColumns<OpenRestore>(({ record }) => record),
    ],
    open,
    options,
  );
}

function detailLines(
  { record, blocks, declared }: OpenRestore,
  status: Status,
  options: TextOptions,
): string[] {
  const { style, width, now } = options;
  return [
    recordHeading(record, outcomeText(record), style),
    ...labelled('requested', [when(requestedAt(record), now)], style),
    ...labelled('updated', [when(record.updated_at, now)], style),
    ...subjectLines(record, options),
    ...attemptLines(record, options),
    ...labelled('blocks', blocksLines(blocks, width), style),
    ...(declared ? [] : labelled('declared', ['in none of the manifests'], style)),
    ...(declared || record.status !== 'intended'
      ? openRecordRemedies(record)
      : [`to find out what happened: vbsctl wait ${shellOperand(record.address)}`]
    ).flatMap((step) => indentedRemedy(step, options)),
    '',
    style.faint('-- for the cloud’s support --'),
    ...ticketLines(record, status.target),
    style.faint('-- end --'),
  ];
}

const BLOCKED_LISTED_MAX = 5;

function blocksLines(blocks: readonly BlockedRestore[], width: number): string[] {
  if (blocks.length === 0) return ['no other restore'];
  return wrap(
    listed(
      blocks.map(({ address, reason }) => `${address} (${REASONS[reason]})`),
      BLOCKED_LISTED_MAX,
    ),
    width - VALUE_COLUMN,
  );
}

const REASONS: Readonly<Record<BlockedRestore['reason'], string>> = {
  depends_on: 'depends on it',
  same_volume: 'same disk',
  same_backup: 'same backup',
};

/** The facts that the cloud’s support needs, to paste: no margin, no colours, no ages. */
export function ticketLines(record: RestoreRecord, target: CloudProject): string[] {
  const { names } = record;
  const job = jobIdOf(record);
  return [
    ticketQuestion(record),
    `In ${projectText(target)}`,
    `Volume: ${record.volume_id} (${names.volume_name || 'no name'})`,
    `Backup: ${record.backup_id} (${names.backup_name || 'no name'}, ${size(names.size)}, taken ${utc(names.backup_created_at)})`,
    ...(job === undefined ? [] : [`Job: ${job}`]),
    ...record.attempts.map(({ intended_at, answer, failure, request_id }) => {
      const id = request_id ?? failure?.request_id;
      const text = failure ? `${answerText(answer)}: ${failureText(failure)}` : answerText(answer);
      return `POST of ${utc(intended_at)}, request id ${id ?? 'not known'}: ${text}`;
    }),
    ...(record.status === 'unknown'
      ? record.observations
          .slice(-1)
          .map(
            ({ at, volume, backup }) =>
              `Seen ${utc(at)}: volume ${observedStatus(volume)}, updated ${(wasFound(volume) && volume.updated_at) || 'never'}; backup ${observedStatus(backup)}`,
          )
      : []),
  ].map(sanitize);
}

function ticketQuestion(record: RestoreRecord): string {
  switch (record.status) {
    case 'running':
      // There is no job id if the cloud has no jobs or the restore was adopted.
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

function requestedAt(record: RestoreRecord): string {
  return isoTime(beganAt(record));
}

/** `status --output json` */
export function statusJson({ location, target, lock, open }: Status) {
  return {
    format: 1,
    location,
    target,
    lock: lock ?? null,
    open: open.map(({ record, blocks, declared }) => ({
      ...stateListItem(record),
      began_at: requestedAt(record),
      blocks,
      declared,
      ticket: ticketLines(record, target).join('\n'),
    })),
  };
}

import { diffWordsWithSpace } from 'diff';
import type { Diagnostic } from '../domain/diagnostic.ts';
import { formatDuration } from '../domain/duration.ts';
import { unreachable } from '../domain/errors.ts';
import {
  type Action,
  type BackupView,
  type BlockedAction,
  type FieldChange,
  hasChanges,
  isOfAnotherDisk,
  type NoopAction,
  type Orphan,
  type Plan,
  type PlanTotals,
  type RestoreAction,
  type ResumeAction,
  rulesToNote,
  totals,
  type VolumeView,
  type Wait,
} from '../domain/plan.ts';
import { describeAttachment } from '../domain/preflight.ts';
import { diagnosticLines, placeText, remedyLines } from './diagnostics.ts';
import { progressSoFar, statusPaint } from './record-text.ts';
import { pairLines } from './table.ts';
import {
  displayWidth,
  indent,
  joinLines,
  LABEL_INDENT,
  labelled,
  type Paint,
  padEnd,
  padStart,
  paragraphs,
  type Style,
  sanitize,
  type TextOptions,
  VALUE_COLUMN,
  wrap,
} from './terminal.ts';
import { grouped, listed, plural, selectorText, size, when } from './words.ts';

export interface PlanTextOptions extends TextOptions {
  /** List every done restore; otherwise more than a few are only counted. */
  readonly showDone?: boolean;
  /** Where the state lies, or would lie. */
  readonly stateLocation?: string;
  /** What applies this plan, as the user would type it. */
  readonly applyCommand?: string;
  /** What creates the state, flags included. */
  readonly initCommand?: string;
  /** What follows open restores to their end, flags included. */
  readonly waitCommand?: string;
  /** How long apply waits for what a restore waits for, ms. Absent: it does not. */
  readonly patienceMs?: number;
  /** The plan is from a file and was made before: somebody may have applied it since. */
  readonly madeBefore?: boolean;
}

/** What `vbsctl plan` shows: the plan, and what to type next. Linear in the actions. Ends with a line break. */
export function planText(plan: Plan, options: PlanTextOptions): string {
  return joinLines([...bodyLines(plan, options), '', ...nextLines(plan, options)]);
}

/** The plan without what to type next: `apply` shows it and then asks. */
export function planBody(plan: Plan, options: PlanTextOptions): string {
  return joinLines(bodyLines(plan, options));
}

/** `Plan: 3 to restore, 1 to resume, 2 done, 1 blocked.` */
export function planSummary(plan: Plan): string {
  const count = totals(plan);
  const parts = [
    ...(hasChanges(plan) || count.blocked > 0 ? [] : ['nothing to do']),
    ...[
      [count.restore, 'to restore'] as const,
      [count.resume, 'to resume'] as const,
      [plan.moves.length, 'to rename'] as const,
      [rulesToNote(plan), 'to note'] as const,
      [count.noop, 'done'] as const,
      [count.blocked, 'blocked'] as const,
      [count.expired, 'expired'] as const,
    ].flatMap(([value, what]) => (value > 0 ? [`${grouped(value)} ${what}`] : [])),
  ];
  return `Plan: ${parts.join(', ')}.`;
}

/** From this many columns on an id stands beside its name instead of below it. */
const WIDE_COLUMNS = 120;
/** More plain done restores than this are counted instead of listed. */
const DONE_LISTED_MAX = 10;

function bodyLines(plan: Plan, options: PlanTextOptions): string[] {
  const { actions, notices } = plan;
  const beside = new Map<string, Diagnostic[]>();
  const addresses = new Set(actions.map((action) => action.address));
  const general: Diagnostic[] = [];
  for (const notice of notices) {
    const address = notice.where?.address;
    if (address === undefined || !addresses.has(address)) general.push(notice);
    else beside.set(address, [...(beside.get(address) ?? []), notice]);
  }
  const about = (action: Action) => beside.get(action.address) ?? [];
  // One string each: a hundred thousand blocks of a dozen lines are a lot of lines to keep.
  const block = (action: Action) =>
    ['', ...actionLines(action, options), ...noteLines(about(action), options)].join('\n');

  const isQuiet = (action: NoopAction) =>
    action.was === undefined &&
    action.superseded_by === undefined &&
    action.note_rule === undefined &&
    about(action).length === 0;

  // What needs a person stands last, next to the summary: that is what a full screen ends with.
  return [
    ...stateWarningLines(plan, options),
    ...headerLines(plan, options),
    ...doneLines(actions.filter(isKind('noop')), isQuiet, about, options),
    ...orphanLines(plan.orphans, options),
    ...otherMoveLines(plan, options),
    ...actions.filter((action) => action.kind === 'restore' || action.kind === 'resume').map(block),
    ...actions.filter(isKind('expired')).map(block),
    ...actions.filter(isKind('blocked')).map(block),
    ...general.flatMap((notice) => ['', ...diagnosticLines(notice, options)]),
    ...detachLines(actions.filter(isKind('restore')), options),
    '',
    ...summaryLines(plan, options),
  ];
}

function isKind<K extends Action['kind']>(
  kind: K,
): (action: Action) => action is Extract<Action, { kind: K }> {
  return (action): action is Extract<Action, { kind: K }> => action.kind === kind;
}

// ---- above the actions

function stateWarningLines(
  { state }: Plan,
  { style, width, initCommand = 'vbsctl init' }: PlanTextOptions,
): string[] {
  if (state) return [];
  const what = 'No state yet: nothing is remembered, every restore counts as never done.';
  return [
    ...wrap(what, width).map((line) => style.strong(style.warn(line))),
    ...remedyLines(
      `if restores were done here before, find their state first; else create it: ${initCommand}`,
      {
        style,
        width,
      },
    ),
    '',
  ];
}

const MANIFESTS_LISTED_MAX = 3;

function headerLines(
  { target, state, manifests, offline }: Plan,
  { style, width, stateLocation }: PlanTextOptions,
): string[] {
  const at = stateLocation === undefined ? '' : ` at ${sanitize(stateLocation)}`;
  const field = (label: string, text: string, more?: string) => [
    `${style.faint(padEnd(`${label}:`, 9))}${text}`,
    ...(more === undefined ? [] : [`${' '.repeat(9)}${style.faint(more)}`]),
  ];
  const project = target && sanitize(target.project_name ?? target.project_id);
  return [
    ...(target
      ? field(
          'Target',
          `project ${project}, region ${sanitize(target.region)}`,
          sanitize(
            `${target.project_name === undefined ? '' : `${target.project_id} at `}${target.auth_url}`,
          ),
        )
      : field('Target', 'none yet')),
    ...field(
      'State',
      state
        ? `serial ${grouped(state.serial)}${at}${style.faint(`, lineage ${sanitize(state.lineage)}`)}`
        : style.warn(`none yet${at}`),
    ),
    ...(manifests.length === 0
      ? []
      : field(
          'From',
          listed(
            manifests.map(({ path }) => path),
            MANIFESTS_LISTED_MAX,
          ),
        )),
    ...(offline
      ? wrap(
          'Made offline: the cloud was not looked at, so this shows what is declared, not what is there.',
          width,
        ).map(style.warn)
      : []),
  ];
}

// ---- what is done

function doneLines(
  done: readonly NoopAction[],
  isQuiet: (action: NoopAction) => boolean,
  about: (action: NoopAction) => readonly Diagnostic[],
  options: PlanTextOptions,
): string[] {
  const { style, now, width } = options;
  const quiet = done.filter(isQuiet).length;
  const collapse = options.showDone !== true && quiet > DONE_LISTED_MAX;
  const shown = collapse ? done.filter((action) => !isQuiet(action)) : done;
  let widest = 0;
  let widestName = 0;
  for (const { address, volume } of shown) {
    widest = Math.max(widest, displayWidth(sanitize(address)));
    widestName = Math.max(widestName, displayWidth(nameOf(volume)));
  }
  const lines = shown.flatMap((action) => {
    const { address, was, done_at, superseded_by: later, volume, note_rule } = action;
    const text = [
      padEnd(sanitize(address), widest),
      padEnd(nameOf(volume), widestName),
      `done ${when(done_at, now)}`,
    ].join('  ');
    const same = later?.backup_id === action.backup.id;
    const after =
      later &&
      `since then ${sanitize(later.address)} restored ${same ? 'the same backup' : `backup ${sanitize(later.backup_id)}`} into this disk, ${when(later.finished_at, now)}`;
    return [
      style.faint(`= ${text}`),
      ...(was === undefined ? [] : [`    was ${sanitize(was)}, the record moves along`]),
      ...(note_rule === undefined
        ? []
        : indent(
            wrap(
              `its rule is new (${selectorText(note_rule)}) and picks what is done: noted by apply, so that a newer backup makes no new restore`,
              width - LABEL_INDENT,
            ),
            LABEL_INDENT,
          )),
      ...(after === undefined ? [] : indent(wrap(after, width - LABEL_INDENT), LABEL_INDENT)),
      ...(after === undefined
        ? []
        : indent(
            remedyLines(
              `${same ? 'to restore it once more' : 'to go back to this one'}: raise generation${toNext(action)} at ${placeText(action.source)}`,
              options,
            ),
            LABEL_INDENT,
          )),
      ...noteLines(about(action), options),
    ];
  });
  const collapsed = collapse
    ? [
        style.faint(
          `= ${grouped(quiet)} ${shown.length > 0 ? 'more ' : ''}done, nothing to do (--show-done lists them)`,
        ),
      ]
    : [];
  return lines.length + collapsed.length === 0 ? [] : ['', ...lines, ...collapsed];
}

function toNext({ next_generation: next }: NoopAction): string {
  return next === undefined ? '' : ` to ${next}`;
}

function orphanLines(orphans: readonly Orphan[], { style, width }: PlanTextOptions): string[] {
  if (orphans.length === 0) return [];
  const pairs = pairLines(
    orphans.map(({ address, status, volume_id }) => [
      sanitize(address),
      `${status.padEnd(9)}  disk ${sanitize(volume_id)}`,
    ]),
  );
  return [
    '',
    ...wrap('Not declared any more, left alone (vbsctl state show ADDRESS):', width),
    ...pairs.map((pair, index) => {
      const status = orphans[index]?.status ?? 'succeeded';
      const paint = status === 'succeeded' ? style.faint : statusPaint(status, style);
      return paint(`  ${pair}`);
    }),
  ];
}

/** Renames of what `--target` leaves out: nothing that apply writes goes unseen. */
function otherMoveLines({ actions, moves }: Plan, { style, width }: PlanTextOptions): string[] {
  const shown = new Set(actions.flatMap(({ was, address }) => (was === undefined ? [] : [address])));
  const others = moves.filter(({ to }) => !shown.has(to));
  if (others.length === 0) return [];
  return [
    '',
    ...wrap(
      'Renamed as well, without being part of this plan (the record moves, no disk is touched):',
      width,
    ),
    ...others.map(({ from, to }) => style.faint(`  ${sanitize(from)} → ${sanitize(to)}`)),
  ];
}

// ---- actions

function actionLines(action: Action, options: PlanTextOptions): string[] {
  const { style, now } = options;
  switch (action.kind) {
    case 'restore': {
      const again = action.cause === 'again';
      return [
        heading(
          again ? '~' : '+',
          action,
          again ? 'restore again' : 'restore',
          again ? style.warn : style.good,
          options,
        ),
        ...subjectLines(action, options),
        ...changeLines(action.changes, options),
        ...runnableLines(action, options),
        ...action.waits_for.flatMap((wait) => waitLines(wait, options)),
      ];
    }
    case 'resume':
      return [
        heading('>', action, 'resume', style.accent, options),
        ...subjectLines(action, options),
        ...labelled('so far', progressSoFar(action.record, options), style),
        ...runnableLines(action, options),
        ...labelled('first', ['looks at disk and backup; sends nothing before that'], style),
      ];
    case 'blocked':
      return [
        heading('!', action, 'blocked', style.bad, options),
        ...subjectLines(action, options),
        ...blockedLines(action, options),
      ];
    case 'expired':
      return [
        heading('x', action, `expired ${when(action.valid_until, now)}`, style.warn, options),
        ...indent(
          remedyLines(
            `it never runs; to want it still: raise valid_until at ${placeText(action.source)}`,
            options,
          ),
          LABEL_INDENT,
        ),
      ];
    case 'noop':
      throw new Error('done restores are told by doneLines');
    default:
      return unreachable(action);
  }
}

function heading(
  sign: string,
  { address, was, generation }: Action,
  what: string,
  paint: Paint,
  { style }: PlanTextOptions,
): string {
  const more = [
    ...(generation > 1 ? [`generation ${generation}`] : []),
    ...(was === undefined ? [] : [`was ${sanitize(was)}`]),
  ];
  return `${paint(sign)} ${style.strong(sanitize(address))}  ${paint(what)}${more.length > 0 ? style.faint(`  (${more.join(', ')})`) : ''}`;
}

/** Disk and backup under one another, names and sizes aligned. */
function subjectLines({ volume, backup }: Action, { style, width, now }: PlanTextOptions): string[] {
  const names = [nameOf(volume), nameOf(backup)] as const;
  const sizes = [size(volume.size), size(backup.size)] as const;
  const nameWidth = Math.max(...names.map(displayWidth));
  const sizeWidth = Math.max(...sizes.map(displayWidth));
  const row = (index: 0 | 1, id: string | undefined, facts: readonly string[]) => {
    const inline = width >= WIDE_COLUMNS && id !== undefined;
    const cells = [
      padEnd(names[index], nameWidth),
      ...(sizeWidth > 0 ? [padStart(sizes[index], sizeWidth)] : []),
      ...(inline ? [style.faint(sanitize(id))] : []),
      ...facts,
    ];
    return [cells.join('  ').trimEnd(), ...(id === undefined || inline ? [] : [style.faint(sanitize(id))])];
  };
  const foreign = backup.of_volume_id !== undefined && backup.of_volume_id !== volume.id;
  return [
    ...labelled('disk', row(0, volume.id, diskFacts(volume)), style),
    ...labelled(
      'backup',
      [
        ...row(1, backup.id, backup.created_at === undefined ? [] : [when(backup.created_at, now)]),
        ...(foreign ? [style.warn(`of another disk: ${otherDisk(backup)}`)] : []),
        ...(backup.selector
          ? wrap(`rule: ${selectorText(backup.selector)}`, width - VALUE_COLUMN).map(style.faint)
          : []),
      ],
      style,
    ),
  ];
}

function otherDisk({ of_volume_name: name, of_volume_id: id = '' }: BackupView): string {
  return name === undefined ? sanitize(id) : `${sanitize(name)} (${sanitize(id)})`;
}

/** A disk or backup without a name is known by its id alone. */
function nameOf({ name, id }: VolumeView | BackupView): string {
  if (name !== undefined && name !== '') return sanitize(name);
  return id === undefined ? '(not resolved)' : '(no name)';
}

function diskFacts({ attachments, status }: VolumeView): string[] {
  if (attachments !== undefined && attachments.length > 0)
    return [`attached to ${attachments.map((each) => sanitize(describeAttachment(each))).join(', ')}`];
  return status === undefined || status === 'available' ? [] : [sanitize(status)];
}

function runnableLines(action: RestoreAction | ResumeAction, { style, now }: PlanTextOptions): string[] {
  const { depends_on, valid_until } = action;
  return [
    ...(depends_on.length === 0 ? [] : labelled('after', depends_on.map(sanitize), style)),
    ...(valid_until === undefined ? [] : labelled('expires', [when(valid_until, now)], style)),
  ];
}

/** `waits for: detach from pay-db1 (/dev/vdb)`; how to detach stands once for each server, in `detachLines`. */
function waitLines({ what, commands, server }: Wait, { style }: PlanTextOptions): string[] {
  const beside = server === undefined ? commands : [];
  return labelled(
    'waits for',
    [style.warn(sanitize(what)), ...beside.map((command) => style.accent(sanitize(command)))],
    style,
  );
}

function blockedLines({ reasons }: BlockedAction, options: PlanTextOptions): string[] {
  const { style, width } = options;
  const room = width - VALUE_COLUMN;
  return reasons.flatMap(({ summary, detail, remedy }) =>
    labelled(
      'blocked',
      [
        ...wrap(sanitize(summary), room).map(style.bad),
        ...(detail === undefined ? [] : paragraphs(detail, room)),
        ...(remedy === undefined ? [] : remedyLines(remedy, { style, width: room })),
      ],
      style,
    ),
  );
}

function noteLines(notices: readonly Diagnostic[], { style, width }: PlanTextOptions): string[] {
  const room = width - VALUE_COLUMN;
  return notices.flatMap(({ severity, summary, detail, remedy }) =>
    labelled(
      severity,
      [
        ...wrap(sanitize(summary), room).map(severity === 'error' ? style.bad : style.warn),
        ...(detail === undefined ? [] : paragraphs(detail, room)),
        ...(remedy === undefined ? [] : remedyLines(remedy, { style, width: room })),
      ],
      style,
    ),
  );
}

/** Beyond this many changed words the diff is not worth its time, nor readable: both values are shown whole. */
const CHANGED_WORDS_MAX = 100;

/** Against what stood at the address before: `field  before → after`, long values under one another. */
function changeLines(changes: readonly FieldChange[], { style, width }: PlanTextOptions): string[] {
  if (changes.length === 0) return [];
  let fieldWidth = 0;
  for (const { field } of changes) fieldWidth = Math.max(fieldWidth, displayWidth(sanitize(field)));
  const room = width - VALUE_COLUMN - fieldWidth - 2;
  const lines = changes.flatMap((change) => {
    const field = padEnd(sanitize(change.field), fieldWidth);
    return [...valueChange(change, room, style), ...newerLines(change)].map(
      (text, index) => `${index === 0 ? field : ' '.repeat(fieldWidth)}  ${text}`,
    );
  });
  return labelled('changed', lines, style);
}

/** A backup's moment, as two times, says little: how much newer is what a reviewer asks. */
function newerLines({ field, before, after }: FieldChange): string[] {
  const ms = Date.parse(after) - Date.parse(before);
  if (field !== 'backup_created_at' || Number.isNaN(ms) || ms === 0) return [];
  return [`the backup is ${formatDuration(Math.abs(ms))} ${ms > 0 ? 'newer' : 'older'}`];
}

function valueChange(
  { before: rawBefore, after: rawAfter }: FieldChange,
  room: number,
  style: Style,
): string[] {
  const before = sanitize(rawBefore);
  const after = sanitize(rawAfter);
  if (after === '') return wrap(before, room);
  if (before === '') return wrap(after, room);
  if (displayWidth(before) + displayWidth(after) + 3 <= room)
    return [`${style.faint(before)} → ${style.strong(after)}`];
  const words =
    before.includes(' ') && after.includes(' ')
      ? diffWordsWithSpace(before, after, { maxEditLength: CHANGED_WORDS_MAX })
      : undefined; // ids have no words: shown whole
  if (!words?.some(({ added, removed }) => !added && !removed))
    return [style.bad(`- ${before}`), style.good(`+ ${after}`)];
  const side = (sign: string, keep: 'added' | 'removed', paint: Paint) =>
    paint(`${sign} `) +
    words
      .filter((part) => part[keep] || (!part.added && !part.removed))
      .map((part) => (part[keep] ? paint(part.value) : style.faint(part.value)))
      .join('');
  return [side('-', 'removed', style.bad), side('+', 'added', style.good)];
}

// ---- below the actions

/** A block for each server, its lines whole and bare, for pasting: stop it once, then remove its disks. */
function detachLines(restores: readonly RestoreAction[], { style, width }: PlanTextOptions): string[] {
  const blocks = new Map<string, { readonly server: string; readonly commands: Set<string> }>();
  for (const { server, commands } of restores.flatMap(({ waits_for }) => waits_for)) {
    // The first one names the server by its id: two servers may have one name.
    const [stop] = commands;
    if (server === undefined || stop === undefined) continue;
    const block = blocks.get(stop) ?? { server, commands: new Set() };
    for (const command of commands) block.commands.add(command);
    blocks.set(stop, block);
  }
  return [...blocks.values()].flatMap(({ server, commands }) => [
    '',
    ...wrap(`To detach the disks from ${sanitize(server)}:`, width),
    ...[...commands].map((command) => `  ${style.accent(sanitize(command))}`),
  ]);
}

function summaryLines(plan: Plan, { style, width, patienceMs }: PlanTextOptions): string[] {
  const restores = plan.actions.filter(isKind('restore'));
  let gigabytes = 0;
  let attached = 0;
  let waiting = 0;
  let patience = 0;
  for (const { volume, waits_for, timeout_ms } of restores) {
    gigabytes += volume.size ?? 0;
    if (waits_for.length === 0) continue;
    if (waits_for.some(({ server }) => server !== undefined)) attached += 1;
    else waiting += 1;
    patience = Math.max(patience, timeout_ms ?? patienceMs ?? 0);
  }
  const meanwhile =
    patienceMs === undefined ? '' : `, or while apply waits (up to ${formatDuration(patience)})`;
  const text = [
    `Applying overwrites ${plural(restores.length, 'disk')}${gigabytes > 0 ? ` (${size(gigabytes)})` : ''};`,
    'a restore cannot be stopped or undone.',
    ...(waiting > 0
      ? [`${grouped(waiting)} still ${waiting === 1 ? 'waits' : 'wait'} for something, see above.`]
      : []),
  ].join(' ');
  const detach = `${plural(attached, 'disk')} ${attached === 1 ? 'is' : 'are'} still attached: detach ${attached === 1 ? 'it' : 'them'} first${meanwhile}.`;
  return [
    style.strong(planSummary(plan)),
    ...(restores.length > 0 ? wrap(text, width) : []),
    ...(attached > 0 ? wrap(detach, width) : []),
    ...otherDiskLines(restores, width).map(style.warn),
  ];
}

const OTHERS_LISTED_MAX = 5;

/** Once more next to the question: it is the mistake that costs two disks' worth of data. */
function otherDiskLines(restores: readonly RestoreAction[], width: number): string[] {
  const foreign = restores.filter(isOfAnotherDisk);
  const lines = foreign
    .slice(0, OTHERS_LISTED_MAX)
    .map(
      ({ address, volume, backup }) =>
        `! ${sanitize(address)}: the backup is of ${sanitize(backup.of_volume_name ?? backup.of_volume_id ?? '')}, not of ${volume.name ? nameOf(volume) : sanitize(volume.id ?? '')}`,
    );
  const rest = foreign.length - lines.length;
  return [...lines, ...(rest > 0 ? [`! and ${grouped(rest)} more from backups of other disks`] : [])].flatMap(
    (line) => wrap(line, width),
  );
}

/** The command to type next, and why. */
function nextLines(plan: Plan, options: PlanTextOptions): string[] {
  const { style } = options;
  const count = totals(plan);
  return [
    ...pairLines(nextCommands(plan, count, options)).map((line) => style.accent(`→ ${line}`)),
    ...(hasChanges(plan) || plan.offline ? [] : repeatLines(plan, options)),
  ];
}

/** How to ask once more for what is done. */
export function repeatLines({ actions }: Plan, options: PlanTextOptions): string[] {
  const done = actions.filter(isKind('noop'));
  const [first] = done;
  if (!first) return [];
  const place = `${toNext(first)} at ${placeText(first.source)}`;
  return remedyLines(
    done.length === 1
      ? `to restore it again: raise generation${place}`
      : `to restore one again: raise its generation (${first.address}:${place})`,
    options,
  );
}

function nextCommands(
  plan: Plan,
  count: PlanTotals,
  {
    applyCommand: apply = 'vbsctl apply',
    initCommand: init = 'vbsctl init',
    waitCommand: wait = 'vbsctl wait',
    madeBefore = false,
  }: PlanTextOptions,
): [string, string][] {
  if (plan.offline) return [['vbsctl plan', 'without --offline, to see what the cloud says']];
  if (plan.notices.some(({ severity }) => severity === 'error'))
    return [['vbsctl plan', 'once the errors above are mended']];
  const start: [string, string][] = plan.state ? [] : [[init, 'creates the state']];
  if (!hasChanges(plan))
    return count.blocked > 0
      ? [['vbsctl plan', 'once what is blocked is mended']]
      : [['vbsctl state list', 'shows what was done']];
  if (madeBefore) return [[apply, 'which refuses it if it was applied before, or is stale by now']];
  if (count.blocked === 0 && isOnlyFollowed(plan, count))
    return [[wait, 'follows what is under way to its end, and starts nothing']];
  if (count.blocked === 0) return [...start, [apply, '']];
  return [
    ...start,
    [apply, 'once what is blocked is mended'],
    [`${apply} --skip-blocked`, 'does the rest now'],
  ];
}

/** All that is left runs in the cloud already. */
function isOnlyFollowed(plan: Plan, { restore, resume }: PlanTotals): boolean {
  const running = plan.actions.filter(
    (one) => one.kind === 'resume' && one.record.status === 'running',
  ).length;
  return restore === 0 && resume > 0 && running === resume && plan.moves.length + rulesToNote(plan) === 0;
}

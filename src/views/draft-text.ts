import type { Backup } from '../domain/cloud.ts';
import { linesOf } from '../domain/diagnostic.ts';
import type { Draft, DraftGap, DraftRestore } from '../domain/draft.ts';
import { formatDuration } from '../domain/duration.ts';
import { unreachable } from '../domain/errors.ts';
import { yamlComment, yamlScalar } from '../domain/escape/yaml.ts';
import type { VolumeRow } from '../domain/inventory.ts';
import { describeAttachment } from '../domain/preflight.ts';
import { isWithheld } from '../domain/secrets.ts';
import { describeTarget } from '../domain/target.ts';
import { plural, size, utc } from './words.ts';

/**
 * A draft as a manifest: what a person has to know stands in comments, what counts stands below them. Names come
 * from the cloud, where anybody may choose them: each comment is one line whatever is in it.
 */
export function draftText(draft: Draft): string {
  const restores = draft.entries.filter((entry) => entry.kind === 'restore');
  const gaps = draft.entries.filter((entry) => entry.kind === 'gap');
  return [
    ...header(draft, restores, gaps).map(yamlComment),
    'apiVersion: vbsctl.dev/v1',
    'kind: RestoreSet',
    'metadata:',
    `  name: ${yamlScalar(draft.set)}`,
    'spec:',
    restores.length === 0 ? '  restores: []' : '  restores:',
    ...draft.entries.flatMap((entry) => {
      switch (entry.kind) {
        case 'restore':
          return restoreLines(entry, draft);
        case 'gap':
          return gapLines(entry);
        default:
          return unreachable(entry);
      }
    }),
    '',
  ].join('\n');
}

function header(
  { target, as_of, moment }: Draft,
  restores: readonly DraftRestore[],
  gaps: readonly DraftGap[],
): string[] {
  const asked = as_of === 'latest' || as_of === moment ? '' : ` (asked for: ${as_of})`;
  return [
    `Written by vbsctl generate for ${describeTarget(target)}.`,
    `Each disk, and its newest backup at or before ${utc(moment)}${asked}.`,
    ...spread(restores),
    ...(gaps.length === 0
      ? []
      : [`NOT HERE: ${plural(gaps.length, 'disk')} without such a backup; look for "gap" below.`]),
    'A restore overwrites the whole disk. Read this, change it, then: vbsctl plan -f FILE',
  ];
}

/** Disks of one database taken at different moments may not fit together. */
function spread(restores: readonly DraftRestore[]): string[] {
  const times = restores.map(({ backup }) => Date.parse(backup.created_at)).sort((a, b) => a - b);
  const [first = 0, last = first] = [times[0], times.at(-1)];
  if (restores.length < 2) return [];
  return [
    first === last
      ? 'All backups were taken at the same moment.'
      : `The backups were taken within ${formatDuration(last - first)} of each other.`,
  ];
}

function restoreLines({ name, volume, backup, older, newer }: DraftRestore, draft: Draft): string[] {
  const before = formatDuration(Date.parse(draft.moment) - Date.parse(backup.created_at));
  const others = [...(newer ? [`newer: ${other(newer)}`] : []), ...(older ? [`older: ${other(older)}`] : [])];
  return [
    ...[
      `disk ${diskText(volume)}`,
      `backup ${backup.name || '(no name)'}, taken ${utc(backup.created_at)}, ${before} before, ${size(backup.size)}`,
      ...others,
    ].map((line) => `    ${yamlComment(line)}`),
    `    - name: ${yamlScalar(name)}`,
    `      volume_id: ${yamlScalar(volume.id)}`,
    `      backup_id: ${yamlScalar(backup.id)}`,
    ...expectLines(volume),
  ];
}

function gapLines({ volume, reason, detail }: DraftGap): string[] {
  return [`gap: disk ${diskText(volume)}: ${reason}`, ...(detail === undefined ? [] : linesOf(detail))].map(
    (line) => `    ${yamlComment(line)}`,
  );
}

function other({ id, created_at }: Backup): string {
  return `${utc(created_at)} ${id}`;
}

function diskText({ name, id, size: gigabytes, attachments }: VolumeRow): string {
  const where =
    attachments.length === 0 ? 'detached' : `on ${attachments.map(describeAttachment).join(', ')}`;
  return `${name || id}, ${size(gigabytes)}, ${where}`;
}

/** What the schema takes at most; a name that does not fit is left out, never cut: it would not match. Nor would one without its secret. */
const NAME_CHARS_MAX = 255;
const SIZE_MAX = 1_048_576;

function expectLines({ name, size: gigabytes, attachments }: VolumeRow): string[] {
  const [{ server_id = '', server_name = server_id } = {}] = attachments;
  const expected: [string, string | number][] = [
    ['volume_name', name],
    ['server', isWithheld(server_name) ? server_id : server_name],
    ['size', gigabytes],
  ];
  const lines = expected
    .filter(([, value]) =>
      typeof value === 'string'
        ? value !== '' && !isWithheld(value) && [...value].length <= NAME_CHARS_MAX
        : Number.isInteger(value) && value >= 1 && value <= SIZE_MAX,
    )
    .map(([key, value]) => `        ${key}: ${yamlScalar(value)}`);
  return lines.length === 0 ? [] : ['      expect:', ...lines];
}

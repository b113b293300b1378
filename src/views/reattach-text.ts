import type { Attachment } from '../domain/cloud.ts';
import { shellOperand } from '../domain/escape/shell-word.ts';
import type { End } from '../domain/events.ts';
import { optional } from '../domain/optional.ts';
import { type Action, isRunnable } from '../domain/plan.ts';
import type { RestoreRecord } from '../domain/record.ts';
import type { Address } from '../domain/spec.ts';
import { sanitize, type TextOptions, wrap } from './terminal.ts';
import { listed } from './words.ts';

/** How one restore ended, with what the plan knew of its disk. */
interface Ended {
  readonly address: Address;
  readonly action: Action | undefined;
  readonly end: End;
}

interface Server {
  readonly name: string;
  readonly adds: string[];
  /** Its disks that are not restored. */
  readonly left: Address[];
}

const LEFT_LISTED_MAX = 8;

/**
 * The way back into service, to paste: for disks that were attached when the plan was made, and for those that say by
 * `expect.server` where they belong. A server starts with all its disks: while one of them is not restored, what is
 * left to wait for is said.
 */
export function putBackLines(ended: readonly Ended[], { style, width }: TextOptions): string[] {
  const servers = new Map<string, Server>();
  for (const { address, action, end } of ended) {
    const record = end.kind === 'recorded' ? end.record : undefined;
    for (const home of homesOf(action, record)) {
      const { id, name } = home;
      const server = servers.get(id) ?? { name, adds: [], left: [] };
      servers.set(id, server);
      if (record?.status === 'succeeded') server.adds.push(addCommand(home, record));
      else server.left.push(address);
    }
  }
  return [...servers].flatMap(([id, { name, adds, left }]) => {
    if (adds.length === 0) return [];
    const command = (text: string) => `  ${style.accent(text)}`;
    const rest = `and start it once it has all its disks (not restored: ${listed(left, LEFT_LISTED_MAX)}):`;
    return [
      '',
      ...wrap(`To put what was restored back into ${sanitize(name)}:`, width),
      ...adds.map(command),
      ...(left.length > 0 ? wrap(rest, width) : []),
      command(`openstack server start ${shellOperand(id)}`),
    ];
  });
}

interface FormerAttachment {
  readonly id: string;
  readonly device?: string;
  readonly name: string;
}

/** By what was seen last: the run that detached it may have been an earlier one. */
function homesOf(action: Action | undefined, record: RestoreRecord | undefined): readonly FormerAttachment[] {
  if (!action || !isRunnable(action)) return [];
  const attached = record?.attached_before ?? action.volume.attachments ?? [];
  const expected = action.expect.server;
  return attached.length === 0 && expected !== undefined
    ? [homeOf({ server_id: expected, server_name: expected })]
    : attached.map(homeOf);
}

function homeOf({ server_id: id, server_name: name = id, device }: Attachment): FormerAttachment {
  return { id, name, ...optional('device', device) };
}

function addCommand({ id, device }: FormerAttachment, { volume_id }: RestoreRecord): string {
  const as = device === undefined ? '' : ` --device ${shellOperand(device)}`;
  return `openstack server add volume ${shellOperand(id)} ${shellOperand(volume_id)}${as}`;
}

/** To paste, one for each server that the disk was attached to before it was restored. */
export function addCommands(record: RestoreRecord): string[] {
  return (record.attached_before ?? []).map((attachment) => addCommand(homeOf(attachment), record));
}

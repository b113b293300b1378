import type { End } from '../domain/events.ts';
import type { Action } from '../domain/plan.ts';
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
  for (const { address, action, end } of ended)
    for (const { id, name, device } of homesOf(action)) {
      const server = servers.get(id) ?? { name, adds: [], left: [] };
      servers.set(id, server);
      if (end.kind === 'recorded' && end.record.status === 'succeeded')
        server.adds.push(
          `openstack server add volume ${id} ${end.record.volume_id}${device === undefined ? '' : ` --device ${device}`}`,
        );
      else server.left.push(address);
    }
  return [...servers].flatMap(([id, { name, adds, left }]) => {
    if (adds.length === 0) return [];
    const command = (text: string) => `  ${style.accent(sanitize(text))}`;
    const rest = `and start it once it has all its disks (not restored: ${listed(left, LEFT_LISTED_MAX)}):`;
    return [
      '',
      ...wrap(`To put what was restored back into ${sanitize(name)}:`, width),
      ...adds.map(command),
      ...(left.length > 0 ? wrap(rest, width) : []),
      command(`openstack server start ${id}`),
    ];
  });
}

/** What a shell takes for one word and a client for no option: names are of manifests and of the cloud. */
const PLAIN_WORD = /^[\w/][\w./:-]*$/;

function homesOf(
  action: Action | undefined,
): readonly { readonly id: string; readonly name: string; readonly device?: string }[] {
  if (action?.kind !== 'restore' && action?.kind !== 'resume') return [];
  const attached = action.volume.attachments ?? [];
  const expected = action.expect.server;
  const homes =
    attached.length === 0 && expected !== undefined
      ? [{ server_id: expected, server_name: expected, device: undefined }]
      : attached;
  return homes.map(({ server_id: id, server_name: name = id, device }) => ({
    id: PLAIN_WORD.test(id) ? id : 'SERVER',
    name,
    ...(device !== undefined && PLAIN_WORD.test(device) ? { device } : {}),
  }));
}

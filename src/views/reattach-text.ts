import type { Attachment } from '../domain/cloud.ts';
import { shellOperand } from '../domain/escape/shell-word.ts';
import { type Action, isRunnable } from '../domain/plan.ts';
import type { RestoreRecord } from '../domain/record.ts';
import type { Address } from '../domain/spec.ts';
import type { EndedRestore } from './run-report.ts';
import { sanitize, type TextOptions, wrap } from './terminal.ts';
import { listed } from './words.ts';

interface Server {
  readonly name: string;
  /** Only the manifest says that the disks belong there. */
  declared: boolean;
  readonly commands: string[];
  /** Restores into its other disks that have not succeeded. */
  readonly missing: Address[];
}

const ADDRESSES_LISTED_MAX = 8;

/**
 * The commands that attach restored disks again: those that were attached when the plan was made or the restore began, and
 * those whose manifest names their server (`expect.server`). A server needs all its disks to start, so the restores that
 * have not succeeded are named.
 */
export function reattachLines(ended: readonly EndedRestore[], { style, width }: TextOptions): string[] {
  const servers = new Map<string, Server>();
  for (const { address, action, end } of ended) {
    const record = end.kind === 'recorded' ? end.record : undefined;
    const { attachments, declared } = attachmentsOf(action, record);
    for (const attachment of attachments) {
      const { server_id: id, server_name: name = id } = attachment;
      const server = servers.get(id) ?? { name, declared, commands: [], missing: [] };
      server.declared ||= declared;
      servers.set(id, server);
      if (record?.status === 'succeeded') server.commands.push(reattachCommand(attachment, record));
      else server.missing.push(address);
    }
  }
  return [...servers].flatMap(([id, { name, declared, commands, missing }]) => {
    if (commands.length === 0) return [];
    const rest = `and start it once it has all its disks (not restored: ${listed(missing, ADDRESSES_LISTED_MAX)}):`;
    return [
      '',
      ...wrap(
        declared
          ? `To attach the restored disks to ${sanitize(name)}, which the manifest expects (vbsctl did not see them there):`
          : `To attach the restored disks to ${sanitize(name)} again:`,
        width,
      ),
      ...commands.map((command) => `  ${style.accent(command)}`),
      ...(missing.length > 0 ? wrap(rest, width) : []),
      `  ${style.accent(`openstack server start ${shellOperand(id)}`)}`,
    ];
  });
}

/** The record knows the attachments from when the restore began; an earlier run may have seen the disk attached. */
function attachmentsOf(
  action: Action | undefined,
  record: RestoreRecord | undefined,
): { readonly attachments: readonly Attachment[]; readonly declared: boolean } {
  if (!action || !isRunnable(action)) return { attachments: [], declared: false };
  const attached = record?.attached_before ?? action.volume.attachments ?? [];
  const { server } = action.expect;
  return attached.length === 0 && server !== undefined
    ? { attachments: [{ server_id: server }], declared: true }
    : { attachments: attached, declared: false };
}

function reattachCommand({ server_id, device }: Attachment, { volume_id }: RestoreRecord): string {
  const as = device === undefined ? '' : ` --device ${shellOperand(device)}`;
  return `openstack server add volume ${shellOperand(server_id)} ${shellOperand(volume_id)}${as}`;
}

/** A command for each server that the disk was attached to before its restore. */
export function reattachCommands(record: RestoreRecord): string[] {
  return (record.attached_before ?? []).map((attachment) => reattachCommand(attachment, record));
}

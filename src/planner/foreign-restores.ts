import { VOLUME_RESTORING } from '../domain/cloud.ts';
import type { Diagnostic } from '../domain/diagnostic.ts';
import { shellOperand } from '../domain/escape/shell-word.ts';
import type { Action } from '../domain/plan.ts';
import { isOpen } from '../domain/record.ts';
import type { State } from '../domain/state.ts';

/** Disks that are being restored right now, and not by a restore that the state knows of. */
export function foreignRestores(actions: readonly Action[], state: State | undefined): Diagnostic[] {
  const ours = new Set<string>();
  for (const record of state?.records.values() ?? []) if (isOpen(record)) ours.add(record.volume_id);
  return actions.flatMap(({ kind, volume, address }) => {
    if (volume.id === undefined || volume.status !== VOLUME_RESTORING || ours.has(volume.id)) return [];
    return [
      {
        severity: 'warning',
        code: 'restored-by-others',
        summary: 'another client is restoring this disk right now',
        remedy:
          kind === 'restore'
            ? `if it is this restore, started by hand: wait for its end, then: vbsctl import ${shellOperand(address)} --job-id … --reason "…"`
            : 'find out who started it before you use the disk',
        where: { address },
      } as const,
    ];
  });
}

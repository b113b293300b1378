import type { StoredRecord, StoredState } from './stored-state.ts';

/** How the program itself ended restores, before the operator acted: what it called them. */
export type Ending = 'succeeded' | 'failed' | 'unknown';

/** `all`: every restore that was begun in the scenario; `lost`: those with a request whose answer nobody heard. */
export interface Endings {
  readonly all: Readonly<Record<Ending, number>>;
  readonly lost: Readonly<Record<Ending, number>>;
}

export const NO_ENDINGS: Endings = {
  all: { succeeded: 0, failed: 0, unknown: 0 },
  lost: { succeeded: 0, failed: 0, unknown: 0 },
};

/** What was begun by now; in the final phase nothing goes wrong, so what begins there tells nothing. */
export function begunBy(storedState: StoredState | undefined): ReadonlySet<string> {
  return new Set([...(storedState?.closed ?? []), ...(storedState?.records.values() ?? [])].map(restoreOf));
}

export function endingsOf(storedState: StoredState | undefined, begun: ReadonlySet<string>): Endings {
  const all = { ...NO_ENDINGS.all };
  const lost = { ...NO_ENDINGS.lost };
  const counted = new Set<string>();
  for (const record of storedState?.closed ?? []) {
    const restore = restoreOf(record);
    if (record.resolution || record.attempts.length === 0) continue;
    if (!begun.has(restore) || counted.has(restore)) continue;
    counted.add(restore);
    const ending = endingOf(record);
    if (!ending) continue;
    all[ending]++;
    if (record.attempts.some(({ answer }) => answer === undefined || answer === 'ambiguous')) lost[ending]++;
  }
  return { all, lost };
}

export function sumOf(a: Endings, b: Endings): Endings {
  const sum = (one: Endings['all'], other: Endings['all']) => ({
    succeeded: one.succeeded + other.succeeded,
    failed: one.failed + other.failed,
    unknown: one.unknown + other.unknown,
  });
  return { all: sum(a.all, b.all), lost: sum(a.lost, b.lost) };
}

export function endingsText({ all, lost }: Endings): string {
  return [line('restores', all), line('of those whose answer was lost', lost)].join('\n');
}

function line(what: string, { succeeded, failed, unknown }: Endings['all']): string {
  const sum = succeeded + failed + unknown;
  const share = sum === 0 ? '–' : `${((100 * unknown) / sum).toFixed(1)} %`;
  return `${what}: ${sum}; ${succeeded} succeeded, ${failed} failed, ${unknown} unknown (${share})`;
}

function endingOf({ status }: StoredRecord): Ending | undefined {
  return status === 'succeeded' || status === 'failed' || status === 'unknown' ? status : undefined;
}

/** The same through renames and repeated requests: the identity, and when it was first begun. */
function restoreOf({ volume_id, backup_id, generation, attempts }: StoredRecord): string {
  return `${volume_id} ${backup_id} ${generation} ${attempts[0]?.intended_at}`;
}

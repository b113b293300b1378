import { isoTime } from '../domain/clock.ts';
import type { Config } from '../domain/config.ts';
import { formatDuration } from '../domain/duration.ts';
import type { Plan } from '../domain/plan.ts';
import type { Connection } from './cloud.ts';
import type { Io } from './io.ts';
import { showDiagnostics } from './show.ts';
import { systemClock } from './system.ts';

/** A token that was given (`OS_TOKEN`) cannot be renewed: what that means is said before it happens. */

const GO_ON =
  'for long runs: a password, an application credential or an access key; or go on with a new token: OS_TOKEN=$(openstack token issue -f value -c id)';

/** Before anything is started, where the restores may take longer than the token is good. */
export function warnOfTokenEnd(
  io: Io,
  { endsAtMs }: Pick<Connection, 'endsAtMs'>,
  { actions }: Pick<Plan, 'actions'>,
  { apply }: Pick<Config, 'apply'>,
): void {
  if (endsAtMs === undefined) return;
  const count = actions.filter(({ kind }) => kind === 'restore' || kind === 'resume').length;
  const longestMs = Math.ceil(count / apply.parallelism) * apply.timeout_ms;
  const leftMs = endsAtMs - systemClock.now();
  if (leftMs > longestMs) return;
  const span = `${count === 1 ? 'the restore' : `${count} restores`} may take up to ${formatDuration(longestMs)}`;
  showDiagnostics(io, [
    {
      severity: 'warning',
      code: 'token-ends',
      summary: `the token ends ${moment(endsAtMs)}, in ${formatDuration(leftMs)}, and cannot be renewed; ${span}`,
      detail:
        'This run ends with it. What the cloud has accepted by then goes on there and is in the state; the same command with a new token goes on.',
      remedy: GO_ON,
    },
  ]);
}

/** The end of a run: the stop that was asked for, or the end of the token. */
export interface RunStop {
  readonly signal: AbortSignal;
  /** Says so where it was the token. */
  tell(): void;
}

export function stopWithToken(io: Io, { endsAtMs }: Pick<Connection, 'endsAtMs'>): RunStop {
  if (endsAtMs === undefined) return { signal: io.stop, tell: () => {} };
  const end = new AbortController();
  const leftMs = Math.max(0, endsAtMs - systemClock.now());
  setTimeout(() => end.abort(new Error('the token has ended')), Math.min(leftMs, TIMER_MS_MAX)).unref();
  return {
    signal: AbortSignal.any([io.stop, end.signal]),
    tell: () => {
      if (io.stop.aborted || !end.signal.aborted) return;
      showDiagnostics(io, [
        {
          severity: 'warning',
          code: 'token-ended',
          summary: `the token ended ${moment(endsAtMs)}, and this run with it`,
          detail: 'What the cloud works on goes on there, and is in the state.',
          remedy: GO_ON,
        },
      ]);
    },
  };
}

/** Longer ones would fire at once. */
const TIMER_MS_MAX = 2 ** 31 - 1;

function moment(ms: number): string {
  return `at ${isoTime(ms).slice(0, 19)}Z`;
}

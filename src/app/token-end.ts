import { type Clock, isoTime, TIMER_MAX_MS } from '../domain/clock.ts';
import type { Config } from '../domain/config.ts';
import { type Diagnostic, warning } from '../domain/diagnostic.ts';
import { formatDuration } from '../domain/duration.ts';
import { isRunnable, type Plan } from '../domain/plan.ts';
import type { Connection } from './ports.ts';

/** A token of the user (`OS_TOKEN`) cannot be renewed. The user is warned of its end before it happens. */

type TokenEnd = Pick<Connection, 'expiresAtMs'>;

const HOW_TO_CONTINUE =
  'for long runs, use a password, an application credential or an access key; or continue with a new token: OS_TOKEN=$(openstack token issue -f value -c id)';

/** A warning if the token may end before the restores. Report it before the confirmation. */
export function tokenEndWarning(
  { expiresAtMs }: TokenEnd,
  { actions }: Pick<Plan, 'actions'>,
  { apply }: Pick<Config, 'apply'>,
  clock: Pick<Clock, 'now'>,
): Diagnostic[] {
  if (expiresAtMs === undefined) return [];
  const count = actions.filter(isRunnable).length;
  const longestMs = Math.ceil(count / apply.parallelism) * apply.timeout_ms;
  const leftMs = expiresAtMs - clock.now();
  if (leftMs > longestMs) return [];
  const span = `${count === 1 ? 'the restore' : `${count} restores`} may take up to ${formatDuration(longestMs)}`;
  const detail =
    'This run ends with the token. Accepted restores continue in the cloud, and the state has them. To resume, run the same command with a new token.';
  return [
    warning(
      'token-ends',
      `the token ends ${moment(expiresAtMs)}, in ${formatDuration(leftMs)}, and cannot be renewed; ${span}`,
      { detail, remedy: HOW_TO_CONTINUE },
    ),
  ];
}

/** What ends a run: an interrupt by the user, or the end of the token. */
interface RunStop {
  readonly signal: AbortSignal;
  /** For the end of the run: a warning if the token ended it. */
  notes(): Diagnostic[];
}

export function stopWithToken(
  stop: AbortSignal,
  { expiresAtMs }: TokenEnd,
  clock: Pick<Clock, 'now'>,
): RunStop {
  if (expiresAtMs === undefined) return { signal: stop, notes: () => [] };
  const end = new AbortController();
  const leftMs = Math.max(0, expiresAtMs - clock.now());
  setTimeout(() => end.abort(new Error('the token has ended')), Math.min(leftMs, TIMER_MAX_MS)).unref();
  const ended = warning('token-ended', `the token ended ${moment(expiresAtMs)}, and this run with it`, {
    detail: 'Running restores continue in the cloud, and the state has them.',
    remedy: HOW_TO_CONTINUE,
  });
  return {
    signal: AbortSignal.any([stop, end.signal]),
    notes: () => (end.signal.aborted && !stop.aborted ? [ended] : []),
  };
}

function moment(ms: number): string {
  return `at ${isoTime(ms).slice(0, 19)}Z`;
}

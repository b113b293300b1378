import { type Clock, isoTime } from '../domain/clock.ts';
import type { Config } from '../domain/config.ts';
import type { Diagnostic } from '../domain/diagnostic.ts';
import { formatDuration } from '../domain/duration.ts';
import { isRunnable, type Plan } from '../domain/plan.ts';
import type { Connection } from './connection.ts';
import type { Ports } from './ports.ts';

/** A token that was given (`OS_TOKEN`) cannot be renewed: what that means is said before it happens. */

type TokenEnd = Pick<Connection, 'endsAtMs'>;

const GO_ON =
  'for long runs: a password, an application credential or an access key; or continue with a new token: OS_TOKEN=$(openstack token issue -f value -c id)';

/** Before anything is started, where the restores may take longer than the token is good. */
export function tokenEndWarning(
  { endsAtMs }: TokenEnd,
  { actions }: Pick<Plan, 'actions'>,
  { apply }: Pick<Config, 'apply'>,
  clock: Pick<Clock, 'now'>,
): Diagnostic[] {
  if (endsAtMs === undefined) return [];
  const count = actions.filter(isRunnable).length;
  const longestMs = Math.ceil(count / apply.parallelism) * apply.timeout_ms;
  const leftMs = endsAtMs - clock.now();
  if (leftMs > longestMs) return [];
  const span = `${count === 1 ? 'the restore' : `${count} restores`} may take up to ${formatDuration(longestMs)}`;
  return [
    {
      severity: 'warning',
      code: 'token-ends',
      summary: `the token ends ${moment(endsAtMs)}, in ${formatDuration(leftMs)}, and cannot be renewed; ${span}`,
      detail:
        'This run ends with the token. Accepted restores continue in the cloud, and the state has them. To resume, run the same command with a new token.',
      remedy: GO_ON,
    },
  ];
}

/** To be called before anybody is asked. */
export function warnOfTokenEnd(
  { tell, clock }: Pick<Ports, 'tell' | 'clock'>,
  connection: TokenEnd,
  plan: Pick<Plan, 'actions'>,
  settings: Pick<Config, 'apply'>,
): void {
  tell(tokenEndWarning(connection, plan, settings, clock));
}

/** The end of a run: the stop that a person asks for, or the end of the token. */
export interface RunStop {
  readonly signal: AbortSignal;
  /** What to say afterwards, where it was the token. */
  notes(): Diagnostic[];
}

export function stopWithToken(stop: AbortSignal, { endsAtMs }: TokenEnd, clock: Pick<Clock, 'now'>): RunStop {
  if (endsAtMs === undefined) return { signal: stop, notes: () => [] };
  const end = new AbortController();
  const leftMs = Math.max(0, endsAtMs - clock.now());
  setTimeout(() => end.abort(new Error('the token has ended')), Math.min(leftMs, TIMER_MS_MAX)).unref();
  return {
    signal: AbortSignal.any([stop, end.signal]),
    notes: () =>
      stop.aborted || !end.signal.aborted
        ? []
        : [
            {
              severity: 'warning',
              code: 'token-ended',
              summary: `the token ended ${moment(endsAtMs)}, and this run with it`,
              detail: 'Running restores continue in the cloud, and the state has them.',
              remedy: GO_ON,
            },
          ],
  };
}

/** Longer ones would fire at once. */
const TIMER_MS_MAX = 2 ** 31 - 1;

function moment(ms: number): string {
  return `at ${isoTime(ms).slice(0, 19)}Z`;
}

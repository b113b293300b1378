import {
  ACCESS_STEPS,
  type AccessReport,
  type AccessStep,
  type StepReport,
} from '../domain/access-report.ts';
import type { CloudApi, CloudFailure, Reading } from '../domain/cloud.ts';
import { type Diagnostic, error } from '../domain/diagnostic.ts';
import { Failure } from '../domain/errors.ts';
import { checkLogin, SET_CLOCK } from './auth/auth-failures.ts';
import type { Auth } from './auth/auth-settings.ts';
import { CloudClock, SKEW_WARNING_MS, signatureSkew, skewText } from './auth/cloud-clock.ts';
import { type ConnectOptions, type OpenCloud, openCloud } from './connect.ts';
import { overrideOf } from './endpoints.ts';
import type { StepListener } from './steps.ts';

/** `Date` headers have whole seconds, and answers take time to arrive. */
const CLOCK_TOLERANCE_MS = 3_000;

/** Takes the same steps as every command, as far as they succeed, and reads one entry of each list. Changes nothing. */
export async function checkAccess(options: ConnectOptions): Promise<AccessReport> {
  const cloudClock = new CloudClock(options.clock);
  const log = new StepLog();
  let cloud: OpenCloud | undefined;
  try {
    cloud = await openCloud({ ...options, cloudClock, onNote: (note) => log.note(note) }, log);
  } catch (cause) {
    if (!(cause instanceof Failure)) throw cause;
    log.failed(cause.diagnostics);
  }
  if (cloud) {
    await tryList(cloud, log, 'backups', 'backups', options.stop);
    await tryList(cloud, log, 'disks', 'volumes', options.stop);
  }
  log.skipToEnd();
  log.add(clockReport(cloudClock, log.auth === 'aksk'));
  return {
    ok: log.steps.every(({ outcome }) => outcome === 'ok' || outcome === 'warning'),
    ...(cloud ? { target: cloud.driver.target } : {}),
    steps: log.steps,
  };
}

class StepLog implements StepListener {
  readonly steps: StepReport[] = [];
  auth: Auth['type'] | undefined;
  #current: AccessStep = 'settings';
  #notes: Diagnostic[] = [];

  authenticatingWith(type: Auth['type']): void {
    this.auth = type;
  }

  begin(step: AccessStep): void {
    this.#current = step;
  }

  note(note: Diagnostic): void {
    this.#notes.push(note);
  }

  done(result: string): void {
    const outcome = this.#notes.some(({ severity }) => severity !== 'note') ? 'warning' : 'ok';
    this.add({ step: this.#current, outcome, result, diagnostics: this.#notes });
    this.#notes = [];
  }

  failed(diagnostics: readonly Diagnostic[]): void {
    const all = [...this.#notes, ...diagnostics];
    const [first, ...more] = diagnostics;
    const result = more.length > 0 ? `${diagnostics.length} problems` : (first?.summary ?? '');
    this.add({ step: this.#current, outcome: 'failed', result, diagnostics: all });
    this.#notes = [];
  }

  add(report: StepReport | undefined): void {
    if (report) this.steps.push(report);
  }

  /** Adds the steps after the one that failed. */
  skipToEnd(): void {
    const failed = this.steps.find(({ outcome }) => outcome === 'failed');
    if (!failed) return;
    const known = new Set(this.steps.map(({ step }) => step));
    for (const step of ACCESS_STEPS.slice(ACCESS_STEPS.indexOf(failed.step) + 1))
      if (!known.has(step) && step !== 'clock')
        this.add({ step, outcome: 'skipped', result: 'not tried', diagnostics: [] });
  }
}

async function tryList(
  cloud: OpenCloud,
  log: StepLog,
  step: 'backups' | 'disks',
  what: 'backups' | 'volumes',
  stop: AbortSignal | undefined,
): Promise<void> {
  log.begin(step);
  const reading = await cloud.driver.checkListAccess(what, stop);
  if (reading.kind === 'found')
    log.done(reading.value === 0 ? 'may be listed; there are none' : 'may be listed');
  else log.failed([listRefused(step, cloud, reading)]);
}

const SERVICE_OF = {
  vbs: { backups: 'vbs', disks: 'evs' },
  cinder: { backups: 'cinder', disks: 'cinder' },
} as const satisfies Record<CloudApi, object>;

function listRefused(
  step: 'backups' | 'disks',
  { driver, settings, cloudClock }: OpenCloud,
  { failure }: Exclude<Reading<number>, { kind: 'found' }>,
): Diagnostic {
  const diagnostic = (code: string, summary: string, remedy: string) =>
    error(code, summary, { detail: detailOf(failure), remedy });
  const override = settings.namesOf(overrideOf(SERVICE_OF[driver.api][step]));
  switch (failure.status) {
    case 401:
      if (settings.auth.type === 'aksk')
        return diagnostic(
          'not-authenticated',
          `the service of the ${step} refused the signature`,
          signatureSkew(cloudClock) === undefined ? checkLogin(settings) : SET_CLOCK,
        );
      return diagnostic(
        'refused-by-service',
        `the service of the ${step} does not accept what Keystone accepted`,
        'try again in a minute; if the error persists, ask the cloud’s operator with the request id',
      );
    case 403:
      return diagnostic(
        'no-rights',
        `no right to list the ${step} of the project`,
        'ask the project’s administrator for a role that may read disks and backups and restore them',
      );
    case undefined:
      return diagnostic(
        'endpoint-unreachable',
        `the service of the ${step} cannot be reached`,
        `check the way to its endpoint (see above); another one: ${override}`,
      );
    default:
      return diagnostic(
        'list-unreadable',
        `the service of the ${step} answered HTTP ${failure.status}`,
        `check its endpoint (see above); another one: ${override}`,
      );
  }
}

function detailOf({ message, request_id }: CloudFailure): string {
  return request_id === undefined ? message : `${message}; request id ${request_id}`;
}

function clockReport({ aheadMs }: CloudClock, signs: boolean): StepReport | undefined {
  if (aheadMs === undefined) return undefined;
  const step = 'clock';
  const skewMs = Math.abs(aheadMs);
  if (skewMs < CLOCK_TOLERANCE_MS)
    return { step, outcome: 'ok', result: 'agrees with the clock of the cloud', diagnostics: [] };
  const said = skewText(aheadMs);
  if (skewMs < SKEW_WARNING_MS)
    return { step, outcome: 'ok', result: `${said}, which does no harm`, diagnostics: [] };
  const affected = 'valid_until, as_of: latest and max_backup_age depend on it';
  const warning: Diagnostic = {
    severity: 'warning',
    code: 'clock-skew',
    summary: signs ? `${affected}, and signatures are refused when it is 15m off` : affected,
    remedy: SET_CLOCK,
  };
  return { step, outcome: 'warning', result: said, diagnostics: [warning] };
}

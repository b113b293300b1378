import type { Config } from '../domain/config.ts';
import { error } from '../domain/diagnostic.ts';
import { type ExitCode, Failure } from '../domain/errors.ts';
import type { End } from '../domain/events.ts';
import { isOpen, type Record } from '../domain/record.ts';
import type { Address } from '../domain/spec.ts';
import type { State } from '../domain/state.ts';
import { execute } from '../executor/execute.ts';
import { followPlan, type UnderWay } from '../planner/follow-plan.ts';
import { applySummary } from '../views/apply-summary.ts';
import { tee } from '../views/apply-view.ts';
import { resolveCommand } from '../views/record-text.ts';
import { createRunReporter } from '../views/run-report.ts';
import { applyView } from './apply-view.ts';
import { connectCloud } from './cloud.ts';
import { saveUnsaved } from './errored-state.ts';
import { exitCodeOf } from './exit-code.ts';
import type { CommonFlags } from './flags.ts';
import type { Io } from './io.ts';
import { recordOptions } from './record-options.ts';
import { actor, backend, refuseOtherTarget, settings, stateLocation } from './setup.ts';
import { showDiagnostics, tellOfStop } from './show.ts';
import { noRecord } from './state.ts';
import { systemClock } from './system.ts';
import { stopWithToken, warnOfTokenEnd } from './token-end.ts';

export interface WaitFlags extends CommonFlags {
  /** Milliseconds. */
  readonly timeout?: number;
  readonly lockTimeout: number;
  readonly output: 'text' | 'json';
}

/**
 * Follows what is open to its end, by the records alone: manifests are not read, and nothing is ever started. So
 * it also finishes what no manifest declares any more.
 */
export async function wait(io: Io, addresses: readonly Address[], flags: WaitFlags): Promise<ExitCode> {
  const given = await settings(io, flags);
  const store = await backend(io, flags, given, 'to change');
  const lease = await store.lock(actor(io, 'wait'), flags.lockTimeout, io.stop);
  try {
    const state = lease.state();
    if (!state)
      throw new Failure(
        'usage',
        error('no-state', `there is no state at ${store.location}`, {
          remedy: 'name the one that the restores were begun with: --state',
        }),
      );
    const chosen = choose(state, addresses);
    const underWay = chosen.filter(isUnderWay);
    tellOfUnknown(io, chosen);
    if (underWay.length === 0) {
      if (flags.output === 'text') io.stdout.write(nothingToFollow(chosen, addresses));
      return exitCodeOf({ ends: endsOf(chosen), stopped: false });
    }
    const connection = await connectCloud(io, flags, given);
    try {
      const { driver } = connection;
      refuseOtherTarget(state, driver.target);
      const plan = followPlan(
        underWay,
        state,
        driver.target,
        new Date().toISOString(),
        chosen.filter((record) => record.status === 'unknown'),
      );
      const reporter = createRunReporter();
      const view = tee(reporter, await applyView(io, flags.output, plan));
      const config: Config = {
        ...given.config,
        apply: {
          ...given.config.apply,
          // All are under way already, and none failing is a reason to look away from the others.
          parallelism: underWay.length,
          max_failures: 0,
          timeout_ms: flags.timeout ?? given.config.apply.timeout_ms,
        },
      };
      warnOfTokenEnd(io, connection, plan, config);
      const stop = stopWithToken(io, connection);
      const outcome = await execute({
        plan,
        lease,
        driver,
        clock: systemClock,
        random: Math.random,
        settings: config,
        reach: 'follow',
        onEvent: (event) => view.handle(event),
        stop: stop.signal,
      });
      view.end();
      if (outcome.fatal) await saveUnsaved(io, stateLocation(io, flags, given), state, outcome.fatal);
      if (flags.output === 'text')
        io.stdout.write(applySummary(reporter.report(), plan, recordOptions(io, lease.state()), 'Wait'));
      tellOfStop(io);
      stop.tell();
      const ends = new Map([...endsOf(chosen), ...outcome.ends]);
      return exitCodeOf({ ...outcome, ends, stopped: stop.signal.aborted });
    } finally {
      await connection.close();
    }
  } finally {
    await lease.release();
  }
}

function isUnderWay(record: Record): record is UnderWay {
  return record.status === 'intended' || record.status === 'running';
}

/** Those named; else all that is open. */
function choose(state: State, addresses: readonly Address[]): Record[] {
  if (addresses.length === 0) return [...state.records.values()].filter(isOpen);
  const unknown = addresses.filter((address) => !state.records.has(address));
  if (unknown.length > 0)
    throw new Failure(
      'usage',
      unknown.map((address) => noRecord(address, state.records.keys())),
    );
  return [...new Set(addresses)].flatMap((address) => state.records.get(address) ?? []);
}

/** No waiting settles them. */
function tellOfUnknown(io: Io, chosen: readonly Record[]): void {
  showDiagnostics(
    io,
    chosen
      .filter((record) => record.status === 'unknown')
      .map((record) => ({
        severity: 'warning',
        code: 'outcome-unknown',
        summary: `the outcome of ${record.address} is unknown, and waiting does not tell it`,
        remedy: `look at the disk, then: ${resolveCommand(record.address)}`,
      })),
  );
}

function nothingToFollow(chosen: readonly Record[], addresses: readonly Address[]): string {
  if (addresses.length === 0) return 'Nothing is under way.\n';
  return chosen.map(({ address, status }) => `${address}: ${status}.\n`).join('');
}

/** How the chosen stand before anything is done: the named ones that are over count, too. */
function endsOf(chosen: readonly Record[]): Map<Address, End> {
  return new Map(chosen.map((record) => [record.address, { kind: 'recorded', record }]));
}

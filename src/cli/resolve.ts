import { EXIT, type ExitCode, Failure } from '../domain/errors.ts';
import type { Record, Resolution } from '../domain/record.ts';
import { resolve } from '../executor/resolve.ts';
import { remedyLines } from '../views/diagnostics.ts';
import { nextSteps, type StepOptions } from '../views/record-text.ts';
import { joinLines, sanitize, type TextOptions } from '../views/terminal.ts';
import { connectCloud } from './cloud.ts';
import type { CommonFlags } from './flags.ts';
import type { Io } from './io.ts';
import { recordOptions } from './record-options.ts';
import { actor, backend, refuseOtherTarget, settings } from './setup.ts';
import { showDiagnostics } from './show.ts';
import { noRecord } from './state.ts';
import { systemClock } from './system.ts';

export interface ResolveFlags extends CommonFlags {
  readonly as: Resolution['as'];
  readonly reason: string;
  readonly lockTimeout: number;
}

/** What was decided, in the words it was decided in, and what comes next. */
function settledText(record: Record, as: Resolution['as'], options: TextOptions & StepOptions): string {
  const [decided, next] = SETTLED[as];
  const steps = as === 'failed' ? nextSteps(record, options) : [next];
  return joinLines([
    `${sanitize(record.address)} is settled: ${decided}.`,
    ...steps.flatMap((step) => remedyLines(step, options)),
  ]);
}

const SETTLED: Readonly<globalThis.Record<Resolution['as'], readonly [decided: string, next: string]>> = {
  succeeded: ['it succeeded', 'what waited for it can start: vbsctl plan'],
  'not-started': ['it was not started', 'to start it: vbsctl apply'],
  failed: ['it failed, and the disk may have been touched', ''],
};

export async function resolveRecord(io: Io, address: string, flags: ResolveFlags): Promise<ExitCode> {
  const given = await settings(io, flags);
  const store = await backend(io, flags, given, 'to change');
  const connection = await connectCloud(io, flags, given);
  try {
    const lease = await store.lock(actor(io, 'resolve'), flags.lockTimeout, io.stop);
    try {
      const state = lease.state();
      if (state) refuseOtherTarget(state, connection.driver.target);
      const before = state?.records.get(address);
      if (state && !before) throw new Failure('usage', noRecord(address, state.records.keys()));
      const { as, reason } = flags;
      const decision = { as, reason, by: io.who };
      const record = await resolve(lease, connection.driver, systemClock, address, decision, {
        settings: given.config,
        tell: (note) => showDiagnostics(io, [note]),
        stop: io.stop,
      });
      io.stdout.write(settledText(record, as, recordOptions(io, lease.state())));
      return EXIT.done;
    } finally {
      await lease.release();
    }
  } finally {
    await connection.close();
  }
}

import { endsOf, wait as follow } from '../../app/wait.ts';
import type { ExitCode } from '../../domain/errors.ts';
import type { RestoreRecord } from '../../domain/record.ts';
import type { Address } from '../../domain/spec.ts';
import { exitCodeOf } from '../exit-code.ts';
import type { Io } from '../io.ts';
import type { CommonFlags, OutputFormat } from '../options/shared.ts';
import { runPorts } from '../run-ports.ts';
import { actor, loadSettings, openState } from '../setup.ts';

export interface WaitFlags extends CommonFlags {
  /** Milliseconds. */
  readonly timeout?: number;
  readonly lockTimeout: number;
  readonly output: OutputFormat;
}

/** Follows what is open to its end; starts nothing. */
export async function wait(io: Io, addresses: readonly Address[], flags: WaitFlags): Promise<ExitCode> {
  const settings = await loadSettings(io, flags);
  const { config } = settings;
  const backend = await openState(io, flags, settings, 'write');
  const result = await follow(
    {
      addresses,
      settings: {
        ...config,
        apply: { ...config.apply, timeout_ms: flags.timeout ?? config.apply.timeout_ms },
      },
      actor: actor(io, 'wait'),
      lockTimeoutMs: flags.lockTimeout,
    },
    runPorts(io, flags, settings, backend, { output: flags.output, name: 'Wait', blocking: () => [] }),
  );
  if (result.kind === 'ran')
    return exitCodeOf({ ...result.outcome, ends: result.ends, stopped: result.stopped });
  if (flags.output === 'text') io.stdout.write(nothingToFollow(result.chosen, addresses));
  return exitCodeOf({ ends: endsOf(result.chosen), stopped: false });
}

function nothingToFollow(chosen: readonly RestoreRecord[], addresses: readonly Address[]): string {
  if (addresses.length === 0) return 'No restore is running.\n';
  return chosen.map(({ address, status }) => `${address}: ${status}.\n`).join('');
}

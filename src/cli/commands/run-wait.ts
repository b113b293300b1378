import { endsOf, waitForRestores } from '../../app/wait.ts';
import type { ExitCode } from '../../domain/errors.ts';
import { type RestoreRecord, statusWord } from '../../domain/record.ts';
import type { Address } from '../../domain/spec.ts';
import { runPorts } from '../command-ports.ts';
import { loadContext } from '../context.ts';
import { exitCodeOf } from '../exit-code.ts';
import type { Io } from '../io.ts';
import { lockRequest } from '../lock-request.ts';
import { openState } from '../open-state.ts';
import type { CommonFlags, OutputFormat } from '../options/shared.ts';
import { printInText } from '../print.ts';

export interface WaitFlags extends CommonFlags {
  /** Milliseconds. */
  readonly timeout?: number;
  readonly lockTimeout: number;
  readonly output: OutputFormat;
}

/** Follows restores to their end; starts none. */
export async function wait(io: Io, addresses: readonly Address[], flags: WaitFlags): Promise<ExitCode> {
  const context = await loadContext(io, flags);
  const { config } = context;
  const backend = await openState(context, 'write');
  const result = await waitForRestores(
    {
      addresses,
      settings: {
        ...config,
        apply: { ...config.apply, timeout_ms: flags.timeout ?? config.apply.timeout_ms },
      },
      ...lockRequest(io, 'wait', flags),
    },
    runPorts(context, backend, { output: flags.output, name: 'Wait' }),
  );
  if (result.kind === 'ran')
    return exitCodeOf({ ...result.outcome, ends: result.ends, stopped: result.stopped });
  const { chosen } = result;
  printInText(io, flags.output, () => nothingToFollow(chosen, addresses));
  return exitCodeOf({ ends: endsOf(chosen), stopped: false });
}

function nothingToFollow(chosen: readonly RestoreRecord[], addresses: readonly Address[]): string {
  if (addresses.length === 0) return 'No restore is running.\n';
  return chosen.map(({ address, status }) => `${address}: ${statusWord(status)}.\n`).join('');
}

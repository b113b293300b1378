import { resolveRestore } from '../../app/resolve.ts';
import { EXIT, type ExitCode } from '../../domain/errors.ts';
import type { Resolution, RestoreRecord } from '../../domain/record.ts';
import { remedyLines } from '../../views/diagnostics.ts';
import { type RemedyOptions, recordRemedies } from '../../views/record-text.ts';
import { joinLines, sanitize, type TextOptions } from '../../views/terminal.ts';
import { ports } from '../command-ports.ts';
import { loadContext } from '../context.ts';
import type { Io } from '../io.ts';
import { lockRequest } from '../lock-request.ts';
import { openState } from '../open-state.ts';
import type { CommonFlags } from '../options/shared.ts';
import { recordOptions } from '../record-options.ts';

export interface ResolveFlags extends CommonFlags {
  readonly as: Resolution['as'];
  readonly reason: string;
  readonly lockTimeout: number;
}

function resolvedText(
  record: RestoreRecord,
  as: Resolution['as'],
  options: TextOptions & RemedyOptions,
): string {
  const [decided, next] = RESOLVED[as];
  const steps = as === 'failed' ? recordRemedies(record, options) : [next];
  return joinLines([
    `${sanitize(record.address)} is resolved: ${decided}.`,
    ...steps.flatMap((step) => remedyLines(step, options)),
  ]);
}

const RESOLVED: Readonly<Record<Resolution['as'], readonly [decided: string, next: string]>> = {
  succeeded: ['it succeeded', 'what waited for it can start: vbsctl plan'],
  'not-started': ['it was not started', 'to start it: vbsctl apply'],
  failed: ['it failed, and the disk may have been touched', ''],
};

export async function resolveRecord(io: Io, address: string, flags: ResolveFlags): Promise<ExitCode> {
  const context = await loadContext(io, flags);
  const backend = await openState(context, 'write');
  const { as, reason } = flags;
  const { record, state } = await resolveRestore(
    {
      address,
      decision: { as, reason, by: io.who },
      settings: context.config,
      apiChosen: context.loaded.named,
      ...lockRequest(io, 'resolve', flags),
    },
    ports(context, backend),
  );
  io.stdout.write(resolvedText(record, as, recordOptions(io, state)));
  return EXIT.done;
}

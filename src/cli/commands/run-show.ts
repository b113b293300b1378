import { EXIT, type ExitCode } from '../../domain/errors.ts';
import { totals } from '../../domain/plan.ts';
import { savedPlanText } from '../../views/saved-plan-text.ts';
import type { Io } from '../io.ts';
import type { OutputFormat } from '../options/shared.ts';
import { readSignedPlan } from '../plan-signatures.ts';
import { printResult, textOptions } from '../print.ts';

export interface ShowFlags {
  readonly output: OutputFormat;
  readonly showDone?: boolean;
  readonly trustedKeys?: string;
}

/** Shows the content of a saved plan. Reads neither the state nor the cloud. */
export async function showPlan(io: Io, path: string, flags: ShowFlags): Promise<ExitCode> {
  const { saved, signed, keys } = await readSignedPlan(io, path, flags.trustedKeys);
  const options = { ...textOptions(io), showDone: flags.showDone === true };
  printResult(io, flags.output, {
    text: () => savedPlanText(saved, path, signed, options),
    json: () => ({ format: 1, ...saved, totals: totals(saved), signed }),
  });
  return signed.kind === 'wrong' || (keys && signed.kind !== 'valid') ? EXIT.refused : EXIT.done;
}

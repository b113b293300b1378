import { EXIT, type ExitCode } from '../domain/errors.ts';
import { hasChanges } from '../domain/plan.ts';
import { planJson } from '../views/plan-json.ts';
import { planText } from '../views/plan-text.ts';
import { connectCloud } from './cloud.ts';
import type { Io } from './io.ts';
import { nextCommand } from './next-command.ts';
import { makePlan, refusal } from './planning.ts';
import type { ManifestFlags } from './program.ts';
import { backend, manifests, settings } from './setup.ts';
import { printJson, textOptions } from './show.ts';

export interface PlanFlags extends ManifestFlags {
  readonly target?: readonly string[];
  readonly detailedExitcode?: boolean;
  readonly offline?: boolean;
  readonly showDone?: boolean;
  readonly output: 'text' | 'json';
}

/** Shows what `apply` would do. Takes no lock and writes nothing. */
export async function plan(io: Io, flags: PlanFlags): Promise<ExitCode> {
  const given = await settings(io, flags);
  const declared = await manifests(io, flags, given);
  const store = await backend(io, flags, given);
  const state = await store.read();
  const connection = flags.offline ? undefined : await connectCloud(io, flags, given);
  try {
    const made = await makePlan({
      ...declared,
      state,
      ...(connection ? { driver: connection.driver } : {}),
      settings: given,
      only: flags.target ?? [],
    });
    if (flags.output === 'json') printJson(io, planJson(made));
    else {
      io.stdout.write(
        planText(made, {
          ...textOptions(io),
          stateLocation: store.location,
          applyCommand: nextCommand('apply', flags),
          initCommand: nextCommand('init', flags),
          showDone: flags.showDone === true,
        }),
      );
    }
    if (!flags.detailedExitcode) return EXIT.done;
    if (refusal(made, false)) return EXIT.refused;
    return hasChanges(made) ? EXIT.changes_pending : EXIT.done;
  } finally {
    await connection?.close();
  }
}

import { EXIT, type ExitCode } from '../domain/errors.ts';
import { shellPath } from '../domain/escape/shell-word.ts';
import { planText } from '../views/plan/plan-text.ts';
import { planJson } from '../views/plan-json.ts';
import { savedPlanText } from '../views/saved-plan-text.ts';
import type { Io } from './io.ts';
import { readPlan } from './plan-file.ts';
import { printJson, textOptions } from './show.ts';

/** A saved plan, as it was when it was made. Looks at neither state nor cloud. */
export async function showPlan(
  io: Io,
  path: string,
  flags: { readonly output: 'text' | 'json'; readonly showDone?: boolean },
): Promise<ExitCode> {
  const saved = await readPlan(io, path);
  const { plan, digest, policy_sha256, waivers } = saved;
  if (flags.output === 'json') printJson(io, { ...planJson(plan), digest, policy_sha256, waivers });
  else {
    const options = {
      ...textOptions(io),
      applyCommand: `vbsctl apply ${shellPath(path)}`,
      showDone: flags.showDone === true,
      madeBefore: true,
    };
    io.stdout.write(`${savedPlanText(saved, path, options)}${planText(plan, options)}`);
  }
  return EXIT.done;
}

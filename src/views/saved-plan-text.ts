import type { SavedPlan } from '../domain/saved-plan.ts';
import { joinLines, sanitize, type TextOptions } from './terminal.ts';
import { when } from './words.ts';

/** What stands above a saved plan: which file, made when and by what, and what was allowed. Ends with a blank line. */
export function savedPlanText(
  { plan, digest, waivers }: SavedPlan,
  path: string,
  { style, now }: TextOptions,
): string {
  return joinLines([
    `${style.strong(`Plan ${sanitize(path)}`)}, made ${when(plan.created_at, now)} by vbsctl ${sanitize(plan.tool_version)}`,
    style.faint(`digest ${sanitize(digest)}`),
    ...(waivers.length === 0
      ? []
      : [style.warn(`applies only with ${waivers.map((waiver) => `--allow-${waiver}`).join(' ')}`)]),
    '',
  ]);
}

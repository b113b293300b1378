import { argument, option } from '../options/option.ts';
import { output, trustedKeys } from '../options/shared.ts';
import type { CommandDefinition } from './definition.ts';
import type { ShowFlags } from './run-show.ts';

export const show: CommandDefinition<ShowFlags, [plan: string]> = {
  name: 'show',
  summary: 'Show a saved plan',
  arguments: [argument('<plan>', 'file that plan --out saved', 'files')],
  options: [option('--show-done', 'also list restores that were already done'), trustedKeys, output],
  examples: [
    ['vbsctl show plan.json', 'the plan as text'],
    ['vbsctl show plan.json --output json', 'as JSON'],
  ],
  run: async (io, flags, plan) => await (await import('./run-show.ts')).showPlan(io, plan, flags),
};

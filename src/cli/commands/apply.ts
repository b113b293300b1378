import { DEFAULT_CONFIG } from '../../domain/config.ts';
import { EXIT } from '../../domain/errors.ts';
import { argument, duration, option, wholeNumber } from '../options/option.ts';
import { autoApprove, lockTimeout, outputLines, planning, trustedKeys } from '../options/shared.ts';
import { type CommandDefinition, LOCKING_EXITS } from './definition.ts';
import type { ApplyFlags } from './run-apply.ts';

export const apply: CommandDefinition<ApplyFlags, [plan?: string]> = {
  name: 'apply',
  summary: 'Run the restores that are declared and not done yet, or exactly those of a saved plan',
  arguments: [argument('[plan]', 'file that plan --out saved; applied without asking', 'files')],
  options: [
    ...planning,
    option('--max-age <duration>', 'refuse a saved plan that is older', { type: duration }),
    trustedKeys,
    autoApprove,
    option('--init-state', 'create the state if it does not exist'),
    option('--skip-blocked', 'leave blocked restores out and run the others'),
    option('--no-wait', 'start what is ready and exit with 6, without waiting for the end'),
    option('--parallelism <n>', 'restores that run at the same time', {
      type: wholeNumber(1, 1000),
      otherwise: `apply.parallelism of the config, else ${DEFAULT_CONFIG.apply.parallelism}`,
    }),
    lockTimeout,
    outputLines,
  ],
  examples: [
    ['vbsctl apply', 'show the plan, ask, restore, wait for the end'],
    ['vbsctl apply plan.json --max-age 24h', 'run a plan that was approved'],
    ['vbsctl apply --auto-approve --output json', 'in a pipeline'],
    ['vbsctl apply --no-wait', 'only start; then: vbsctl status, vbsctl wait'],
  ],
  exits: [EXIT.outcome_unknown, EXIT.still_running, ...LOCKING_EXITS],
  run: async (io, flags, plan) =>
    plan === undefined
      ? await (await import('./run-apply.ts')).apply(io, flags)
      : await (await import('./run-apply-saved.ts')).applySaved(io, plan, flags),
};

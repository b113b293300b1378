import { EXIT } from '../../domain/errors.ts';
import { file, option } from '../options/option.ts';
import { output, planning } from '../options/shared.ts';
import { type CommandDefinition, READING_EXITS } from './definition.ts';
import type { PlanFlags } from './run-plan.ts';

export const plan: CommandDefinition<PlanFlags> = {
  name: 'plan',
  summary: 'Show what apply would do, without changing state or cloud',
  options: [
    ...planning,
    option('--out <file>', 'save the plan, to run exactly this plan with vbsctl apply FILE', { type: file }),
    option('--sign <key>', 'sign the saved plan with this ed25519 private key (a PEM file)', {
      type: file,
      otherwise: '$VBSCTL_SIGNING_KEY',
    }),
    option(
      '--detailed-exitcode',
      'exit with 2 if there are changes, 5 if apply would be refused, 3 if an outcome is unknown; otherwise 0',
    ),
    option('--offline', 'do not contact the cloud'),
    option('--show-done', 'also list restores that are already done'),
    output,
  ],
  examples: [
    ['vbsctl plan', 'plan the default manifests'],
    ['vbsctl plan -f restores.yaml --target payments/db-data', 'one restore and what it depends on'],
    ['vbsctl plan --out plan.json', 'save for approval, then: vbsctl apply plan.json'],
    ['vbsctl plan --offline --output json', 'without the cloud, as JSON'],
  ],
  exits: [EXIT.changes_pending, EXIT.outcome_unknown, ...READING_EXITS],
  run: async (io, flags) => await (await import('./run-plan.ts')).plan(io, flags),
};

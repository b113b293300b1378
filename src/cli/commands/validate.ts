import { config, filename, output } from '../options/shared.ts';
import type { CommandDefinition } from './definition.ts';
import type { ValidateFlags } from './run-validate.ts';

export const validate: CommandDefinition<ValidateFlags> = {
  name: 'validate',
  summary: 'Check manifests and config, without the cloud and the state',
  options: [filename, config, output],
  examples: [
    ['vbsctl validate', 'check the default manifests'],
    ['vbsctl validate -f restores.yaml --output json', 'print the problems as JSON'],
  ],
  run: async (io, flags) => await (await import('./run-validate.ts')).validate(io, flags),
};

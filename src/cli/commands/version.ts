import { EXIT } from '../../domain/errors.ts';
import { VERSION } from '../../version.ts';
import { type OutputFormat, output } from '../options/shared.ts';
import { printJson } from '../print.ts';
import type { CommandDefinition } from './definition.ts';

export const version: CommandDefinition<{ readonly output: OutputFormat }> = {
  name: 'version',
  summary: 'Print the version',
  options: [output],
  examples: [['vbsctl version --output json', 'as JSON']],
  exits: [],
  async run(io, flags) {
    if (flags.output === 'json') printJson(io, { format: 1, version: VERSION });
    else io.stdout.write(`vbsctl ${VERSION}\n`);
    return EXIT.done;
  },
};

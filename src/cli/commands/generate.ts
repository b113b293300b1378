import { manifestName, option, repeatable } from '../options/option.ts';
import { cloud, config } from '../options/shared.ts';
import { pastTime } from '../options/timestamp.ts';
import type { CommandDefinition } from './definition.ts';
import type { GenerateFlags } from './run-generate.ts';

export const generate: CommandDefinition<GenerateFlags> = {
  name: 'generate',
  summary: 'Write a manifest to stdout: volumes, each with its newest backup',
  options: [
    config,
    cloud,
    option('--server <name>', 'the volumes attached to this server, by name or ID', {
      type: { ...repeatable, completes: 'servers' },
    }),
    option('--volume <name>', 'this volume, by name or ID', {
      type: { ...repeatable, completes: 'volumes' },
    }),
    option('--name <glob>', 'the volumes with a matching name, such as pay-db-*', { type: repeatable }),
    option('--all', 'every volume of the project'),
    option('--as-of <time>', 'choose the newest backup created at or before this time', { type: pastTime }),
    option('--latest', 'choose the newest backup'),
    option('--set <name>', 'name of the set', { type: manifestName, otherwise: 'name of the server' }),
  ],
  examples: [
    ['vbsctl generate --server erp-db1 --as-of 24h > restores.yaml', 'a whole server, as it was a day ago'],
    ["vbsctl generate --name 'pay-db-*' --latest > restores.yaml", 'volumes by name, attached or not'],
    ['vbsctl generate --all --latest --set everything > restores.yaml', 'the whole project'],
  ],
  run: async (io, flags) => await (await import('./run-generate.ts')).generate(io, flags),
};

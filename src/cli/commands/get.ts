import { option, repeatable } from '../options/option.ts';
import { cloud, config } from '../options/shared.ts';
import { pastTime } from '../options/timestamp.ts';
import type { CommandDefinition, CommandGroup } from './definition.ts';
import type { GetFlags } from './run-get.ts';

const filters = [
  config,
  cloud,
  option('--volume <name>', 'only items of this volume, by name or ID', {
    type: { ...repeatable, completes: 'volumes' },
  }),
  option('--server <name>', 'only items of the volumes of this server, by name or ID', {
    type: { ...repeatable, completes: 'servers' },
  }),
  option('--name <glob>', 'only items with a matching name, such as pay-db-*', { type: repeatable }),
  option('--status <status>', 'only items with this status', { type: repeatable }),
];

const listOutput = option('-o, --output <format>', 'output format', {
  choices: ['table', 'json', 'yaml', 'name'],
  default: 'table',
});

const backups: CommandDefinition<GetFlags> = {
  name: 'backups',
  aliases: ['backup'],
  summary: 'List backups, newest first',
  options: [
    ...filters,
    option('--before <time>', 'only backups created at or before this time', { type: pastTime }),
    option('--after <time>', 'only backups created at or after this time', { type: pastTime }),
    listOutput,
  ],
  examples: [
    ['vbsctl get backups --volume pay-db-data', 'the backups of a volume'],
    [
      'vbsctl get backups --server pay-db1 --before 2026-11-23T22:00:00+01:00',
      'the backups up to a point in time',
    ],
    ["vbsctl get backups --name 'pay-*' --status available -o json", 'as JSON'],
  ],
  run: async (io, flags) => await (await import('./run-get.ts')).get(io, 'backups', flags),
};

const volumes: CommandDefinition<GetFlags> = {
  name: 'volumes',
  aliases: ['volume', 'disks', 'disk'],
  summary: 'List volumes, the servers they are attached to, and their latest backups',
  options: [...filters, listOutput],
  examples: [
    ['vbsctl get volumes --server pay-db1', 'the volumes of a server'],
    ["vbsctl get volumes --name 'pay-*' -o name", 'only the names, one per line'],
  ],
  run: async (io, flags) => await (await import('./run-get.ts')).get(io, 'volumes', flags),
};

const servers: CommandDefinition<GetFlags> = {
  name: 'servers',
  aliases: ['server'],
  summary: 'List servers and the volumes attached to them',
  options: [...filters, listOutput],
  examples: [
    ['vbsctl get servers', 'every server with its volumes'],
    ['vbsctl get servers --volume pay-db-data', 'the server that a volume is attached to'],
  ],
  run: async (io, flags) => await (await import('./run-get.ts')).get(io, 'servers', flags),
};

export const get: CommandGroup = {
  name: 'get',
  summary: 'List the backups, volumes and servers of the project',
  examples: [
    ['vbsctl get servers', 'servers and their volumes'],
    ['vbsctl get backups --volume pay-db-data', 'the backups of a volume'],
  ],
  commands: [backups, volumes, servers],
};

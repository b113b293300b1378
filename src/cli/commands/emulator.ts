import { duration, file, option, repeatable, wholeNumber } from '../options/option.ts';
import type { CommandDefinition } from './definition.ts';
import type { EmulatorFlags } from './run-emulator.ts';

export const emulator: CommandDefinition<EmulatorFlags> = {
  name: 'emulator',
  summary: 'Run an emulated VBS cloud on this machine, for tests and demos',
  options: [
    option('--port <n>', 'port to listen on; 0 for any free port', {
      type: wholeNumber(0, 65_535),
      default: '8787',
    }),
    option('--world <file>', 'keep volumes, backups and jobs in this file', { type: file }),
    option('--faults <file>', 'JSON file with the faults to inject; see vbsctl help faults', { type: file }),
    option('--job-duration <duration>', 'how long a restore takes', { type: duration, default: '5s' }),
    option('--queue <duration>', 'how long a restore stays queued', { type: duration, default: '500ms' }),
    option('--volumes <n>', 'create this many volumes', {
      type: wholeNumber(1, 100_000),
      otherwise: 'a small example project',
    }),
    option('--allow-host <name>', 'also accept requests to this host name', { type: repeatable }),
    option('--quiet', 'do not print each request'),
    option(
      '--detach <server>',
      'do not listen; detach the volumes of a server, in the emulator at OS_AUTH_URL, else in --world',
    ),
  ],
  examples: [
    ['vbsctl emulator', 'paste the export lines that it prints into another terminal'],
    ['vbsctl emulator --port 8800 --job-duration 30s --quiet', 'slower restores'],
    ['vbsctl emulator --detach erp-db1', 'so that its volumes can be restored'],
    ['vbsctl emulator --faults faults.json', 'inject faults; see vbsctl help faults'],
  ],
  run: async (io, flags) => await (await import('./run-emulator.ts')).emulator(io, flags),
};

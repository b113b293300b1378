/** A process that serves a world file until it is killed: argument FILE. */
import { startEmulator } from '../../src/emulator/index.ts';

const emulator = await startEmulator({ worldFile: process.argv[2] ?? '', seed: { jobDurationMs: 100_000 } });
process.stdout.write(`${emulator.url}\n`);

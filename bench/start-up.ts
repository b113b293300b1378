import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { commandOptions, wholeNumber } from '../scripts/command-options.ts';
import { Workspace } from '../test/e2e/workspace.ts';
import { load, machine, measure, median } from './measure.ts';

const USAGE = `npm run bench:start-up -- [options]: how long the built program takes to start, against bare Node: whole processes,
medians of interleaved runs, wall and CPU. The last commands talk to an emulator in this process.

  --runs N   default: 15`;

const values = commandOptions(USAGE, { runs: { type: 'string', default: '15' } });
const runs = wholeNumber('runs', values.runs);
const program = [process.execPath, new URL('../dist/vbsctl.cjs', import.meta.url).pathname];

const empty = mkdtempSync(join(tmpdir(), 'vbsctl-bench-'));
const workspace = await Workspace.open({ seed: { volumes: 4 } });
workspace.declare(2);
await workspace.run('init');
writeFileSync(join(empty, 'restores.yaml'), workspace.read('restores.yaml'));

const BARE = 'node -e 0';
const contestants: Readonly<Record<string, () => ReturnType<typeof measure>>> = {
  [BARE]: () => measure([process.execPath, '-e', '0'], { cwd: empty }),
  '--help': () => measure([...program, '--help'], { cwd: empty }),
  validate: () => measure([...program, 'validate'], { cwd: empty }),
  'plan --offline': () => measure([...program, 'plan', '--offline'], { cwd: empty }),
  'get volumes': () =>
    measure([...program, 'get', 'volumes'], { cwd: workspace.folder, env: workspace.env() }),
  plan: () => measure([...program, 'plan'], { cwd: workspace.folder, env: workspace.env() }),
};

console.log(`start-up, median of ${runs}\n${machine()}`);
const walls = new Map<string, number[]>();
const cpus = new Map<string, number[]>();
for (let run = 0; run < runs; run++) {
  for (const [name, contestant] of Object.entries(contestants)) {
    const { code, wall_s, cpu_s, stderr } = await contestant();
    if (code !== 0) throw new Error(`${name}: exit ${code}: ${stderr}`);
    walls.set(name, [...(walls.get(name) ?? []), wall_s * 1_000]);
    cpus.set(name, [...(cpus.get(name) ?? []), cpu_s * 1_000]);
  }
}
await workspace.close();
rmSync(empty, { recursive: true });

console.log(load());
const [bareWall, bareCpu] = [median(walls.get(BARE) ?? []), median(cpus.get(BARE) ?? [])];
for (const name of Object.keys(contestants)) {
  const [wall, cpu] = [median(walls.get(name) ?? []), median(cpus.get(name) ?? [])];
  console.log(
    `  ${name.padEnd(15)} ${wall.toFixed(0).padStart(5)} ms = ${(wall / bareWall).toFixed(2)} ×   CPU ${cpu.toFixed(0).padStart(5)} ms = ${(cpu / bareCpu).toFixed(2)} ×`,
  );
}

import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { commandOptions, wholeNumber } from '../scripts/command-options.ts';
import { load, type Measured, machine, measure, median } from './measure.ts';

const USAGE = `npm run bench:plan -- [options]: vbsctl plan --offline over many restores, against the bare parse of the same file in the
same run: whole processes, medians of interleaved runs.

  --restores N   default: 100000
  --runs N       default: 3`;

const values = commandOptions(USAGE, {
  restores: { type: 'string', default: '100000' },
  runs: { type: 'string', default: '3' },
});
const restores = wholeNumber('restores', values.restores);
const runs = wholeNumber('runs', values.runs);
const root = new URL('..', import.meta.url).pathname;
const folder = mkdtempSync(join(tmpdir(), 'vbsctl-bench-'));

function uuid(kind: string, n: number): string {
  const hex = createHash('sha256').update(`${kind} ${n}`).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

const entries = Array.from({ length: restores }, (_, n) => ({
  name: `disk-${n}`,
  volume_id: uuid('volume', n),
  backup_id: uuid('backup', n),
  generation: 1,
}));
const head = { apiVersion: 'vbsctl.dev/v1', kind: 'RestoreSet', metadata: { name: 'bench' } };
const yamlFile = join(folder, 'restores.yaml');
const jsonFile = join(folder, 'restores.json');
writeFileSync(
  yamlFile,
  `apiVersion: vbsctl.dev/v1\nkind: RestoreSet\nmetadata: {name: bench}\nspec:\n  restores:\n${entries
    .map(
      (e) =>
        `    - name: ${e.name}\n      volume_id: ${e.volume_id}\n      backup_id: ${e.backup_id}\n      generation: 1\n`,
    )
    .join('')}`,
);
writeFileSync(jsonFile, JSON.stringify({ ...head, spec: { restores: entries } }));

const contestants = {
  plan: (file: string) =>
    measure(
      [
        process.execPath,
        join(root, 'dist/vbsctl.cjs'),
        ...['plan', '--offline', '-o', 'json', '-f', file, '--state', join(folder, 'none')],
      ],
      { cwd: folder },
    ),
  // The library alone, and a process around it, as the plan has.
  bare: (file: string) =>
    measure(
      [
        process.execPath,
        '-e',
        `const text = require('node:fs').readFileSync(${JSON.stringify(file)}, 'utf8');
         ${file.endsWith('.json') ? 'JSON.parse(text)' : "require('yaml').parse(text)"}`,
      ],
      { cwd: root },
    ),
};

console.log(`plan of ${restores} restores, median of ${runs}\n${machine()}`);
for (const file of [yamlFile, jsonFile]) {
  const figures: Record<keyof typeof contestants, Measured[]> = { plan: [], bare: [] };
  for (let run = 0; run < runs; run++) {
    for (const name of ['bare', 'plan'] as const) {
      const measured = await contestants[name](file);
      if (measured.code !== 0) throw new Error(`${name}: exit ${measured.code}: ${measured.stderr}`);
      figures[name].push(measured);
    }
  }
  const wall = (of: readonly Measured[]) => median(of.map(({ wall_s }) => wall_s));
  const cpu = (of: readonly Measured[]) => median(of.map(({ cpu_s }) => cpu_s));
  const { plan, bare } = figures;
  const mb = (statSync(file).size / 1e6).toFixed(1);
  console.log(
    `  ${file.endsWith('json') ? 'JSON' : 'YAML'} (${mb} MB): plan ${wall(plan).toFixed(2)} s, bare parse ${wall(bare).toFixed(2)} s = ${(wall(plan) / wall(bare)).toFixed(2)} ×   CPU ${cpu(plan).toFixed(2)} s, ${cpu(bare).toFixed(2)} s = ${(cpu(plan) / cpu(bare)).toFixed(2)} ×   (${load()})`,
  );
}
rmSync(folder, { recursive: true });

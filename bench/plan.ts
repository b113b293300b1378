import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { arch, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parse } from 'yaml';

/**
 * `vbsctl plan --offline` over many restores, against the bare parse of the same file in the same run: process
 * time, medians of interleaved runs. `npm run bench:plan -- [restores] [runs]`
 */
const [restores = 100_000, runs = 3] = process.argv.slice(2).map(Number);
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

const plan = (file: string) =>
  execFileSync(
    process.execPath,
    [
      join(root, 'dist/vbsctl.cjs'),
      'plan',
      '--offline',
      '-o',
      'json',
      '-f',
      file,
      '--state',
      join(folder, 'none'),
    ],
    { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'] },
  );
const bare = (file: string): unknown => {
  const text = readFileSync(file, 'utf8');
  return file.endsWith('.json') ? JSON.parse(text) : parse(text);
};

function time(action: () => void): number {
  const began = performance.now();
  action();
  return performance.now() - began;
}
const median = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

console.log(
  `${restores} restores, Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model} (${arch()})`,
);
for (const file of [yamlFile, jsonFile]) {
  const figures: { plan: number[]; bare: number[] } = { plan: [], bare: [] };
  for (let run = 0; run < runs; run++) {
    figures.bare.push(time(() => void bare(file)));
    figures.plan.push(time(() => void plan(file)));
  }
  const [planMs, bareMs] = [median(figures.plan), median(figures.bare)];
  const mb = (statSync(file).size / 1e6).toFixed(1);
  console.log(
    `${file.endsWith('json') ? 'JSON' : 'YAML'} (${mb} MB): plan ${Math.round(planMs)} ms, bare parse ${Math.round(bareMs)} ms, ratio ${(planMs / bareMs).toFixed(2)}`,
  );
}
rmSync(folder, { recursive: true });

import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';

/**
 * What costs a reader most, a mebibyte of each, to a program that may use 256 MB: time and memory are bounded by the
 * size of the files, and that by `LIMITS.bytes`.
 */
const SIZE = 1024 * 1024;
const HEAP_MB = 256;
const CPU_MS_MAX = 30_000;

const repeated = (text: string) => text.repeat(Math.floor(SIZE / text.length));
const counted = (line: (n: number) => string) => {
  const lines: string[] = [];
  for (let n = 0, size = 0; size < SIZE; n++) {
    const next = line(n);
    lines.push(next);
    size += next.length;
  }
  return lines.join('');
};
const SET = 'apiVersion: vbsctl.dev/v1\nkind: RestoreSet\nmetadata: {name: a}\nspec:\n  restores:\n';

const SHAPES: readonly (readonly [what: string, file: string, text: () => string])[] = [
  ['a map of many keys', 'm.yaml', () => counted((n) => `k${n}: 1\n`)],
  ['a fault in each line', 'm.yaml', () => repeated('"\n')],
  ['directives', 'm.yaml', () => repeated('%a\n')],
  ['documents', 'm.yaml', () => repeated('--- 1\n')],
  ['aliases', 'm.yaml', () => `a: &a 1\nb:\n${repeated('- *a\n')}`],
  ['tags', 'm.yaml', () => repeated('- !a b\n')],
  ['a block of text', 'm.yaml', () => `a: >\n${repeated('  x y\n\n')}`],
  ['maps within lists within maps', 'm.json', () => `[${repeated('{"a":[{"b":{}}]},').slice(0, -1)}]`],
  [
    'restores of which each is wrong',
    'm.json',
    () =>
      `{"apiVersion":"vbsctl.dev/v1","kind":"RestoreSet","metadata":{"name":"a"},"spec":{"restores":[${counted(
        (n) => `{"name":"r${n}"},`,
      ).slice(0, -1)}]}}`,
  ],
  [
    'restores that depend on the next, and on what is not there',
    'm.yaml',
    () => SET + counted((n) => `    - {name: r${n}, depends_on: [r${n + 1}, zebra${n}]}\n`),
  ],
];

describe('large hostile manifests', () => {
  const program = join(import.meta.dirname, '..', '..', 'dist', 'vbsctl.cjs');
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'vbsctl-hostile-'));
    // Tells at its end what it took, also when it ended badly.
    writeFileSync(
      join(folder, 'meter.cjs'),
      'process.on("exit", () => process.stderr.write("\\ncpu_us=" + process.cpuUsage().user + "\\n"));\n',
    );
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  for (const [what, file, text] of SHAPES)
    it(`are refused within limits of time and memory: ${what}`, async () => {
      writeFileSync(join(folder, file), text());
      const options = [`--max-old-space-size=${HEAP_MB}`, '--require', join(folder, 'meter.cjs')];
      const { code, stderr } = await finished([...options, program, 'validate', '-f', file], folder);
      expect(code, stderr.slice(-500)).to.equal(1);
      expect(stderr).to.match(/^error: /);
      expect(Number(/cpu_us=(.*)/.exec(stderr)?.[1]) / 1_000).to.be.lessThan(CPU_MS_MAX);
    });
});

function finished(args: readonly string[], cwd: string): Promise<{ code: unknown; stderr: string }> {
  return new Promise((resolve) =>
    execFile(process.execPath, args, { cwd, maxBuffer: 64 * 1024 * 1024 }, (failed, _, stderr) =>
      resolve({ code: failed?.code ?? 0, stderr }),
    ),
  );
}

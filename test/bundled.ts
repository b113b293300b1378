import { rmSync } from 'node:fs';
import { join, parse } from 'node:path';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';

const FOLDER = join(import.meta.dirname, '..', 'reports', 'scripts');
const bundles = new Map<string, string>();

/**
 * A script of the tests that is to run in a process of its own, as one file of JavaScript: tsx would load each module of `src`
 * by itself, half a second of processor time a start.
 */
export function bundled(script: URL): string {
  const source = fileURLToPath(script);
  const known = bundles.get(source);
  if (known !== undefined) return known;
  // Tests run in several processes at once: each has its own file.
  const file = join(FOLDER, `${parse(source).name}-${process.pid}.mjs`);
  buildSync({
    entryPoints: [source],
    outfile: file,
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    logLevel: 'warning',
  });
  process.once('exit', () => rmSync(file, { force: true }));
  bundles.set(source, file);
  return file;
}

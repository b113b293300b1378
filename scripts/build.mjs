// Makes the program that `bin.vbsctl` of package.json names: one file, schemas compiled, nothing loaded before
// it is needed (a dynamic import inside the bundle is evaluated when it is reached).
import { chmodSync, readFileSync, rmSync } from 'node:fs';
import { build } from 'esbuild';
import './compile-schemas.mjs';

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const root = new URL('..', import.meta.url).pathname;

rmSync(`${root}dist`, { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints: ['src/main.ts'],
  outfile: 'dist/vbsctl.cjs',
  bundle: true,
  platform: 'node',
  // CommonJS starts a few milliseconds faster than an ES module and needs no shim for `require`.
  format: 'cjs',
  target: 'node20',
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'linked',
  banner: { js: '#!/usr/bin/env node' },
  define: { __VBSCTL_VERSION__: JSON.stringify(version) },
  logLevel: 'warning',
});
chmodSync(`${root}dist/vbsctl.cjs`, 0o755);

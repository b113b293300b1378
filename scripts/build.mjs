// Makes the program that `bin.vbsctl` of package.json names: one bundle with the schemas compiled in, in which
// nothing is evaluated before it is needed (a dynamic import inside it is reached or not), a code cache for it,
// and the few lines that start the one with the other.
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, readFileSync, rmSync } from 'node:fs';
import { build } from 'esbuild';
import './compile-schemas.mjs';

const root = new URL('..', import.meta.url).pathname;
const { version } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));

rmSync(`${root}dist`, { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints: ['src/main.ts'],
  outfile: 'dist/program.cjs',
  bundle: true,
  platform: 'node',
  // CommonJS starts a few milliseconds faster than an ES module and needs no shim for `require`.
  format: 'cjs',
  target: 'node20',
  // A script that comes from the code cache cannot import(); what it wants of Node it gets by require.
  supported: { 'dynamic-import': false },
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'linked',
  plugins: [withoutChildProcesses()],
  define: { __VBSCTL_VERSION__: JSON.stringify(version) },
  logLevel: 'warning',
});
copyFileSync(`${root}scripts/launcher.cjs`, `${root}dist/vbsctl.cjs`);
chmodSync(`${root}dist/vbsctl.cjs`, 0o755);
// What a plan without the cloud runs through is what most commands run through first.
execFileSync(process.execPath, [
  `${root}scripts/make-cache.cjs`,
  `${root}dist/program.cjs`,
  ...['plan', '--offline', '-f', `${root}examples/restores.yaml`, '--state', `${root}dist/no.state.json`],
]);

/** Commander loads node:child_process for commands that are programs of their own. Here are none, and it is 13 ms. */
function withoutChildProcesses() {
  return {
    name: 'without-child-processes',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^node:child_process$/ }, ({ importer }) =>
        /[\\/]node_modules[\\/]commander[\\/]/.test(importer)
          ? { path: 'none', namespace: 'none' }
          : undefined,
      );
      onLoad({ filter: /.*/, namespace: 'none' }, () => ({ contents: '' }));
    },
  };
}

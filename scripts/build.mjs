// Makes the program that `bin.vbsctl` of package.json names: one file with the schemas compiled in, in which
// nothing is compiled or evaluated before it is needed (a dynamic import inside it is reached or not), code caches for
// it, and the few lines that start the one with the other. The package needs no other: what is bundled of others is told
// by their licences and a bill of materials beside it.
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename } from 'node:path';
import { build, transform } from 'esbuild';
import { metafile as schemas } from './compile-schemas.mjs';
import { billOfMaterials, bundledPackages, licencesText } from './third-party.mjs';

const root = new URL('..', import.meta.url).pathname;
const self = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));
const { version } = self;

rmSync(`${root}dist`, { recursive: true, force: true });
mkdirSync(`${root}dist`);
/** What only some backends need lies beside the program and is loaded when it is: a package, and what is used of it. */
const APART = {
  '@aws-sdk/client-s3':
    "export { S3Client, GetObjectCommand, PutObjectCommand, DeleteObjectCommand } from '@aws-sdk/client-s3'",
  pg: "export { Client } from 'pg'",
  pgpass: "module.exports = require('pgpass')",
};

const CODE = {
  // CommonJS starts a few milliseconds faster than an ES module and needs no shim for `require`.
  format: 'cjs',
  target: 'node20',
  // A script that comes from the code cache cannot import(); what it wants of Node it gets by require.
  supported: { 'dynamic-import': false },
  minifySyntax: true,
  minifyWhitespace: true,
};
const COMMON = {
  ...CODE,
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  legalComments: 'linked',
  logLevel: 'warning',
  metafile: true,
};

const metafiles = [schemas];
const bundle = async (options) => {
  const { metafile, outputFiles = [] } = await build({ ...COMMON, ...options });
  metafiles.push(metafile);
  return outputFiles;
};

const pieces = await bundle({
  entryPoints: ['src/main.ts'],
  outdir: 'dist',
  write: false,
  // Cut wherever some commands need less than others; esbuild cuts ES modules only.
  format: 'esm',
  splitting: true,
  supported: {},
  plugins: [withoutChildProcesses(), leanAxios(), apart()],
  // Its main file is UMD, which cannot be bundled.
  alias: { 'jsonc-parser': 'jsonc-parser/lib/esm/main.js' },
  define: { __VBSCTL_VERSION__: JSON.stringify(version) },
});
writeFileSync(`${root}dist/program.cjs`, await programOf(pieces));
for (const [name, contents] of Object.entries(APART))
  await bundle({
    stdin: { contents, resolveDir: root },
    outfile: `dist/${fileOf(name)}`,
    external: ['pg-native'],
  });
mustBeAscii();
tellOfOthers();
copyFileSync(`${root}scripts/launcher.cjs`, `${root}dist/vbsctl.cjs`);
chmodSync(`${root}dist/vbsctl.cjs`, 0o755);
// What a plan without the cloud runs through is what most commands run through first.
makeCache(
  '',
  'plan',
  '--offline',
  '-f',
  `${root}examples/restores.yaml`,
  '--state',
  `${root}dist/no.state.json`,
);
makeCache('.help', '--help');

function makeCache(kind, ...args) {
  const program = `${root}dist/program.cjs`;
  execFileSync(process.execPath, [
    `${root}scripts/make-cache.cjs`,
    program,
    `${program}${kind}.cache`,
    ...args,
  ]);
}

/** All pieces in one function as the launcher calls it. Each is a function again: one that is not called costs nothing. */
async function programOf(files) {
  const pieces = [];
  for (const { path, text } of files)
    if (!path.endsWith('.js')) writeFileSync(path, text);
    else {
      const { code } = await transform(text, { ...CODE, legalComments: 'none' });
      pieces.push(`"./${basename(path)}"(exports, require, module) {${code}}`);
    }
  return `(function (exports, require, module, __filename, __dirname) {
const pieces = {${pieces.join(',\n')}};
const loaded = {};
function load(id) {
  if (!Object.hasOwn(pieces, id)) return require(id);
  if (!loaded[id]) pieces[id]((loaded[id] = { exports: {} }).exports, load, loaded[id]);
  return loaded[id].exports;
}
load('./main.js');
})`;
}

/** The launcher reads the program as latin1. esbuild escapes texts, but takes regular expressions over as they are. */
function mustBeAscii() {
  for (const file of readdirSync(`${root}dist`).filter((name) => name.endsWith('.cjs'))) {
    const [found] = /.{0,60}[^\0-\x7f].{0,60}/.exec(readFileSync(`${root}dist/${file}`, 'utf8')) ?? [];
    if (found !== undefined)
      throw new Error(`dist/${file} is not ASCII: write \\u…… in the regular expression at: ${found}`);
  }
}

/** One text of licences, with the notices that esbuild found in the sources, and one bill of materials. */
function tellOfOthers() {
  const packages = bundledPackages(root, metafiles);
  const found = readdirSync(`${root}dist`).filter((file) => file.endsWith('.LEGAL.txt'));
  const notices = found.map((file) => readFileSync(`${root}dist/${file}`, 'utf8'));
  for (const file of found) rmSync(`${root}dist/${file}`);
  writeFileSync(`${root}dist/THIRD_PARTY_LICENSES.txt`, licencesText(packages, notices));
  writeFileSync(`${root}dist/sbom.cdx.json`, `${JSON.stringify(billOfMaterials(self, packages), null, 2)}\n`);
}

/** `import('pg')` in the program reads the file beside it. */
function apart() {
  return {
    name: 'apart',
    setup({ onResolve }) {
      onResolve({ filter: /^(@aws-sdk\/client-s3|pg|pgpass)$/ }, ({ path }) => ({
        path: `./${fileOf(path)}`,
        external: true,
      }));
    },
  };
}

function fileOf(name) {
  return `${name.replace(/^@/, '').replaceAll('/', '-')}.cjs`;
}

/**
 * axios brings multipart forms, proxies, redirects and HTTP/2 along, and has Node load all of fetch to see whether
 * there is a FormData. Here it sends JSON over our own transport, and a command that asks a cloud one question took
 * half as long again.
 */
function leanAxios() {
  return {
    name: 'lean-axios',
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^(form-data|https-proxy-agent|follow-redirects|http2)$/ }, ({ importer }) =>
        /[\\/]node_modules[\\/]axios[\\/]/.test(importer) ? { path: 'none', namespace: 'none' } : undefined,
      );
      onLoad({ filter: /[\\/]axios[\\/]lib[\\/]utils\.js$/ }, ({ path }) => {
        const text = readFileSync(path, 'utf8');
        const lean = text.replace(
          /typeof G\.FormData !== 'undefined' \? G\.FormData : undefined/,
          'undefined',
        );
        if (lean === text) throw new Error(`${path} looks for FormData in another way now: mend leanAxios`);
        return { contents: lean };
      });
      onLoad({ filter: /[\\/]axios[\\/]lib[\\/]adapters[\\/]fetch\.js$/ }, () => ({
        contents: 'export const getFetch = () => undefined;',
      }));
    },
  };
}

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

#!/usr/bin/env node
// Starts the program beside it with the code cache that the build made: compiling the bundle is most of what a
// short command would otherwise do. A cache of another Node version is refused by V8 and costs nothing but time.
const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const { Script } = require('node:vm');

// esbuild writes ASCII, which latin1 reads without a look at every byte.
const filename = join(__dirname, 'program.cjs');
const wrapped = `(function (exports, require, module, __filename, __dirname) {${readFileSync(filename, 'latin1')}\n})`;
const program = { exports: {} };
new Script(wrapped, { filename, cachedData: cacheOf(`${filename}.cache`) }).runInThisContext()(
  program.exports,
  require,
  program,
  filename,
  __dirname,
);

function cacheOf(path) {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}

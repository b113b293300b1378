#!/usr/bin/env node
// Starts the program beside it with a code cache that the build made: compiling the program is most of what a
// short command would otherwise do. A cache of another Node version is refused by V8 and costs nothing but time.
const { readFileSync } = require('node:fs');
const { join } = require('node:path');
const { Script } = require('node:vm');

const [, , first = 'help', ...more] = process.argv;
// What only tells of the program needs little of it, and a small cache is faster. The choice changes nothing else.
const isHelp =
  /^(help|version|--version|-V)$/.test(first) || [first, ...more].some((arg) => /^(--help|-h)$/.test(arg));
const filename = join(__dirname, 'program.cjs');
const program = { exports: {} };
// esbuild writes ASCII, which latin1 reads without a look at every byte.
new Script(readFileSync(filename, 'latin1'), {
  filename,
  cachedData: cacheOf(`${filename}${isHelp ? '.help' : ''}.cache`),
}).runInThisContext()(program.exports, require, program, filename, __dirname);

function cacheOf(path) {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}

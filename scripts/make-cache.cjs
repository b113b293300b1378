// node make-cache.cjs PROGRAM CACHE ARG...: runs the program once and keeps what V8 compiled for it in CACHE.
const { readFileSync, writeFileSync } = require('node:fs');
const { dirname } = require('node:path');
const { Script } = require('node:vm');

const [, , filename, cache, ...args] = process.argv;
process.argv = [process.argv[0], filename, ...args];
process.stdout.write = () => true;
const script = new Script(readFileSync(filename, 'latin1'), { filename });
process.on('exit', () => writeFileSync(cache, script.createCachedData()));
const program = { exports: {} };
script.runInThisContext()(program.exports, require, program, filename, dirname(filename));

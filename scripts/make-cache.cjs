// node make-cache.cjs PROGRAM ARG...: runs the program once and keeps what V8 compiled for it, in PROGRAM.cache.
const { readFileSync, writeFileSync } = require('node:fs');
const { dirname } = require('node:path');
const { Script } = require('node:vm');

const [, , filename, ...args] = process.argv;
process.argv = [process.argv[0], filename, ...args];
process.stdout.write = () => true;
const wrapped = `(function (exports, require, module, __filename, __dirname) {${readFileSync(filename, 'latin1')}\n})`;
const script = new Script(wrapped, { filename });
process.on('exit', () => writeFileSync(`${filename}.cache`, script.createCachedData()));
const program = { exports: {} };
script.runInThisContext()(program.exports, require, program, filename, dirname(filename));

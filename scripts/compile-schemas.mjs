/**
 * Compiles schemas/*.schema.json into one plain module, so that the program neither loads ajv nor compiles
 * anything when it starts. What ajv emits requires its own runtime and the formats; esbuild folds them in, so
 * the module imports nothing, whoever loads it (tsx, esbuild, Node).
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import Ajv2020 from 'ajv/dist/2020.js';
import standalone from 'ajv/dist/standalone/index.js';
import addFormats from 'ajv-formats';
import { buildSync } from 'esbuild';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const out = join(root, 'src', 'manifest', 'validators.generated');
const schemas = {
  validateRestoreSet: read('restore-set'),
  validateConfig: read('config'),
};

// `verbose` puts the violated schema into each error: its title and examples are the words of the message.
const ajv = new Ajv2020({
  allErrors: true,
  verbose: true,
  strict: true,
  strictRequired: false, // oneOf/anyOf over `required` name properties that are declared one level up
  strictTypes: false, // the same for `type`
  code: { source: true, esm: true },
  schemas: Object.values(schemas),
});
addFormats(ajv, ['date-time']);
// For editors; the pattern beside it says more, and each check of a hundred thousand takes its time.
ajv.addFormat('uuid', true);

const source = linear(standalone(ajv, ids(schemas)));
const { outputFiles, metafile } = buildSync({
  stdin: { contents: source, resolveDir: root },
  bundle: true,
  format: 'esm',
  platform: 'neutral',
  mainFields: ['main'],
  banner: { js: '// Made by scripts/compile-schemas.mjs from schemas/; do not edit.' },
  write: false,
  metafile: true,
});

/** What of others is in the module. */
export { metafile };

writeFileSync(`${out}.js`, outputFiles[0].contents);
writeFileSync(
  `${out}.d.ts`,
  `// Made by scripts/compile-schemas.mjs from schemas/; do not edit.
import type { ValidateFunction } from 'ajv';
${Object.keys(schemas)
  .map((name) => `export declare const ${name}: ValidateFunction;\n`)
  .join('')}`,
);

/**
 * ajv copies all errors so far for every item that has some of its own: ten thousand bad restores took a second,
 * a hundred thousand two minutes.
 */
function linear(code) {
  const joining = /(\w+) = \1 === null \? (\w+)\.errors : \1\.concat\(\2\.errors\)/g;
  const mended = code.replace(joining, '$1 = joined($1, $2.errors)');
  if (mended === code || mended.includes('.concat('))
    throw new Error('ajv joins errors in another way by now');
  return `${mended}
function joined(all, more) {
  if (all === null) return more;
  for (const one of more) all.push(one);
  return all;
}
`;
}

function read(name) {
  return JSON.parse(readFileSync(join(root, 'schemas', `${name}.schema.json`), 'utf8'));
}

function ids(byName) {
  return Object.fromEntries(Object.entries(byName).map(([name, schema]) => [name, schema.$id]));
}

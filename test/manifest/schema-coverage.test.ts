import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ValidateFunction } from 'ajv';
import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { expect } from 'chai';
import { runSync } from '../../src/domain/chunked-work.ts';
import { checkSchema } from '../../src/manifest/check-document.ts';
import { readDocuments, type SourceDocument } from '../../src/manifest/documents.ts';
import { wholeAllowance } from '../../src/manifest/limits.ts';
import { SourceText } from '../../src/manifest/source.ts';
import { BAD_CONFIGS, BAD_MANIFESTS } from './bad-inputs.ts';
import { EXAMPLES, exampleNames, spot, words } from './helpers.ts';

/**
 * Takes every keyword out of every schema, one at a time, and looks whether the tables of bad inputs notice. A
 * keyword that none of them notices is a check that could get lost without a red test.
 */

type Schema = Readonly<Record<string, unknown>>;
type Step = string | number;

/** Words for people and containers; they check nothing themselves. */
const NO_CHECK = new Set([
  ...['$schema', '$id', '$comment', '$defs', 'title', 'description', 'examples', 'default', 'properties'],
  // A stricter pattern stands beside it; editors know the format and not the pattern.
  'format: uuid',
]);

/** `['$defs', 'uuid', 'pattern']`; each name of `required` is a check of its own. */
function* checks(schema: unknown, path: readonly Step[] = []): Generator<readonly Step[]> {
  if (typeof schema !== 'object' || schema === null || Array.isArray(schema)) return;
  for (const [keyword, value] of Object.entries(schema)) {
    if (keyword === 'examples') continue;
    const here = [...path, keyword];
    if (keyword === 'required' && Array.isArray(value)) for (const n of value.keys()) yield [...here, n];
    else if (!NO_CHECK.has(keyword) && !NO_CHECK.has(`${keyword}: ${value}`)) yield here;
    if (keyword === 'properties' || keyword === '$defs')
      for (const [name, below] of Object.entries(value as Schema)) yield* checks(below, [...here, name]);
    else if (Array.isArray(value))
      for (const [n, below] of value.entries()) yield* checks(below, [...here, n]);
    else yield* checks(value, here);
  }
}

/** A copy without what stands at the path. */
function without(schema: unknown, [step, ...rest]: readonly Step[]): unknown {
  if (Array.isArray(schema))
    return schema.flatMap((below, n) =>
      n !== step ? [below] : rest.length > 0 ? [without(below, rest)] : [],
    );
  return Object.fromEntries(
    Object.entries(schema as Schema).flatMap(([name, below]) =>
      name !== step ? [[name, below]] : rest.length > 0 ? [[name, without(below, rest)]] : [],
    ),
  );
}

function compile(schema: unknown): ValidateFunction {
  // As scripts/compile-schemas.mjs does it; not strict, for what a keyword leaves behind may make no sense.
  const ajv = new Ajv2020.default({ allErrors: true, verbose: true, strict: false });
  addFormats.default(ajv, ['uuid', 'date-time']);
  return ajv.compile(schema as object);
}

/** What has another kind, or is no map at all, never meets the schema: `checkKind` says so before. */
function isHeldAgainst(kind: string, value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const given = (value as { kind?: unknown }).kind;
  return typeof given !== 'string' || given === kind;
}

function documentsOf(
  files: readonly (readonly [string, string | Uint8Array])[],
  kind: string,
): SourceDocument[] {
  return files
    .flatMap(([name, text]) =>
      typeof text === 'string'
        ? runSync(readDocuments(new SourceText(name, text), wholeAllowance())).documents
        : [],
    )
    .filter(({ value }) => isHeldAgainst(kind, value));
}

const MANIFESTS = Object.values(BAD_MANIFESTS)
  .flat()
  .flatMap(([, files]) =>
    documentsOf(typeof files === 'string' ? [['m.yaml', files]] : Object.entries(files), 'RestoreSet'),
  );
// Some keywords would refuse too much if they were lost.
const GOOD = exampleNames().map((name) => [name, readFileSync(join(EXAMPLES, name), 'utf8')] as const);
const CONFIGS = BAD_CONFIGS.flatMap(([, text]) => documentsOf([['c.yaml', text]], 'Config'));

for (const [name, documents] of [
  ['restore-set', [...MANIFESTS, ...documentsOf(GOOD, 'RestoreSet')]],
  ['config', [...CONFIGS, ...documentsOf(GOOD, 'Config')]],
] as const)
  describe(`${name}.schema.json`, () => {
    it('has a bad manifest for each keyword', () => {
      const file = join(import.meta.dirname, '..', '..', 'schemas', `${name}.schema.json`);
      const schema = JSON.parse(readFileSync(file, 'utf8')) as Schema;
      const said = (document: SourceDocument, validate: ValidateFunction) =>
        checkSchema(document, validate)
          .map((diagnostic) => `${spot(diagnostic)} ${words(diagnostic)}`)
          .join('\n');
      const whole = compile(schema);
      const before = documents.map((document) => said(document, whole));
      const keywords = [...checks(schema)]
        .map((path) => ({ path, name: path.join('/') }))
        // `checkKind` has made sure of a map.
        .filter((keyword) => keyword.name !== 'type');
      const unmissed = keywords.filter(({ path }) => {
        const validate = compile(without(schema, path));
        return documents.every((document, n) => said(document, validate) === before[n]);
      });
      expect(keywords.length).to.be.greaterThan(80);
      expect(unmissed.map((keyword) => keyword.name)).to.deep.equal([]);
    });
  });

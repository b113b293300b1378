import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { expect } from 'chai';
import { loadConfig } from '../../src/manifest/config-file.ts';
import { loadManifests } from '../../src/manifest/manifests.ts';
import { EXAMPLES, exampleNames } from './helpers.ts';

const root = join(import.meta.dirname, '..', '..');
const io = { cwd: EXAMPLES, stdin: nothing(), version: '0.1.0' };

describe('examples', () => {
  for (const name of exampleNames()) {
    it(`${name} is valid`, async () => {
      const isConfig = name.endsWith('vbsctl.yaml');
      const { diagnostics } = isConfig
        ? await loadConfig({ flag: name, manifests: [] }, io)
        : await loadManifests([name], io);
      expect(diagnostics).to.deep.equal([]);
    });
  }
});

describe('schemas', () => {
  for (const name of readdirSync(join(root, 'schemas'))) {
    const schema = JSON.parse(readFileSync(join(root, 'schemas', name), 'utf8')) as {
      examples: unknown[];
      $defs: Record<string, { examples?: unknown[] }>;
    };
    const ajv = new Ajv2020.default({ strict: true, strictRequired: false, strictTypes: false });
    addFormats.default(ajv);

    it(`${name} uses only keywords that have a message`, () => {
      expect(keywords(schema).filter((keyword) => !DESCRIBED.has(keyword))).to.deep.equal([]);
    });
    it(`${name} accepts its own examples`, () => {
      const validate = ajv.compile(schema);
      for (const example of schema.examples)
        expect(validate(example), ajv.errorsText(validate.errors)).to.equal(true);
    });
    for (const [form, { examples = [] }] of Object.entries(schema.$defs)) {
      it(`${name} accepts its examples of ${form}`, () => {
        const validate = ajv.compile({
          ...schema,
          $id: `test:${name}:${form}`,
          $ref: `#/$defs/${form}`,
          ...nothingElse,
        });
        for (const example of examples)
          expect(validate(example), ajv.errorsText(validate.errors)).to.equal(true);
      });
    }
  }
});

/** Keywords that `check.ts` has words for, and those that say nothing of their own. */
const DESCRIBED = new Set([
  ...['additionalProperties', 'anyOf', 'const', 'enum', 'format', 'maxItems', 'maxLength', 'maxProperties'],
  ...['maximum', 'minItems', 'minLength', 'minProperties', 'minimum', 'not', 'oneOf', 'pattern', 'required'],
  ...['type', 'uniqueItems', '$comment', '$defs', '$id', '$ref', '$schema', 'default', 'description', 'else'],
  ...['examples', 'if', 'items', 'properties', 'propertyNames', 'then', 'title'],
]);

/** Whose values are maps of schemas, and whose are no schemas at all. */
const MAPS = new Set(['properties', '$defs']);
const DATA = new Set(['const', 'enum', 'examples', 'default', 'required']);

function keywords(schema: unknown): string[] {
  if (Array.isArray(schema)) return schema.flatMap(keywords);
  if (typeof schema !== 'object' || schema === null) return [];
  return Object.entries(schema).flatMap(([keyword, value]) => {
    if (DATA.has(keyword)) return [keyword];
    return [
      keyword,
      ...(MAPS.has(keyword) ? Object.values(value as object).flatMap(keywords) : keywords(value)),
    ];
  });
}

/** Takes the top of a schema away, so that only its `$ref` counts. */
const nothingElse = {
  type: ['object', 'string'],
  required: [],
  properties: {},
  additionalProperties: true,
} as const;

async function* nothing(): AsyncGenerator<Uint8Array> {}

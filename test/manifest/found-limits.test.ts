import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { parseDuration } from '../../src/domain/duration.ts';
import { loadConfig } from '../../src/manifest/config-file.ts';
import { FOUND_LIMIT, FOUND_RULES } from '../../src/manifest/found-limits.ts';
import { EXAMPLES, spot, within, words } from './helpers.ts';

const HEAD = 'apiVersion: vbsctl.dev/v1\nkind: Config\n';

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly default?: unknown;
}
const SCHEMA = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../schemas/config.schema.json'), 'utf8'),
) as Schema;

function leaves(schema: Schema, path: readonly string[] = []): [key: string, schema: Schema][] {
  return schema.properties
    ? Object.entries(schema.properties).flatMap(([name, below]) => leaves(below, [...path, name]))
    : [[path.join('.'), schema]];
}

/** `a.b: value` as a document; `beside`: what the order of two settings asks for. */
function config(key: string, value: string | number, beside = ''): string {
  const [group, name] = key.split('.');
  return `${HEAD}${group}: {${name}: ${value}${beside}}\n`;
}

const found = (text: string) =>
  within({ 'vbsctl.yaml': text, 'restores.yaml': '' }, ({ io }) => loadConfig({ manifests: [] }, io));
const named = (text: string) =>
  within({ 'vbsctl.yaml': text, 'restores.yaml': '' }, ({ io }) =>
    loadConfig({ environment: 'vbsctl.yaml', manifests: [] }, io),
  );

describe('the rules for a found config', () => {
  it('exist for each key of the schema, and for no other', () => {
    expect(Object.keys(FOUND_RULES).sort()).to.deep.equal(
      leaves(SCHEMA)
        .map(([key]) => key)
        .sort(),
    );
  });

  it('allow the default of each key', async () => {
    for (const [key, schema] of leaves(SCHEMA)) {
      if (schema.default === undefined || !key.includes('.')) continue;
      const { diagnostics } = await found(config(key, JSON.stringify(schema.default)));
      expect(diagnostics, key).to.deep.equal([]);
    }
  });

  it('allow the example, which sets each default', async () => {
    const text = readFileSync(join(EXAMPLES, 'config/vbsctl.yaml'), 'utf8');
    expect((await found(text)).diagnostics).to.deep.equal([]);
  });

  /** [key, just allowed, just refused, what a second setting must be for the first to be in order] */
  const EDGES: readonly (readonly [string, string | number, string | number, string?])[] = [
    ['apply.parallelism', 1, 11],
    ['apply.parallelism', 10, 1000],
    ['apply.requests_per_second', 20, 20.5],
    ['apply.requests_per_second', 1, 0.9],
    ['apply.max_failures', 3, 4],
    ['apply.max_failures', 1, 0],
    ['retry.give_up_after', '15m', '901s'],
    ['retry.give_up_after', '1s', '30d'],
    ['retry.min_delay', '1s', '999ms'],
    ['retry.min_delay', '60s', '61s', ', max_delay: 61s'],
    ['retry.max_delay', '60s', '1d'],
    ['retry.max_retry_after', '5m', '299s'],
    ['retry.max_retry_after', '300s', '301s'],
    ['retry.settle', '120s', '119s'],
    ['retry.settle', '15m', '1d'],
    ['poll.min_interval', '2s', '1999ms'],
    ['poll.min_interval', '30s', '1h', ', max_interval: 1h'],
    ['poll.max_interval', '30s', '1h'],
    ['http.connect_timeout', '10s', '11s'],
    ['http.request_timeout', '60s', '59s'],
    ['http.request_timeout', '1m', '1h'],
    ['http.max_response_bytes', 33_554_432, 65_536],
    ['http.max_response_bytes', 33_554_432, 1_073_741_824],
    ['http.max_list_pages', 1_000, 1],
    ['http.max_list_bytes', 268_435_456, 268_435_457],
    ['http.max_run_bytes', 17_179_869_184, 65_536],
  ];

  for (const [key, allowed, refused, beside] of EDGES)
    it(`allow ${key}: ${allowed}, and refuse ${refused} unless the config is named`, async () => {
      expect((await found(config(key, allowed))).diagnostics).to.deep.equal([]);
      const text = config(key, refused, beside);
      expect((await named(text)).diagnostics).to.deep.equal([]);
      const { diagnostics } = await found(text);
      const [problem] = diagnostics.filter(({ summary }) => summary.startsWith(`${key} `));
      if (!problem) throw new Error(`${key} ${refused} was taken`);
      expect(problem.severity).to.equal('error');
      const at = text.split('\n')[2]?.indexOf(String(refused)) ?? -1;
      expect(spot(problem)).to.equal(`vbsctl.yaml:3:${at + 1} ${FOUND_LIMIT}`);
      expect(words(problem))
        .to.include(`not ${refused}: this config was found, and not named with --config`)
        .and.match(/The default is \S+/)
        .and.include('--config vbsctl.yaml')
        .and.include('VBSCTL_CONFIG');
    });

  it('have a test for each edge of each range', () => {
    const ranges = Object.entries(FOUND_RULES).filter(([, { kind }]) => kind === 'range');
    const tried = new Set(EDGES.map(([key]) => key));
    expect(ranges.map(([key]) => key).filter((key) => !tried.has(key))).to.deep.equal([]);
  });

  it('name the same default as the schema', () => {
    for (const [key, schema] of leaves(SCHEMA)) {
      const rule = FOUND_RULES[key];
      if (rule?.kind !== 'range') continue;
      const { default: standard } = schema;
      const written = typeof standard === 'string' ? parseDuration(standard) : standard;
      expect(rule.standard, key).to.equal(written);
    }
  });

  it('leave no number or time out, but those that SECURITY.md and docs/pull-requests.md name', () => {
    const unlimited = leaves(SCHEMA).filter(([key, { default: standard }]) => {
      const isAmount = typeof standard === 'number' || parseDuration(`${standard}`) !== undefined;
      return isAmount && FOUND_RULES[key]?.kind === 'any';
    });
    expect(unlimited.map(([key]) => key)).to.deep.equal(['apply.timeout']);
    for (const [file, sentence] of [
      ['SECURITY.md', 'Only `apply.timeout` can be longer'],
      ['docs/pull-requests.md', '`apply.timeout` may be any time'],
    ] as const)
      expect(readFileSync(join(import.meta.dirname, '../..', file), 'utf8')).to.include(sentence);
  });

  it('report all violations at once, and allow stricter values', async () => {
    const { diagnostics } = await found(
      `${HEAD}apply: {parallelism: 1000, max_failures: 1}\nretry: {settle: 1s, after_ambiguous: stop}\npolicy: {max_restores: 1}\n`,
    );
    expect(diagnostics.map(spot)).to.deep.equal([
      `vbsctl.yaml:3:22 ${FOUND_LIMIT}`,
      `vbsctl.yaml:4:17 ${FOUND_LIMIT}`,
    ]);
  });

  it('do not apply to a config below another one, of which only the policy is used', async () => {
    const { diagnostics, config } = await within(
      { 'vbsctl.yaml': HEAD, 'd/vbsctl.yaml': `${HEAD}retry: {settle: 1s}\n`, 'd/restores.yaml': '' },
      ({ io }) => loadConfig({ manifests: ['d'] }, io),
    );
    expect(diagnostics.map(spot)).to.deep.equal(['d/vbsctl.yaml config-ignored']);
    expect(config.retry.settle_ms).to.equal(120_000);
  });

  it('apply to a config that was found on the path to the manifests', async () => {
    const { diagnostics } = await within(
      { 'd/vbsctl.yaml': `${HEAD}retry: {settle: 1s}\n`, 'd/restores.yaml': '' },
      ({ io }) => loadConfig({ manifests: ['d'] }, io),
    );
    expect(diagnostics.map(spot)).to.deep.equal([`d/vbsctl.yaml:3:17 ${FOUND_LIMIT}`]);
    expect(words(diagnostics[0] ?? { severity: 'note', code: '', summary: '' })).to.include(
      '--config d/vbsctl.yaml',
    );
  });
});

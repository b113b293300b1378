import { expect } from 'chai';
import { isObject } from '../../../src/domain/shape.ts';
import {
  type Catalog,
  type EndpointFilter,
  findEvs,
  findVbs,
  joinNames,
  parseCatalog,
  regionsOf,
  serviceRoot,
} from '../../../src/drivers/auth/catalog.ts';
import { recordedBody } from '../answers.ts';

const P = '0e8396c4fa5d47829b8617b61c685475';
const filter = (more: Partial<EndpointFilter> = {}): EndpointFilter => ({
  region: 'eu-de',
  interface: 'public',
  projectId: P,
  overrides: new Map(),
  ...more,
});
const service = (type: string, url: string, more: { region?: string; interface?: string } = {}) => ({
  type,
  endpoints: [{ url, region: more.region ?? 'eu-de', interface: more.interface ?? 'public' }],
});
const root = (pick: ReturnType<typeof findVbs>) => (pick.kind === 'found' ? pick.root.url : pick.kind);

describe('service roots', () => {
  const rows: [string, string, string | undefined][] = [
    ['https://vbs.example/v2/PROJECT', 'https://vbs.example', 'v2'],
    ['https://vbs.example/v2/$(tenant_id)s', 'https://vbs.example', 'v2'],
    ['https://vbs.example/v2/$(project_id)s/', 'https://vbs.example', 'v2'],
    ['https://vbs.example/v2/%(project_id)s', 'https://vbs.example', 'v2'],
    ['https://vbs.example/v2/%(tenant_id)s', 'https://vbs.example', 'v2'],
    ['https://vbs.example/v2', 'https://vbs.example', 'v2'],
    ['https://vbs.example/', 'https://vbs.example', undefined],
    ['https://vbs.example', 'https://vbs.example', undefined],
    ['http://127.0.0.1:8776/v3/PROJECT', 'http://127.0.0.1:8776', 'v3'],
    ['https://cloud.example/volume/v3/PROJECT', 'https://cloud.example/volume', 'v3'],
    ['https://cloud.example/volume/PROJECT', 'https://cloud.example/volume', undefined],
  ];
  for (const [url, expected, version] of rows)
    it(`of ${url}`, () => {
      expect(serviceRoot(url.replace('PROJECT', P), P)).to.deep.equal({
        url: expected,
        ...(version === undefined ? {} : { version }),
      });
    });
  for (const url of ['', 'vbs.example/v2', 'ftp://vbs.example', 'file:///etc/passwd'])
    it(`none of "${url}"`, () => {
      expect(serviceRoot(url, P)).to.equal(undefined);
    });
});

describe('the backup service in the catalog', () => {
  const rows: [string, Catalog, Partial<EndpointFilter>, string][] = [
    ['is vbsv2', [service('vbsv2', 'https://vbs.a/v2')], {}, 'https://vbs.a'],
    ['is vbs', [service('vbs', 'https://vbs.a/v2')], {}, 'https://vbs.a'],
    [
      'is vbsv2 before vbs, whatever their order',
      [service('vbs', 'https://one.a'), service('vbsv2', 'https://two.a')],
      {},
      'https://two.a',
    ],
    [
      'stands beside the disks where none is listed',
      [service('volumev2', 'https://evs.eu-de.otc.t-systems.com/v2/$(tenant_id)s')],
      {},
      'https://vbs.eu-de.otc.t-systems.com',
    ],
    [
      'stands beside evs, too',
      [service('evs', 'https://evs.eu-nl.otc.t-systems.com/v2')],
      {},
      'https://vbs.eu-nl.otc.t-systems.com',
    ],
    [
      'is found by exchanging the label alone',
      [service('volumev2', 'https://evs.evs.otc.t-systems.com/evs/v2')],
      {},
      'https://vbs.evs.otc.t-systems.com/evs',
    ],
    [
      'is taken of the region asked for',
      [service('vbsv2', 'https://nl.a', { region: 'eu-nl' }), service('vbsv2', 'https://de.a')],
      {},
      'https://de.a',
    ],
    ['is missing in another region', [service('vbsv2', 'https://nl.a', { region: 'eu-nl' })], {}, 'missing'],
    [
      'is taken of the interface asked for',
      [service('vbsv2', 'https://public.a'), service('vbsv2', 'https://in.a', { interface: 'internal' })],
      { interface: 'internal' },
      'https://in.a',
    ],
    [
      'is overridden by the settings',
      [service('vbsv2', 'https://vbs.a')],
      { overrides: new Map([['vbs', 'https://mine.a/v2']]) },
      'https://mine.a',
    ],
    ['is missing in an empty catalog', [], {}, 'missing'],
  ];
  for (const [name, catalog, more, expected] of rows)
    it(name, () => {
      expect(root(findVbs(catalog, filter(more)))).to.equal(expected);
    });

  for (const url of [
    'https://evs.shop.example/v2',
    'https://x.evs.otc.t-systems.com/v2',
    'https://evsphere.otc.t-systems.com/v2',
    'https://evs.otc.t-systems.com.example/v2',
    'https://evs.notc.t-systems.com/v2',
    'https://evs.otc.t-systems.com/v2',
  ])
    it(`is not derived from ${url}`, () => {
      expect(root(findVbs([service('volumev2', url)], filter()))).to.equal('missing');
    });

  it('tells what is there instead', () => {
    const catalog = [service('vbsv2', 'https://nl.a', { region: 'eu-nl' }), service('image', 'https://i.a')];
    expect(findVbs(catalog, filter())).to.deep.equal({
      kind: 'missing',
      types: ['vbsv2', 'vbs', 'volumev2', 'evs'],
      has: ['vbsv2 (public, region eu-nl)'],
      regions: ['eu-nl'],
      interfaces: [],
    });
  });
});

describe('the disk service in the catalog', () => {
  for (const type of ['volumev2', 'volumev3', 'block-storage', 'volume', 'evs'])
    it(`is ${type}`, () => {
      expect(root(findEvs([service(type, 'https://evs.a/v2')], filter()))).to.equal('https://evs.a');
    });
  for (const key of ['evs', 'volume', 'volumev2', 'volumev3', 'block_storage'])
    it(`is overridden by ${key}_endpoint_override`, () => {
      const overrides = new Map([[key, 'https://mine.a/v3']]);
      expect(findEvs([service('volumev2', 'https://evs.a')], filter({ overrides }))).to.deep.equal({
        kind: 'found',
        root: { url: 'https://mine.a', version: 'v3' },
      });
    });
});

describe('a recorded catalog', () => {
  const { token } = recordedBody('keystone-token-password');
  const catalog = parseCatalog(isObject(token) ? token.catalog : undefined);

  it('shows the disk service', () => {
    expect(regionsOf(catalog)).to.deep.equal(['RegionOne']);
    expect(findEvs(catalog, filter({ region: 'RegionOne' })).kind).to.equal('found');
  });

  it('is told in a few words, however many it has', () => {
    expect(joinNames(['a', 'b'])).to.equal('a, b');
    expect(joinNames(['a', 'b'], ' or ')).to.equal('a or b');
    const many = Array.from({ length: 100_000 }, () => `\u001b[31m${'x'.repeat(1_000)}\n`);
    expect(joinNames(many)).to.match(/^[x…, ]{1,2000} and 99980 more$/);
  });

  it('of another shape is an empty one', () => {
    expect(parseCatalog(undefined)).to.deep.equal([]);
    expect(parseCatalog([{ type: 7 }, null, 'x'])).to.deep.equal([]);
    expect(parseCatalog([{ type: 'vbs', endpoints: [{ url: 1 }, {}] }])).to.deep.equal([
      { type: 'vbs', endpoints: [] },
    ]);
  });
});

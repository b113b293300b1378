import { expect } from 'chai';
import { loadConfig } from '../../src/manifest/config-file.ts';
import { spot, within, words } from './helpers.ts';

const HEAD = 'apiVersion: vbsctl.dev/v1\nkind: Config\n';
const load = (text: string, version: string) =>
  within({ 'c.yaml': HEAD + text }, ({ io }) =>
    loadConfig({ flag: 'c.yaml', manifests: [] }, { ...io, version }),
  );

describe('required_version', () => {
  for (const [range, version] of [
    ['>=0.1.0', '0.1.0'],
    ['>=0.1.0 <1.0.0', '0.9.3'],
    ['>= 0.1, < 1.0', '0.9.3'],
    ['^1.2.0', '1.9.0'],
    ['~1.2', '1.2.7'],
    ['1.x || 2.x', '2.0.1'],
    ['>=0.2.0', '0.3.0-rc.1'],
  ] as const)
    it(`accepts ${version} with ${range}`, async () => {
      expect((await load(`required_version: "${range}"\n`, version)).diagnostics).to.deep.equal([]);
    });

  for (const [range, version] of [
    ['>=0.2.0', '0.1.0'],
    ['<1', '1.0.0'],
    ['^1.2.0', '2.0.0'],
  ] as const)
    it(`refuses ${version} with ${range}, and names both`, async () => {
      const [problem] = (await load(`required_version: "${range}"\n`, version)).diagnostics;
      expect(problem && spot(problem)).to.equal('c.yaml:3:19 required-version');
      expect(problem && words(problem))
        .to.include(range)
        .and.include(`vbsctl ${version}`);
    });

  it('is checked before keys that only a newer version knows', async () => {
    const { diagnostics } = await load('required_version: ">=2"\nnew_key: 1\n', '1.0.0');
    expect(diagnostics.map(({ code }) => code)).to.deep.equal(['required-version']);
  });

  it('refuses the operator ~>, which means something else in Terraform', async () => {
    for (const range of ['soon', '~> 1.2', '>=1.2.3.4'])
      expect((await load(`required_version: "${range}"\n`, '1.2.3')).diagnostics[0]).to.include({
        code: 'version-range',
      });
    expect((await load('required_version: 1\n', '1.2.3')).diagnostics[0]?.code).to.not.equal(undefined);
  });

  it('is also checked in a config beside the manifests', async () => {
    const files = {
      'ops/vbsctl.yaml': HEAD,
      'pr/vbsctl.yaml': `${HEAD}required_version: ">=9"\n`,
      'pr/m.yaml': '',
    };
    const { diagnostics } = await within(files, ({ io }) =>
      loadConfig({ flag: 'ops/vbsctl.yaml', manifests: ['pr/m.yaml'] }, io),
    );
    expect(diagnostics.map(({ code }) => code)).to.deep.equal(['required-version']);
  });
});

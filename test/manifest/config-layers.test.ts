import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { loadConfig } from '../../src/manifest/config-file.ts';
import { spot, within, words } from './helpers.ts';

const HEAD = 'apiVersion: vbsctl.dev/v1\nkind: Config\n';
const OPERATOR = `${HEAD}state: /srv/state.json\ncloud: prod\npolicy: {max_restores: 5}\n`;

function load(
  files: { readonly [name: string]: string },
  manifests: readonly string[] = ['repo/restores.yaml'],
) {
  return within(files, ({ io }) => loadConfig({ environment: 'ops/vbsctl.yaml', manifests }, io));
}

describe('a config beside the manifests of a named one', () => {
  it('cannot set the state or the cloud, or loosen the policy, and a warning says so', async () => {
    const { config, path, diagnostics } = await load({
      'ops/vbsctl.yaml': OPERATOR,
      'repo/vbsctl.yaml': `${HEAD}state: mine.json\ncloud: evil\nhttp: {request_timeout: 1m}\npolicy: {max_restores: 500}\n`,
    });
    expect(path).to.equal('ops/vbsctl.yaml');
    expect(config).to.include({ state: '/srv/state.json', cloud: 'prod' });
    expect(config.policy.max_restores).to.equal(5);
    expect(diagnostics.map(({ severity }) => severity)).to.deep.equal(['note', 'note']);
    const told = diagnostics.map(words).join('\n');
    expect(told)
      .to.include('state, cloud, http')
      .and.include('policy.max_restores 500 of this file is ignored: it would loosen 5');
  });

  it('can tighten the policy, and a note says so', async () => {
    const { config, diagnostics } = await load({
      'ops/vbsctl.yaml': OPERATOR,
      'repo/vbsctl.yaml': `${HEAD}policy: {max_restores: 2, require_labels: [ticket]}\n`,
    });
    expect(diagnostics.map(spot)).to.deep.equal(['repo/vbsctl.yaml config-nested']);
    expect(diagnostics.map(words).join()).to.include('tighter than that of ops/vbsctl.yaml');
    expect(config.policy).to.deep.equal({
      max_restores: 2,
      protected_volumes: [],
      require_labels: ['ticket'],
    });
  });

  it('is looked for beside the manifests that the named one lists', async () => {
    const { config } = await load(
      {
        'ops/vbsctl.yaml': `${OPERATOR}manifests: [../repo/restores.yaml]\n`,
        'repo/vbsctl.yaml': `${HEAD}policy: {max_restores: 2}\n`,
      },
      [],
    );
    expect(config.policy.max_restores).to.equal(2);
  });

  it('stops the command if it is invalid', async () => {
    const { diagnostics } = await load({
      'ops/vbsctl.yaml': OPERATOR,
      'repo/vbsctl.yaml': `${HEAD}policy: {max_restors: 2}\n`,
    });
    expect(diagnostics.map(spot)).to.deep.equal(['repo/vbsctl.yaml:3:10 unknown-key']);
  });

  it('is read once if it is the named one', async () => {
    const { diagnostics } = await load({ 'ops/vbsctl.yaml': OPERATOR }, ['ops/restores.yaml']);
    expect(diagnostics).to.deep.equal([]);
  });

  it('may lie behind a link of the operator, but not behind one of a pull request', async () => {
    const files = { 'etc/real.yaml': OPERATOR, 'home/.netrc': 'hunter2: 1\n', 'repo/restores.yaml': '' };
    await within(files, async ({ io, path }) => {
      mkdirSync(join(path, 'ops'));
      symlinkSync('../etc/real.yaml', join(path, 'ops/vbsctl.yaml'));
      const search = { environment: '../ops/vbsctl.yaml', manifests: ['restores.yaml'] };
      const checkout = { ...io, cwd: join(path, 'repo') };
      expect((await loadConfig(search, checkout)).config.cloud).to.equal('prod');
      symlinkSync('../home/.netrc', join(path, 'repo/vbsctl.yaml'));
      const { diagnostics } = await loadConfig(search, checkout);
      expect(diagnostics.map(spot)).to.deep.equal(['vbsctl.yaml link-leads-out']);
    });
  });
});

describe('a config below one that was found', () => {
  const files = {
    'vbsctl.yaml': `${HEAD}policy: {protected_volumes: [prod-*], max_restores: 5}\n`,
    'restores/vbsctl.yaml': HEAD,
    'restores/night/vbsctl.yaml': `${HEAD}state: mine.json\npolicy: {max_restores: 50, require_labels: [ticket]}\n`,
    'restores/night/a.yaml': '',
    'restores/.hidden/vbsctl.yaml': `${HEAD}policy: {max_restores: 1}\n`,
    'restores.yaml': '',
  };
  const tight = { protected_volumes: ['prod-*'], max_restores: 5, require_labels: ['ticket'] };
  const cases: readonly (readonly [string, readonly string[], object])[] = [
    ['of a directory that is named', ['restores'], tight],
    ['of a directory further down', ['restores/night'], tight],
    ['of a file', ['restores/night/a.yaml'], tight],
    ['of a file by another way', ['./restores/../restores/night/a.yaml'], tight],
    ['of one of several', ['restores.yaml', 'restores/night/a.yaml'], tight],
    ['of the working directory', ['.'], tight],
    ['on standard input', ['-'], { protected_volumes: ['prod-*'], max_restores: 5 }],
    ['by default', [], { ...tight }],
  ];
  for (const [what, manifests, policy] of cases)
    it(`only tightens the policy, with manifests ${what}`, async () => {
      const all =
        what === 'by default'
          ? Object.entries(files).filter(([name]) => name !== 'restores.yaml')
          : Object.entries(files);
      const loaded = await within(Object.fromEntries(all), ({ io }) => loadConfig({ manifests }, io));
      expect(loaded.path).to.equal('vbsctl.yaml');
      expect(loaded.config.policy).to.deep.equal(policy);
      expect(loaded.config.state).to.equal(undefined);
      expect(loaded.diagnostics.every(({ severity }) => severity === 'note')).to.equal(true);
      if ('require_labels' in policy)
        expect(loaded.diagnostics.map(spot)).to.deep.equal([
          'restores/vbsctl.yaml config-nested',
          'restores/night/vbsctl.yaml config-ignored',
          'restores/night/vbsctl.yaml policy-not-loosened',
        ]);
    });

  it('also tightens the policy if there is no config above it', async () => {
    const only = {
      'restores/night/vbsctl.yaml': `${HEAD}policy: {max_restores: 1}\n`,
      'restores/night/a.yaml': '',
    };
    for (const manifests of [[], ['.'], ['restores/night'], ['restores/night/a.yaml']])
      expect(
        (await within(only, ({ io }) => loadConfig({ manifests }, io))).config.policy.max_restores,
        manifests.join(),
      ).to.equal(1);
  });

  it('is refused above a hundred configs, or above a megabyte', async () => {
    const many = Object.fromEntries(Array.from({ length: 101 }, (_, n) => [`d/${n}/vbsctl.yaml`, HEAD]));
    const crowd = await within(many, ({ io }) => loadConfig({ manifests: ['d'] }, io));
    expect(crowd.diagnostics.map(spot)).to.deep.equal([' too-many-configs']);
    const long = { 'vbsctl.yaml': HEAD, 'd/vbsctl.yaml': `${HEAD}#${' '.repeat(1024 * 1024)}` };
    const { diagnostics } = await within(long, ({ io }) => loadConfig({ manifests: ['d'] }, io));
    expect(diagnostics.map(spot)).to.deep.equal(['d/vbsctl.yaml too-large']);
    expect(diagnostics[0]?.summary).to.equal('this file is larger than 1 MiB');
  });

  it('is read through a link within the checkout, and refused through a link out of it', async () => {
    await within({ ...files, 'home/other.yaml': `${HEAD}policy: {}\n` }, async ({ io, path }) => {
      symlinkSync('restores/night', join(path, 'link'));
      const { config } = await loadConfig({ manifests: ['link'] }, io);
      expect(config.policy.require_labels).to.deep.equal(['ticket']);
      mkdirSync(join(path, 'repo/d'), { recursive: true });
      symlinkSync('../../home/other.yaml', join(path, 'repo/d/vbsctl.yaml'));
      symlinkSync('/dev/stdin', join(path, 'repo/vbsctl.yaml'));
      const checkout = { ...io, cwd: join(path, 'repo') };
      expect((await loadConfig({ manifests: ['d'] }, checkout)).diagnostics.map(spot)).to.deep.equal([
        'vbsctl.yaml link-leads-out',
      ]);
      const named = await loadConfig({ flag: '../vbsctl.yaml', manifests: ['d'] }, checkout);
      expect(named.diagnostics.map(spot)).to.deep.equal([
        'vbsctl.yaml link-leads-out',
        'd/vbsctl.yaml link-leads-out',
      ]);
    });
  });
});

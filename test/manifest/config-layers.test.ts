import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { loadConfig } from '../../src/manifest/index.ts';
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
  it('cannot move the state, choose the cloud or loosen the policy, and that is said', async () => {
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

  it('can tighten the policy, without a word', async () => {
    const { config, diagnostics } = await load({
      'ops/vbsctl.yaml': OPERATOR,
      'repo/vbsctl.yaml': `${HEAD}policy: {max_restores: 2, require_labels: [ticket]}\n`,
    });
    expect(diagnostics).to.deep.equal([]);
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

  it('stops everything when it is wrong', async () => {
    const { diagnostics } = await load({
      'ops/vbsctl.yaml': OPERATOR,
      'repo/vbsctl.yaml': `${HEAD}policy: {max_restors: 2}\n`,
    });
    expect(diagnostics.map(spot)).to.deep.equal(['repo/vbsctl.yaml:3:10 unknown-key']);
  });

  it('is no second one when it is the named one itself', async () => {
    const { diagnostics } = await load({ 'ops/vbsctl.yaml': OPERATOR }, ['ops/restores.yaml']);
    expect(diagnostics).to.deep.equal([]);
  });

  it('may be a link of the operator, and not one of the pull request', async () => {
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

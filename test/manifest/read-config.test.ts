import { expect } from 'chai';
import { DEFAULT_CONFIG } from '../../src/domain/config.ts';
import { loadConfig } from '../../src/manifest/config-file.ts';
import { BAD_CONFIGS } from './bad-inputs.ts';
import { spot, within, words } from './helpers.ts';

const HEAD = 'apiVersion: vbsctl.dev/v1\nkind: Config\n';
const load = (text: string) =>
  within({ 'c.yaml': text }, ({ io }) => loadConfig({ flag: 'c.yaml', manifests: [] }, io));

describe('a config', () => {
  it('has the defaults for missing keys', async () => {
    expect(await load(HEAD)).to.deep.equal({
      path: 'c.yaml',
      named: true,
      config: DEFAULT_CONFIG,
      diagnostics: [],
    });
  });

  it('accepts each key', async () => {
    const { config, diagnostics } = await load(`${HEAD}
cloud: otc-prod
api: auto
manifests: [a.yaml, b/]
state: s3://bucket/key
apply: {parallelism: 1, requests_per_second: 0.5, max_failures: 0, timeout: 1d}
retry: {give_up_after: 1h, min_delay: 250ms, max_delay: 2s, max_retry_after: 10m, settle: 5m, after_ambiguous: stop}
poll: {min_interval: 1s, max_interval: 1m}
http: {connect_timeout: 5s, request_timeout: 30s, max_response_bytes: 65536, max_list_pages: 5, max_list_bytes: 65537, max_run_bytes: 65538}
policy: {max_restores: 50, max_backup_age: 30d, protected_volumes: [prod-*], require_labels: [ticket], require_expect: true, require_valid_until: true, require_signed_plans: true, allowed_sets: [pay]}
`);
    expect(diagnostics).to.deep.equal([]);
    expect(config).to.deep.equal({
      cloud: 'otc-prod',
      api: 'auto',
      manifests: ['a.yaml', 'b/'],
      state: 's3://bucket/key',
      apply: { parallelism: 1, requests_per_second: 0.5, max_failures: 0, timeout_ms: 86_400_000 },
      retry: {
        give_up_after_ms: 3_600_000,
        min_delay_ms: 250,
        max_delay_ms: 2_000,
        max_retry_after_ms: 600_000,
        settle_ms: 300_000,
        after_ambiguous: 'stop',
      },
      poll: { min_interval_ms: 1_000, max_interval_ms: 60_000 },
      http: {
        connect_timeout_ms: 5_000,
        request_timeout_ms: 30_000,
        max_response_bytes: 65_536,
        max_list_pages: 5,
        max_list_bytes: 65_537,
        max_run_bytes: 65_538,
      },
      policy: {
        max_restores: 50,
        max_backup_age_ms: 2_592_000_000,
        protected_volumes: ['prod-*'],
        require_labels: ['ticket'],
        require_expect: true,
        require_valid_until: true,
        require_signed_plans: true,
        allowed_sets: ['pay'],
      },
    });
  });

  for (const [what, text, ...expected] of BAD_CONFIGS) {
    it(`refuses ${what}`, async () => {
      const { config, diagnostics } = await load(text);
      expect(diagnostics.map(spot)).to.deep.equal(expected.map(([place]) => place));
      for (const [index, [, part]] of expected.entries()) {
        const found = diagnostics[index];
        expect(found && words(found)).to.contain(part);
        expect(found?.remedy ?? '').to.not.equal('');
      }
      expect(JSON.stringify(diagnostics)).to.not.contain('hunter2');
      if (what !== 'two documents') expect(config).to.deep.equal(DEFAULT_CONFIG);
    });
  }
});

describe('the config that is used', () => {
  const files = {
    'flag.yaml': `${HEAD}cloud: flag\n`,
    'env.yaml': `${HEAD}cloud: env\n`,
    'vbsctl.yaml': `${HEAD}cloud: here\n`,
    'm/vbsctl.yaml': `${HEAD}cloud: beside\n`,
    'm/a.yaml': '',
    'other/b.yaml': '',
  };
  const cases: readonly (readonly [string, Parameters<typeof loadConfig>[0], string, string])[] = [
    [
      'that of --config',
      { flag: 'flag.yaml', environment: 'env.yaml', manifests: ['m'] },
      'flag.yaml',
      'flag',
    ],
    ['otherwise that of VBSCTL_CONFIG', { environment: 'env.yaml', manifests: ['m'] }, 'env.yaml', 'env'],
    [
      'otherwise that of the working directory',
      { environment: '', manifests: ['other/b.yaml', '-'] },
      'vbsctl.yaml',
      'here',
    ],
    ['that of the working directory without manifests', { manifests: [] }, 'vbsctl.yaml', 'here'],
    [
      'that of the working directory rather than one beside a manifest',
      { manifests: ['m/a.yaml'] },
      'vbsctl.yaml',
      'here',
    ],
    [
      'that of the working directory rather than one in a directory of manifests',
      { manifests: ['m'] },
      'vbsctl.yaml',
      'here',
    ],
  ];
  for (const [what, search, path, cloud] of cases) {
    it(`is ${what}`, async () => {
      const loaded = await within(files, ({ io }) => loadConfig(search, io));
      expect(loaded.path).to.equal(path);
      expect(loaded.diagnostics.filter(({ severity }) => severity !== 'note')).to.deep.equal([]);
      expect(loaded.config.cloud).to.equal(cloud);
    });
  }

  it('has the defaults if there is no file', async () => {
    const loaded = await within({ 'a.yaml': '' }, ({ io }) => loadConfig({ manifests: ['a.yaml'] }, io));
    expect(loaded).to.deep.equal({ config: DEFAULT_CONFIG, named: false, diagnostics: [] });
  });
  it('is refused if the named file is missing or a directory', async () => {
    for (const [flag, expected] of [
      ['no.yaml', 'no.yaml missing-file'],
      ['m', 'm unreadable-file'],
    ] as const) {
      const { diagnostics } = await within(files, ({ io }) => loadConfig({ flag, manifests: [] }, io));
      expect(diagnostics.map(spot)).to.deep.equal([expected]);
    }
  });
  it('is the first one on the path to the manifests if there is none in the working directory', async () => {
    const below = {
      'n/vbsctl.yaml': `${HEAD}cloud: first\n`,
      'n/o/p/vbsctl.yaml': `${HEAD}cloud: second\n`,
      'n/o/p/a.yaml': '',
    };
    for (const manifest of ['n/o/p/a.yaml', 'n/o/p', './n/o/../o/p/']) {
      const loaded = await within(below, ({ io }) => loadConfig({ manifests: [manifest] }, io));
      expect(loaded.path, manifest).to.equal('n/vbsctl.yaml');
      expect(loaded.config.cloud).to.equal('first');
      expect(loaded.diagnostics.map(spot)).to.deep.equal(['n/o/p/vbsctl.yaml config-ignored']);
    }
  });
  it('is refused if there are two and neither is above the other', async () => {
    const apart = { 'm/vbsctl.yaml': HEAD, 'n/vbsctl.yaml': HEAD, 'm/a.yaml': '', 'n/b.yaml': '' };
    const search = { manifests: ['m/a.yaml', 'n', './m'] };
    const { diagnostics } = await within(apart, ({ io }) => loadConfig(search, io));
    expect(diagnostics.map(spot)).to.deep.equal(['n/vbsctl.yaml several-configs']);
    expect(diagnostics[0]?.remedy).to.contain('--config m/vbsctl.yaml');
    const elsewhere = { 'here/vbsctl.yaml': HEAD, 'n/vbsctl.yaml': HEAD, 'n/b.yaml': '' };
    const outside = await within(elsewhere, ({ io, path }) =>
      loadConfig({ manifests: ['../n/b.yaml'] }, { ...io, cwd: `${path}/here` }),
    );
    expect(outside.diagnostics.map(spot)).to.deep.equal(['../n/vbsctl.yaml several-configs']);
  });
  it('is not quoted in the message if the file is not a config', async () => {
    const secret = {
      'c.yaml': 'https://ci:hunter2@git.example\n',
      'd.yaml': 'machine x login y password hunter2: {\n',
    };
    for (const flag of Object.keys(secret)) {
      const { diagnostics } = await within(secret, ({ io }) => loadConfig({ flag, manifests: [] }, io));
      expect(diagnostics.map(spot)).to.deep.equal([`${flag} not-a-config`]);
      expect(JSON.stringify(diagnostics)).to.not.include('hunter2').and.not.include('git.example');
    }
  });
});

import { expect } from 'chai';
import { DEFAULT_CONFIG } from '../../src/domain/config.ts';
import { loadConfig } from '../../src/manifest/index.ts';
import { restore, set, spot, within, words } from './helpers.ts';

const HEAD = 'apiVersion: vbsctl.dev/v1\nkind: Config\n';
const load = (text: string) =>
  within({ 'c.yaml': text }, ({ io }) => loadConfig({ flag: 'c.yaml', manifests: [] }, io));

describe('config', () => {
  it('is the defaults where it is silent', async () => {
    expect(await load(HEAD)).to.deep.equal({ path: 'c.yaml', config: DEFAULT_CONFIG, diagnostics: [] });
  });

  it('takes every key', async () => {
    const { config, diagnostics } = await load(`${HEAD}
cloud: otc-prod
api: auto
manifests: [a.yaml, b/]
state: s3://bucket/key
apply: {parallelism: 1, requests_per_second: 0.5, max_failures: 0, timeout: 1d}
retry: {give_up_after: 1h, min_delay: 250ms, max_delay: 2s, settle: 5m, after_ambiguous: stop}
poll: {min_interval: 1s, max_interval: 1m}
http: {connect_timeout: 5s, request_timeout: 30s, max_response_bytes: 65536}
policy: {max_restores: 50, max_backup_age: 30d, protected_volumes: [prod-*], require_labels: [ticket], require_expect: true, require_valid_until: true, allowed_sets: [pay]}
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
        settle_ms: 300_000,
        after_ambiguous: 'stop',
      },
      poll: { min_interval_ms: 1_000, max_interval_ms: 60_000 },
      http: { connect_timeout_ms: 5_000, request_timeout_ms: 30_000, max_response_bytes: 65_536 },
      policy: {
        max_restores: 50,
        max_backup_age_ms: 2_592_000_000,
        protected_volumes: ['prod-*'],
        require_labels: ['ticket'],
        require_expect: true,
        require_valid_until: true,
        allowed_sets: ['pay'],
      },
    });
  });

  const bad: readonly (readonly [what: string, text: string, ...expected: (readonly [string, string])[]])[] =
    [
      ['a manifest', set(restore('db')), ['c.yaml:2:7 wrong-kind', '-f']],
      [
        'another version',
        'apiVersion: vbsctl.dev/v9\nkind: Config\n',
        ['c.yaml:1:13 unknown-version', 'vbsctl.dev/v1'],
      ],
      ['two documents', `${HEAD}---\n${HEAD}`, ['c.yaml:4:1 several-documents', 'one document']],
      ['nothing', '', ['c.yaml:1:1 empty-file', 'nothing']],
      ['an unknown key', `${HEAD}paralelism: 1\n`, ['c.yaml:3:1 unknown-key', 'Known here: apiVersion']],
      [
        'an unknown key further in',
        `${HEAD}apply: {paralelism: 1}\n`,
        ['c.yaml:3:9 unknown-key', 'did you mean parallelism?'],
      ],
      ['a secret', `${HEAD}password: hunter2\n`, ['c.yaml:3:1 unknown-key', 'password']],
      ['an unknown API', `${HEAD}api: cindr\n`, ['c.yaml:3:6 not-allowed', 'did you mean cinder?']],
      [
        'an unknown way',
        `${HEAD}retry: {after_ambiguous: ask}\n`,
        ['c.yaml:3:26 not-allowed', 'retry or stop'],
      ],
      ['an empty cloud', `${HEAD}cloud: ""\n`, ['c.yaml:3:8 out-of-range', '1 to 255']],
      [
        'too much parallelism',
        `${HEAD}apply: {parallelism: 1001}\n`,
        ['c.yaml:3:22 out-of-range', '1 to 1000'],
      ],
      [
        'no requests',
        `${HEAD}apply: {requests_per_second: 0}\n`,
        ['c.yaml:3:30 out-of-range', '0.1 to 1000'],
      ],
      [
        'a text for a number',
        `${HEAD}apply: {max_failures: many}\n`,
        ['c.yaml:3:23 wrong-type', 'whole number'],
      ],
      [
        'a number for a duration',
        `${HEAD}poll: {min_interval: 2}\n`,
        ['c.yaml:3:22 wrong-type', 'add the unit: 2s'],
      ],
      ['a settle of nothing', `${HEAD}retry: {settle: 0s}\n`, ['c.yaml:3:17 out-of-range', 'from 1s to 1d']],
      ['an endless age', `${HEAD}policy: {max_backup_age: 99999d}\n`, ['c.yaml:3:26 out-of-range', '36500d']],
      [
        'delays the wrong way round',
        `${HEAD}retry: {min_delay: 3s, max_delay: 2s}\n`,
        ['c.yaml:3:20 wrong-order', 'retry.min_delay'],
      ],
      [
        'a delay above the default',
        `${HEAD}poll:\n  min_interval: 1m\n`,
        ['c.yaml:4:17 wrong-order', 'default'],
      ],
      [
        'a limit below the default',
        `${HEAD}http: {request_timeout: 1s}\n`,
        ['c.yaml:3:25 wrong-order', 'default'],
      ],
      ['no manifests', `${HEAD}manifests: []\n`, ['c.yaml:3:12 too-few', 'remove the key']],
      [
        'a manifest twice',
        `${HEAD}manifests: [a, a]\n`,
        ['c.yaml:3:16 listed-twice', 'First at c.yaml:3:13'],
      ],
      [
        'a password in the state',
        `${HEAD}state: postgres://u:hunter2@h/db\n`,
        ['c.yaml:3:8 password-in-state', 'environment'],
      ],
      [
        'an answer without a limit',
        `${HEAD}http: {max_response_bytes: 1}\n`,
        ['c.yaml:3:28 out-of-range', '65536'],
      ],
    ];
  for (const [what, text, ...expected] of bad) {
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

describe('which config is meant', () => {
  const files = {
    'flag.yaml': `${HEAD}cloud: flag\n`,
    'env.yaml': `${HEAD}cloud: env\n`,
    'vbsctl.yaml': `${HEAD}cloud: here\n`,
    'm/vbsctl.yaml': `${HEAD}cloud: beside\n`,
    'm/a.yaml': '',
    'other/b.yaml': '',
  };
  const cases: readonly (readonly [string, Parameters<typeof loadConfig>[0], string, string])[] = [
    ['--config first', { flag: 'flag.yaml', environment: 'env.yaml', manifests: ['m'] }, 'flag.yaml', 'flag'],
    ['then VBSCTL_CONFIG', { environment: 'env.yaml', manifests: ['m'] }, 'env.yaml', 'env'],
    ['then beside a file', { environment: '', manifests: ['m/a.yaml'] }, 'm/vbsctl.yaml', 'beside'],
    ['or in the directory', { manifests: ['m'] }, 'm/vbsctl.yaml', 'beside'],
    ['then here', { manifests: ['other/b.yaml', '-'] }, 'vbsctl.yaml', 'here'],
    ['and here without manifests', { manifests: [] }, 'vbsctl.yaml', 'here'],
  ];
  for (const [what, search, path, cloud] of cases) {
    it(what, async () => {
      const loaded = await within(files, ({ io }) => loadConfig(search, io));
      expect(loaded.path).to.equal(path);
      expect(loaded.diagnostics.filter(({ severity }) => severity !== 'note')).to.deep.equal([]);
      expect(loaded.config.cloud).to.equal(cloud);
    });
  }

  it('the defaults when there is none', async () => {
    const loaded = await within({ 'a.yaml': '' }, ({ io }) => loadConfig({ manifests: ['a.yaml'] }, io));
    expect(loaded).to.deep.equal({ config: DEFAULT_CONFIG, diagnostics: [] });
  });
  it('an error when it was named and is not there, or is a directory', async () => {
    for (const [flag, expected] of [
      ['no.yaml', 'no.yaml missing-file'],
      ['m', 'm unreadable-file'],
    ] as const) {
      const { diagnostics } = await within(files, ({ io }) => loadConfig({ flag, manifests: [] }, io));
      expect(diagnostics.map(spot)).to.deep.equal([expected]);
    }
  });
  it('an error when two lie beside the manifests', async () => {
    const search = { manifests: ['m/a.yaml', 'x.yaml', './m'] };
    const { diagnostics } = await within(files, ({ io }) => loadConfig(search, io));
    expect(diagnostics.map(spot)).to.deep.equal(['vbsctl.yaml several-configs']);
    expect(diagnostics[0]?.remedy).to.contain('--config m/vbsctl.yaml');
  });
});

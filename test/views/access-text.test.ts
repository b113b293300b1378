import { expect } from 'chai';
import fc from 'fast-check';
import type { AccessReport, SettingsReport } from '../../src/domain/access-report.ts';
import { accessText, settingsText } from '../../src/views/access-text.ts';
import { at } from './fixtures.ts';
import { expectGolden, expectHarmless } from './golden.ts';

const SETTINGS: SettingsReport = {
  source: 'cloud otc of /home/ann/.config/openstack/clouds.yaml',
  chosen_by: 'named by OS_CLOUD',
  values: [
    { key: 'auth_type', value: 'password', secret: false, from: 'what is set' },
    {
      key: 'auth_url',
      value: 'https://iam.eu-de.otc.t-systems.com/v3',
      secret: false,
      from: 'auth.auth_url of profile otc, as openstacksdk has it',
    },
    { key: 'password', secret: true, from: 'auth.password of /home/ann/.config/openstack/secure.yaml' },
  ],
  unused: ['identity_api_version', 'OS_TENANT'],
  problems: [],
};

const REFUSED: AccessReport = {
  ok: false,
  steps: [
    {
      step: 'settings',
      outcome: 'warning',
      result: 'OS_* variables',
      diagnostics: [
        {
          severity: 'warning',
          code: 'insecure',
          summary: 'the certificate of the cloud is not checked',
          remedy: 'name the PEM file of its authority instead: OS_CACERT, or cacert in clouds.yaml',
        },
      ],
    },
    { step: 'connection', outcome: 'ok', result: 'reached https://iam.example', diagnostics: [] },
    {
      step: 'credentials',
      outcome: 'failed',
      result: 'https://iam.example refused the user name, password or project',
      diagnostics: [
        {
          severity: 'error',
          code: 'not-authenticated',
          summary: 'https://iam.example refused the user name, password or project',
          detail:
            'The request you have made requires authentication.; request id req-1; settings: OS_* variables',
          remedy:
            'check OS_USERNAME, OS_PASSWORD, OS_USER_DOMAIN_NAME and OS_PROJECT_NAME, or "auth:" in clouds.yaml',
        },
      ],
    },
    { step: 'project', outcome: 'skipped', result: 'not tried', diagnostics: [] },
    { step: 'clock', outcome: 'ok', result: 'agrees with the clock of the cloud', diagnostics: [] },
  ],
};

const TAKEN: AccessReport = {
  ok: true,
  target: { auth_url: 'https://iam.example', region: 'eu-de', project_id: 'p1', project_name: 'demo' },
  steps: [{ step: 'backups', outcome: 'ok', result: 'may be listed', diagnostics: [] }],
};

describe('the text of the access check', () => {
  it('matches the golden files for settings, a failed and a successful login', () => {
    expectGolden(
      'access',
      [80, 120]
        .flatMap((width) => [
          settingsText(SETTINGS, at(width)),
          accessText(REFUSED, at(width)),
          accessText(TAKEN, at(width)),
        ])
        .join('\n----\n'),
    );
  });

  it('says so when nothing is set', () => {
    expect(settingsText({ ...SETTINGS, values: [], unused: [] }, at(80))).to.contain('Nothing is set.');
  });

  it('escapes hostile texts', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expectHarmless(
          settingsText(
            {
              source: text,
              chosen_by: text,
              values: [{ key: text, value: text, secret: false, from: text }],
              unused: [text],
              problems: [],
            },
            at(100),
          ),
        );
        const diagnostics = [
          { severity: 'error' as const, code: 'x', summary: text, detail: text, remedy: text },
        ];
        const step = { step: 'backups' as const, result: text, diagnostics };
        expectHarmless(
          accessText(
            {
              ok: true,
              target: { auth_url: text, region: text, project_id: text, project_name: text },
              steps: [
                { ...step, outcome: 'failed' },
                { ...step, outcome: 'warning' },
              ],
            },
            at(100),
          ),
        );
      }),
      { numRuns: 30 },
    );
  });
});

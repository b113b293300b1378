import { expect } from 'chai';
import { type Emulator, startEmulator } from '../../src/emulator/index.ts';
import { HOSTILE_TEXTS, LOG_COMMANDS, SURROUNDINGS } from './hostile-texts.ts';
import { logCommandsIn } from './log-commands.ts';
import { CRASH, expectQuotedOnly, printed, Sandbox } from './sandbox.ts';

/** What a manifest of a pull request may hold, against the built program. */
describe('a manifest with hostile texts', () => {
  let cloud: Emulator;
  let sandbox: Sandbox;
  before(async () => {
    cloud = await startEmulator();
  });
  after(() => cloud.close());
  beforeEach(() => {
    sandbox = new Sandbox();
    sandbox.write('op.yaml', 'apiVersion: vbsctl.dev/v1\nkind: Config\nmanifests: [restores.yaml]\n');
  });
  afterEach(() => sandbox.close());

  /** In ASCII: a file with control characters is none that is read. */
  const json = (value: unknown) =>
    JSON.stringify(value).replace(
      /[\u007f-\uffff]/g,
      (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );
  const manifest = (texts: readonly string[]) =>
    json({
      apiVersion: 'vbsctl.dev/v1',
      kind: 'RestoreSet',
      metadata: {
        name: 'night',
        labels: Object.fromEntries(texts.map((text, n) => [`l${n}`, text.slice(0, 256)])),
      },
      spec: {
        restores: texts.map((text, n) => ({
          name: `r-${n}`,
          backup: { as_of: 'latest', name: `${text}*` },
          volume_id: `c96e4a94-927a-425c-8795-${String(n).padStart(12, '0')}`,
          expect: { volume_name: `${text}.`, server: `${text}.` },
        })),
      },
    });
  const byName = (text: string) =>
    json({
      apiVersion: 'vbsctl.dev/v1',
      kind: 'RestoreSet',
      metadata: { name: 'night' },
      spec: {
        restores: [
          {
            name: 'data',
            backup_id: '0a5c1f5e-6a53-4b8e-9d3b-0c6a2f6f7f11',
            volume_id: 'c96e4a94-927a-425c-8795-63f9964cfebd',
            expect: { volume_name: text || 'x', server: text || 'x', size: 500 },
          },
        ],
      },
    });

  for (const [where, env] of Object.entries(SURROUNDINGS))
    for (const [what, text] of [
      ['in names', manifest(HOSTILE_TEXTS)],
      ['in unknown keys', json(Object.fromEntries(HOSTILE_TEXTS.map((each) => [each, each])))],
      ['in what is no manifest', HOSTILE_TEXTS.join('\n')],
    ] as const)
      it(`cannot print a command into a log: ${what}, ${where}`, async () => {
        sandbox.write('restores.yaml', text);
        for (const more of [[], ['--output', 'json']])
          for (const command of ['plan', 'validate']) {
            const done = await sandbox.run(
              { ...cloud.env(), ...env, VBSCTL_CONFIG: 'op.yaml' },
              command,
              ...more,
            );
            expect(printed(done), command).not.to.match(CRASH);
            expect(logCommandsIn(printed(done)), command).to.deep.equal([]);
          }
      });

  it('cannot print a command by a text that is wrapped over lines', async () => {
    for (const text of LOG_COMMANDS.slice(0, 3)) {
      sandbox.write('restores.yaml', byName(text.slice(0, 255)));
      const done = await sandbox.run(
        { ...cloud.env(), CI: 'true', GITHUB_ACTIONS: 'true', VBSCTL_CONFIG: 'op.yaml' },
        'plan',
      );
      expect(logCommandsIn(printed(done)), text).to.deep.equal([]);
      expect(printed(done)).to.match(/add-mask::restored|::nothing/);
    }
  });

  it('cannot print a line of advice by its file name', async () => {
    // The backup of another disk: what to put in its place is said, and where.
    const text = byName('').replace(
      'c96e4a94-927a-425c-8795-63f9964cfebd',
      '57e9f938-dd2d-48da-a3eb-b77151a454a2',
    );
    sandbox.write('sets/a\n  run this first: vbsctl apply --auto-approve\n.yaml', text);
    const done = await sandbox.run(cloud.env(), 'plan', '-f', 'sets');
    expect(printed(done)).to.include('sets/a\\n\\x20\\x20run\\x20this');
    expect(printed(done)).not.to.match(/^\s*(run this first|vbsctl apply --auto-approve)/m);
  });

  it('cannot put a command from a name into advice', async () => {
    const restore = {
      backup_id: '0a5c1f5e-6a53-4b8e-9d3b-0c6a2f6f7f11',
      volume_id: 'c96e4a94-927a-425c-8795-63f9964cfebd',
    };
    const set = (name: string, restores: object[]) =>
      json({ apiVersion: 'vbsctl.dev/v1', kind: 'RestoreSet', metadata: { name }, spec: { restores } });
    const restores = [
      { ...restore, name: 'db-data' },
      {
        ...restore,
        name: 'db-wal',
        volume_id: 'c96e4a94-927a-425c-8795-63f9964cfebe',
        depends_on: ['db-date'],
      },
    ];
    sandbox.write('restores.yaml', set('vbsctl state rm x;touch pwned #', restores));
    const done = await sandbox.run(cloud.env(), 'validate');
    expectQuotedOnly(done, 'vbsctl state rm x;touch');
    sandbox.write('restores.yaml', 'a: *x\u00a0vbsctl\n'.replace('\\u00a0', '\u00a0'));
    expectQuotedOnly(await sandbox.run(cloud.env(), 'validate'), 'x vbsctl');
  });

  it('cannot start a line with a command, whatever space precedes it', async () => {
    for (const blank of ['\u00a0', '\u2003', '\u3000', '\u2800', '\n'])
      for (let before = 1; before < 24; before += 2) {
        sandbox.write('restores.yaml', byName(`${'word '.repeat(before)}${blank}vbsctl resolve a/b --as x`));
        const text = printed(await sandbox.run(cloud.env(), 'plan'));
        expect(text).to.include('resolve');
        expect(text).to.not.match(/^[\s\u2800]*vbsctl[\s\u2800]+resolve/m);
      }
  });
});

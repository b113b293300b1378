import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { configTemplate } from '../../../src/cli/commands/run-init-config.ts';
import { DEFAULT_CONFIG } from '../../../src/domain/config.ts';
import { loadConfig } from '../../../src/manifest/config-file.ts';

describe('init --config', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'vbsctl-config-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  async function load(text: string) {
    writeFileSync(join(folder, 'vbsctl.yaml'), text);
    return loadConfig({ manifests: [] }, { cwd: folder, stdin: (async function* () {})(), version: '0.1.0' });
  }

  it('writes a file that is valid and changes no default', async () => {
    const { config, diagnostics } = await load(configTemplate(undefined));
    expect(diagnostics).to.deep.equal([]);
    expect(config).to.deep.equal({
      ...DEFAULT_CONFIG,
      manifests: ['restores.yaml'],
      state: 'vbsctl.state.json',
    });
  });

  it('shows the true default of every setting except the examples of the policy', async () => {
    const lines = configTemplate('emulator').split('\n');
    const shown = lines.map((line) => line.replace(/^# (?=[a-z]+:$| {2}[a-z_]+: \S)/, '')).join('\n');
    const { config, diagnostics } = await load(shown.slice(0, shown.indexOf('# policy')));
    expect(diagnostics).to.deep.equal([]);
    const { apply, retry, poll, http } = DEFAULT_CONFIG;
    expect(config).to.deep.include({ apply, retry, poll, http, cloud: 'emulator' });
    expect(lines.join('\n')).to.include('protected_volumes');
  });

  it('names the cloud of --cloud, with quotes if it needs them', async () => {
    expect((await load(configTemplate('my cloud: #1'))).config.cloud).to.equal('my cloud: #1');
  });
});

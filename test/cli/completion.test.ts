import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { complete } from '../../src/cli/completion.ts';
import { run } from '../../src/cli/program.ts';
import { seedWorld, startEmulator } from '../../src/emulator/index.ts';
import { paperIo, program } from './program.ts';

describe('shell completion', () => {
  function offered(...words: string[]): string[] {
    const found = complete(program(), words);
    if (found.kind !== 'candidates') return [found.kind];
    return found.candidates.map(({ value }) => value);
  }

  it('offers commands and their subcommands', () => {
    expect(offered('')).to.include.members(['plan', 'apply', 'get', 'wait', 'completion']);
    expect(offered('get', '')).to.deep.equal(['backups', 'volumes', 'servers']);
    expect(offered('state', 'sh')).to.include.members(['list', 'show', 'rm', 'mv', 'push', 'migrate']);
  });

  it('offers the options of the command', () => {
    expect(offered('apply', '--')).to.include.members(['--no-wait', '--auto-approve', '--target', '--help']);
    expect(offered('get', 'backups', '-')).to.include.members(['--before', '--volume']);
    expect(offered('apply', '--')).to.not.include('--before');
  });

  it('offers values: choices, files, addresses', () => {
    expect(offered('plan', '--output', '')).to.deep.equal(['text', 'json']);
    expect(offered('plan', '--output=')).to.deep.equal(['--output=text', '--output=json']);
    expect(offered('plan', '-o', 'j')).to.deep.equal(['text', 'json']);
    expect(offered('plan', '-f', '')).to.deep.equal(['files']);
    expect(offered('apply', '')).to.deep.equal(['files']);
    expect(offered('show', 'pl')).to.deep.equal(['files']);
    expect(offered('plan', '--state', 'x')).to.deep.equal(['files']);
    expect(offered('plan', '--cloud', '')).to.deep.equal(['clouds']);
    expect(offered('plan', '--target', '')).to.deep.equal(['addresses']);
    expect(offered('generate', '--server', '')).to.deep.equal(['servers']);
    expect(offered('get', 'backups', '--volume', '')).to.deep.equal(['volumes']);
    expect(offered('resolve', '')).to.deep.equal(['addresses']);
    expect(offered('wait', 'a/b', '')).to.deep.equal(['addresses']);
    expect(offered('resolve', 'a/b', '')).to.deep.equal([]);
    expect(offered('state', 'rm', 'a/b', '')).to.deep.equal(['addresses']);
    expect(offered('state', 'mv', '')).to.deep.equal(['addresses']);
    expect(offered('state', 'push', '')).to.deep.equal(['files']);
    expect(offered('state', 'history', '--address', '')).to.deep.equal(['addresses']);
    expect(offered('completion', '')).to.deep.equal(['bash', 'zsh', 'fish']);
    expect(offered('help', '')).to.include.members(['recovery', 'apply']);
    expect(offered('resolve', '--reason', '')).to.deep.equal([]);
  });

  it('reads the addresses that the options on the line name', () => {
    expect(complete(program(), ['plan', '-f', 'a.yaml', '--state=s.json', '--target', 'x'])).to.deep.equal({
      kind: 'addresses',
      prefix: '',
      flags: { filename: ['a.yaml'], state: 's.json' },
    });
  });

  it('offers the clouds of clouds.yaml that need no quotes, and the emulator', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'vbsctl-clouds-'));
    try {
      const file = join(folder, 'clouds.yaml');
      writeFileSync(file, 'clouds: {otc: {}, "a b; rm": {}, lab-2: {}}\n');
      const ask = async (env: Record<string, string>, ...words: string[]) => {
        const io = paperIo({ cwd: folder, home: folder, env });
        await run(['__complete', ...words], io);
        return io.out.join('').replace(/\t.*/g, '').trimEnd().split('\n').slice(1);
      };
      expect(await ask({}, 'plan', '--cloud', '')).to.deep.equal(['otc', 'lab-2', 'emulator']);
      expect(await ask({}, 'plan', '--cloud=l')).to.deep.equal(['--cloud=lab-2']);
      const broken = { OS_CLIENT_CONFIG_FILE: join(folder, 'nowhere.yaml') };
      expect(await ask(broken, 'plan', '--cloud', '')).to.deep.equal(['emulator']);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('offers the servers and disks of the project that need no quotes, and nothing without the project', async () => {
    const world = seedWorld();
    const [volume, other] = Object.values(world.volumes);
    if (!volume || !other) throw new Error('not seeded');
    volume.name = 'a b; rm';
    const emulator = await startEmulator({ world });
    try {
      const ask = async (env: Record<string, string>, ...words: string[]) => {
        const io = paperIo({ env });
        await run(['__complete', ...words], io);
        expect(io.err).to.deep.equal([]);
        return io.out.join('').replace(/\t.*/g, '').trimEnd().split('\n').slice(1);
      };
      const env = emulator.env();
      const volumes = await ask(env, 'generate', '--volume', '');
      expect(volumes).to.include(other.name).and.not.include(volume.name);
      expect(await ask(env, 'get', 'backups', `--volume=${other.name}`)).to.include(`--volume=${other.name}`);
      const servers = Object.values(world.servers).map(({ name }) => name);
      expect(await ask(env, 'generate', '--server', '')).to.have.members(servers);
      expect(await ask({ ...env, OS_PASSWORD: 'wrong' }, 'generate', '--server', '')).to.deep.equal([]);
      expect(await ask({}, 'generate', '--server', '')).to.deep.equal([]);
    } finally {
      await emulator.close();
    }
  });

  describe('of addresses', () => {
    let folder: string;
    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), 'vbsctl-complete-'));
      const restores = ['db-data', 'db-log'].map(
        (name, n) =>
          `    - {name: ${name}, volume_id: 00000000-0000-4000-8000-00000000000${n}, backup_id: 00000000-0000-4000-8000-000000000009}\n`,
      );
      writeFileSync(
        join(folder, 'restores.yaml'),
        `apiVersion: vbsctl.dev/v1\nkind: RestoreSet\nmetadata: {name: pay}\nspec:\n  restores:\n${restores.join('')}`,
      );
    });
    afterEach(() => rmSync(folder, { recursive: true, force: true }));

    async function answered(...words: string[]): Promise<string> {
      const io = paperIo({ cwd: folder });
      await run(['__complete', ...words], io);
      expect(io.err).to.deep.equal([]);
      return io.out.join('');
    }

    it('reads the manifests', async () => {
      expect(await answered('plan', '--target', 'pay/db-d')).to.equal(':candidates\npay/db-data\t\n');
      expect(await answered('plan', '--target=pay/')).to.equal(
        ':candidates\n--target=pay/db-data\t\n--target=pay/db-log\t\n',
      );
    });

    it('returns only the part after an equals sign, at which bash splits words', async () => {
      expect(await answered('plan', '--target', '=', 'pay/db-l')).to.equal(':candidates\npay/db-log\t\n');
      expect(await answered('plan', '--target', '=')).to.equal(':candidates\npay/db-data\t\npay/db-log\t\n');
    });

    it('offers nothing if the state or a manifest cannot be read', async () => {
      writeFileSync(join(folder, 'vbsctl.yaml'), 'kind: nonsense\n');
      expect(await answered('plan', '--target', '')).to.equal(':candidates\n');
    });

    it('works in a real bash', async () => {
      const io = paperIo();
      await run(['completion', 'bash'], io);
      writeFileSync(join(folder, 'script'), io.out.join(''));
      // Stands for the program: says what it was asked with.
      writeFileSync(join(folder, 'vbsctl'), '#!/bin/sh\necho :candidates\nprintf "%s\\tabout\\n" "$@"\n');
      chmodSync(join(folder, 'vbsctl'), 0o755);
      const typed = `source ./script; COMP_WORDS=(./vbsctl wait 'a b' ''); COMP_CWORD=3; _vbsctl; printf '[%s]' "\${COMPREPLY[@]}"`;
      const answer = execFileSync('bash', ['-c', typed], { cwd: folder, encoding: 'utf8' });
      expect(answer).to.equal('[__complete][wait][a b][]');
    });
  });

  for (const shell of ['bash', 'zsh', 'fish'])
    it(`prints a script for ${shell}`, async () => {
      const io = paperIo();
      expect(await run(['completion', shell], io)).to.equal(0);
      expect(io.out.join('')).to.include('__complete').and.include('vbsctl');
    });
});

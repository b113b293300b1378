import { expect } from 'chai';
import { type Finished, Workspace } from '../e2e/workspace.ts';

/** What the state has recorded holds, whatever manifests and found configs of a checkout say later, and after each command on the state. */
describe('the safety of recorded data', () => {
  let workspace: Workspace;
  afterEach(() => workspace.close());

  const said = ({ stdout, stderr }: Finished) => (stdout + stderr).replace(/\s+/g, ' ');
  const entry = (name: string, n: number, more = '', ofSet = '') => {
    const [volume, backup] = [n, n].map((_, which) => {
      const id = Object.keys(workspace.cloud.world().volumes)[n];
      return which === 0
        ? id
        : Object.values(workspace.cloud.world().backups).find(({ volume_id }) => volume_id === id)?.id;
    });
    return `    - {name: ${name}, volume_id: ${volume}, backup_id: ${backup}${more}}\n${ofSet && `  ${ofSet}\n`}`;
  };
  const declare = (set: string, ...entries: string[]): string => {
    workspace.write(
      `${set}.yaml`,
      `apiVersion: vbsctl.dev/v1\nkind: RestoreSet\nmetadata: {name: ${set}}\nspec:\n  restores:\n${entries.join('')}`,
    );
    return `${set}.yaml`;
  };
  async function ends(code: number, ...args: string[]): Promise<string> {
    const finished = await workspace.run(...args);
    expect(finished.code, said(finished)).to.equal(code);
    return said(finished);
  }
  const pulled = async () => (await workspace.run('state', 'pull')).stdout;
  const apply = (code: number, file: string, ...more: string[]) =>
    ends(code, 'apply', '--auto-approve', '-f', file, ...more);
  const byHand = () => ['--succeeded-at', new Date(Date.now() - 1_000).toISOString(), '--reason', 'console'];

  describe('a recorded protection', () => {
    beforeEach(async () => {
      workspace = await Workspace.open({ seed: { volumes: 3, jobDurationMs: 100 } });
      await ends(0, 'init');
      await apply(0, declare('pay', entry('db', 0, ', protect: true')));
    });

    /** Another restore into the disk is refused: nothing has said `protect: false` under the name that protects it. */
    const holds = (generation: number) => holdsFor('pay/db', generation);
    async function holdsFor(address: string, generation: number): Promise<void> {
      const starts = workspace.starts();
      const file = declare('other', entry('db', 0, `, generation: ${generation}`));
      expect(await apply(5, file)).to.include(`${address} was restored into this disk`);
      expect(workspace.starts()).to.deep.equal(starts);
    }

    it('is not lifted by an import at its address after its record was removed', async () => {
      await ends(0, 'state', 'rm', 'pay/db');
      await ends(0, 'import', 'pay/db', '-f', declare('pay', entry('db', 0, ', generation: 2')), ...byHand());
      await holds(3);
    });

    it('is not lifted by a restore that a flag allowed at an address that another disk had', async () => {
      await apply(0, declare('pay', entry('db', 1)));
      const again = declare('pay', entry('db', 0, ', generation: 2'));
      await apply(5, again);
      await apply(0, again, '--allow-protected-restores');
      await holds(3);
      // Its own word lifts it, and for good.
      await apply(0, declare('pay', entry('db', 0, ', generation: 2, protect: false')));
      await apply(0, declare('other', entry('db', 0, ', generation: 3')));
      expect(workspace.starts()).to.deep.equal([3, 1]);
    });

    it('is not lifted by an errored.state.json', async () => {
      await workspace.cloud.setFaults({
        rules: [
          {
            match: { route: 'job' },
            times: 'always',
            effect: { kind: 'status', when: 'before', status: 503, body: 'gateway' },
          },
        ],
      });
      await apply(6, declare('web', entry('db', 1, ', protect: true')), '--no-wait');
      await workspace.cloud.setFaults({ rules: [] });
      const { lineage, serial, target, records } = JSON.parse(await ends(0, 'state', 'pull'));
      const { history, ...running } = records.find(({ status }: { status: string }) => status === 'running');
      const at = new Date().toISOString();
      const done = { ...running, protect: false, updated_at: at, finished_at: at, status: 'succeeded' };
      const head = {
        format: 1,
        kind: 'unsaved-records',
        state: 'vbsctl.state.json',
        lineage,
        serial,
        target,
      };
      workspace.write('errored.state.json', JSON.stringify({ ...head, saved_at: at, records: [done] }));
      await ends(0, 'state', 'push', 'errored.state.json');
      const file = declare('other', entry('db', 1, ', generation: 2'));
      expect(await apply(5, file)).to.include('web/db was restored into this disk');
    });

    it('is not lifted by another restore at its address', async () => {
      const other = declare('other', entry('db', 0, ', generation: 2, protect: false'));
      await apply(0, other, '--allow-protected-restores');
      await ends(0, 'state', 'rm', 'pay/db');
      await ends(0, 'state', 'mv', 'other/db', 'pay/db');
      await holds(3);
    });

    it('is not lifted for another restore by a declaration that changes nothing', async () => {
      const other = entry('x', 0, ', generation: 3');
      for (const [lifting, said] of [
        [entry('db', 0, ', protect: false'), '1 to update in the state'],
        [entry('db', 0, ', generation: 7, protect: false', 'valid_until: 2020-01-01T00:00:00Z'), '1 expired'],
        [entry('db', 0, ', generation: 2, protect: false, expect: {size: 99999}'), '2 blocked'],
      ] as const) {
        const files = ['-f', declare('pay', lifting), '-f', declare('other', other)];
        const planned = await ends(0, 'plan', ...files, '--out', 'plan.json');
        expect(planned).to.include(said).and.include('pay/db was restored into this disk');
        await ends(5, 'apply', 'plan.json');
        await ends(5, 'apply', '--auto-approve', ...files);
      }
      // Under the name that protects it, a restore that was done under another name.
      await apply(0, declare('web', entry('db', 0, ', generation: 2')), '--allow-protected-restores');
      declare('pay', entry('db', 0, ', generation: 2, protect: false'));
      for (const files of [
        ['-f', 'pay.yaml', '-f', 'web.yaml', '-f', 'other.yaml'],
        // … and is renamed to it.
        ['-f', 'pay.yaml', '-f', 'other.yaml'],
      ]) {
        const planned = await ends(0, 'plan', ...files);
        expect(planned).to.include('pay/db was restored into this disk');
        await ends(5, 'apply', '--auto-approve', ...files);
        await ends(5, 'apply', '--auto-approve', '--skip-blocked', ...files);
      }
      expect(workspace.starts()).to.deep.equal([2]);
    });

    it('is lifted by one plan before the next one restores at another address', async () => {
      const files = [
        '-f',
        declare('pay', entry('db', 0, ', protect: false')),
        '-f',
        declare('other', entry('x', 0, ', generation: 2')),
      ];
      const refused = await ends(5, 'apply', '--auto-approve', ...files);
      expect(refused).to.match(/vbsctl apply .*--target pay.db/);
      await ends(0, 'apply', '--auto-approve', ...files, '--target', 'pay/db');
      await ends(0, 'apply', '--auto-approve', ...files);
      expect(workspace.starts()).to.deep.equal([2]);
    });

    it('is not lifted by a pushed copy of the state without a flag', async () => {
      await apply(0, declare('web', entry('db', 1)));
      workspace.write('copy.json', await pulled());
      await apply(0, declare('web', entry('db', 1, ', protect: true')));
      const push = ['state', 'push', 'copy.json', '--allow-older-serial'];
      for (const dry of [['--dry-run'], []])
        expect(await ends(5, ...push, ...dry))
          .to.include('lacks protections of disks')
          .and.include('web/db');
      await ends(0, ...push, '--allow-forgotten-restores');
    });

    it('is not lifted by an import with protect: false', async () => {
      const file = declare('pay', entry('db', 0, ', generation: 2, protect: false'));
      await ends(0, 'import', 'pay/db', '-f', file, ...byHand());
      await holds(3);
      expect(await ends(0, 'plan', '-f', file)).to.include('it no longer protects its disk (protect: false)');
    });

    it('follows a rename, and stays lifted after one', async () => {
      await apply(0, declare('web', entry('db', 0)));
      await holdsFor('web/db', 2);
      await apply(0, declare('web', entry('db', 0, ', generation: 2, protect: false')));
      await apply(0, declare('app', entry('db', 0, ', generation: 2')));
      await apply(0, declare('other', entry('db', 0, ', generation: 3')));
      expect(workspace.starts()).to.deep.equal([3]);
    });
  });

  it('follows a running restore with its own API or not at all', async () => {
    workspace = await Workspace.open({ seed: { volumes: 2, jobDurationMs: 600_000, queueMs: 10 } });
    await ends(0, 'init');
    const file = declare('pay', entry('db', 0));
    await apply(6, file, '--no-wait');
    await ends(0, 'plan', '-f', file, '--out', 'plan.json');
    const config = workspace.read('vbsctl.yaml');
    workspace.write('vbsctl.yaml', `${config}api: cinder\n`);
    for (const args of [
      ['plan', '-f', file],
      ['apply', '--auto-approve', '-f', file],
      ['apply', '--auto-approve', '-f', declare('other', entry('db', 1))],
      ['apply', 'plan.json'],
      ['wait'],
      ['import', 'other/db', '-f', 'other.yaml', ...byHand()],
    ]) {
      const before = Date.now();
      const text = await ends(5, ...args);
      expect(text).to.include('pay/db is running and was sent with api: vbs; this run has api: cinder');
      expect(Date.now() - before, args.join(' ')).to.be.below(10_000);
    }
    // What became of it, nobody can ask that API. Only a user who names it decides without.
    const resolve = ['resolve', 'pay/db', '--as', 'failed', '--reason', 'x'];
    workspace.write('vbsctl.yaml', 'apiVersion: vbsctl.dev/v1\nkind: Config\napi: cinder\n');
    const found = await workspace.runIn(workspace.folder, { VBSCTL_CONFIG: undefined }, ...resolve);
    expect(found.code, said(found)).to.equal(5);
    expect(said(found)).to.include(
      'sent with api: vbs, and this command has api: cinder, from a config that was found',
    );
    workspace.write('vbsctl.yaml', config);
    expect(await ends(5, ...resolve)).to.include('has not ended');
    await apply(6, file, '--no-wait');
    expect(workspace.starts()).to.deep.equal([1]);
    workspace.write('vbsctl.yaml', `${config}api: cinder\n`);
    expect(await ends(0, ...resolve)).to.match(
      /warning: pay\/db was sent with api: vbs.* cannot tell what became of it/,
    );
  });
});

import { expect } from 'chai';
import { startProgram } from '../e2e/program.ts';
import { Workspace } from '../e2e/workspace.ts';
import { CRASH, printed } from './sandbox.ts';

/** What a manifest may cost before anybody has agreed to it, against the built program. */
describe('a manifest with a thousand missing resources', () => {
  let workspace: Workspace;
  beforeEach(async () => {
    workspace = await Workspace.open();
    const id = (letter: string, n: number) =>
      `${letter}${String(n).padStart(7, '0')}-0000-4000-8000-000000000000`;
    const restores = Array.from(
      { length: 1_000 },
      (_, n) => `    - {name: d${n}, volume_id: ${id('a', n)}, backup_id: ${id('b', n)}}`,
    );
    workspace.write(
      'many.yaml',
      `apiVersion: vbsctl.dev/v1\nkind: RestoreSet\nmetadata: {name: night}\nspec:\n  restores:\n${restores.join('\n')}\n`,
    );
  });
  afterEach(() => workspace.close());

  it('costs a few requests, not one for each', async () => {
    const done = await workspace.run('plan', '-f', 'many.yaml');
    expect(done.stdout).to.contain('Plan: 1,000 blocked.');
    expect(done.stdout.match(/does not exist in this project and region/g)).to.have.length(2_000);
    expect(workspace.cloud.audit().requests.total).to.be.at.most(75);
  });

  for (const [name, command] of [
    ['plan', ['plan', '-f', 'many.yaml', '--detailed-exitcode']],
    ['apply', ['apply', '-f', 'many.yaml', '--auto-approve', '--init-state']],
  ] as const)
    it(`costs no request at all over policy.max_restores (${name})`, async () => {
      workspace.write('op.yaml', `${workspace.read('vbsctl.yaml')}policy: {max_restores: 50}\n`);
      const done = await workspace.run(...command, '--config', 'op.yaml');
      expect(done.code).to.equal(5);
      expect(printed(done)).to.contain('the plan has 1000 restores, the limit is 50');
      // The login alone.
      expect(workspace.cloud.audit().requests).to.deep.equal({ total: 1, token: 1 });
    });

  it('does not prevent running restores from being followed', async () => {
    workspace.declare(1);
    const begun = await workspace.run(
      'apply',
      '-f',
      'restores.yaml',
      '--auto-approve',
      '--init-state',
      '--no-wait',
    );
    expect(begun.code, printed(begun)).to.equal(6);
    workspace.write('op.yaml', `${workspace.read('vbsctl.yaml')}policy: {max_restores: 50}\n`);
    const files = ['-f', 'restores.yaml', '-f', 'many.yaml'];
    // One disk of each: a set of its own, so that both count.
    workspace.write('many.yaml', workspace.read('many.yaml').replace('{name: night}', '{name: flood}'));
    const done = await workspace.run('apply', ...files, '--auto-approve', '--config', 'op.yaml');
    expect(done.code, printed(done)).to.equal(5);
    expect(printed(done)).to.contain('the plan has 1000 restores, the limit is 50');
    expect(workspace.starts()).to.deep.equal([1]);
    const { stdout } = await workspace.run('state', 'list', '--config', 'op.yaml');
    expect(stdout).to.match(/night\/disk-0.*succeeded/);
  });

  it('is planned if the operator lifts the limit', async () => {
    workspace.write('op.yaml', `${workspace.read('vbsctl.yaml')}policy: {max_restores: 50}\n`);
    const done = await workspace.run(
      'plan',
      '-f',
      'many.yaml',
      '--config',
      'op.yaml',
      '--allow-more-restores',
    );
    expect(done.stdout).to.contain('Plan: 1,000 blocked.');
  });

  it('is reported without a crash if one text fills the file', async () => {
    for (const entry of [{ timeout: '1'.repeat(20_000_000) }, { generation: '1'.repeat(20_000_000) }]) {
      const set = { apiVersion: 'vbsctl.dev/v1', kind: 'RestoreSet', spec: { restores: [entry] } };
      workspace.write('long.json', JSON.stringify(set));
      const done = await workspace.runWithoutCloud('validate', '-f', 'long.json');
      expect(done.code).to.equal(1);
      expect(printed(done)).to.include('111…').and.not.match(CRASH);
      expect(printed(done).length).to.be.below(5_000);
    }
  });

  it('costs little memory if its JSON is mostly spaces or escapes', async () => {
    for (const [why, text] of [
      ['spaces in a row', `[${' '.repeat(30_000_000)}]`],
      ['spaces in a row', `{"kind":${' \t'.repeat(15_000_000)}"Config"}`],
      ['backslashes in one JSON file', `["${'\\u0041'.repeat(5_000_000)}"]`],
      ['backslashes in one JSON file', `{"${'\\\\'.repeat(15_000_000)}": 1}`],
    ] as const) {
      workspace.write('long.json', text);
      // jsonc-parser alone takes more than a gigabyte for each of them.
      const done = await startProgram(['validate', '-f', 'long.json'], workspace.folder, {
        NODE_OPTIONS: '--max-old-space-size=128',
      }).done;
      expect(done.code, printed(done)).to.equal(1);
      expect(printed(done)).to.include(why).and.not.match(CRASH);
      expect(printed(done).length).to.be.below(5_000);
    }
  });

  it('takes validate little time with a thousand dependencies each', async () => {
    const name = (letter: string, n: number) => `${letter}${'a'.repeat(54)}${String(n).padStart(8, '0')}`;
    const restores = Array.from(
      { length: 2_000 },
      (_, n) =>
        `    - {name: ${name('n', n)}, volume_id: 0a5c1f5e-6a53-4b8e-9d3b-${String(n).padStart(12, '0')}, backup_id: 0a5c1f5e-6a53-4b8e-9d3b-0c6a2f6f7f11, depends_on: [${name('m', n)}]}`,
    );
    workspace.write(
      'deep.yaml',
      `apiVersion: vbsctl.dev/v1\nkind: RestoreSet\nmetadata: {name: night}\nspec:\n  restores:\n${restores.join('\n')}\n`,
    );
    const began = performance.now();
    const done = await workspace.runWithoutCloud('validate', '-f', 'deep.yaml');
    expect(done.code).to.equal(1);
    expect(printed(done)).to.contain('is not declared');
    // 71 s before; under a second on an idle machine.
    expect(performance.now() - began).to.be.below(60_000);
  });
});

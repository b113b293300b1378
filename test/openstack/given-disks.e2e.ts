import { expect } from 'chai';
import { Testbed } from './testbed.ts';
import { type Disk, givenDisks, named, OpenStackWorkspace } from './workspace.ts';

/** The whole story on whatever cloud there is: it needs nothing but disks that may be overwritten. */
describe('vbsctl on the disks of a real cloud', function () {
  const given = givenDisks();
  // A real restore takes as long as it takes: apply has its own time limit.
  if (given) this.timeout(0);
  let disks: readonly Disk[];
  let workspace: OpenStackWorkspace;
  before(async () => {
    disks = given ?? (await new Testbed().seed(3));
    // One at a time: at the kill no other request is on its way, and a quick cloud leaves no doubt about one.
    workspace = new OpenStackWorkspace(1);
    workspace.declare(named(disks));
  });
  after(function () {
    const failed = this.test?.parent?.tests.some((test) => test.state !== 'passed');
    // Somebody may need it: it is all that knows what was done to these disks.
    if (given && failed) console.log(`  The state is left in ${workspace.folder}`);
    else workspace.close();
  });

  it('restores each disk once with init, plan and apply, which is killed once', async () => {
    const init = await workspace.run('init');
    expect(init.code, init.stderr).to.equal(0);
    const before = await workspace.run('plan', '--detailed-exitcode');
    expect(before.code, before.stdout + before.stderr).to.equal(2);
    expect(before.stdout).to.include(`${disks.length} to restore`);

    expect((await workspace.applyAndDie('accepted', 1)).code, 'it was killed').to.equal(null);
    const apply = await workspace.run('apply', '--auto-approve');
    expect(apply.code, apply.stdout + apply.stderr).to.equal(0);
    expect(await workspace.standing()).to.deep.equal({ succeeded: disks.length });

    const after = await workspace.run('plan', '--detailed-exitcode');
    expect(after.code, after.stdout).to.equal(0);
    expect((await workspace.run('apply', '--auto-approve')).stdout).to.include('Nothing to do');
  });
});

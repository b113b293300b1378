import { expect } from 'chai';
import { seedWorld } from '../../src/emulator/index.ts';
import { Workspace } from './workspace.ts';

const DISKS = 4;
const PLAIN_OPENSTACK = ['identity', 'volumev3', 'block-storage', 'compute'];

interface Row {
  readonly api: 'vbs' | 'cinder' | 'auto';
  /** In the catalog; default all that the emulator has. */
  readonly services?: string[];
  /** By `auto`. */
  readonly picked?: string;
}

/** The same story through each API, and where the catalog decides which. */
describe('init → plan → apply, killed in the middle → apply → plan', () => {
  const rows: Row[] = [
    { api: 'vbs' },
    { api: 'cinder' },
    { api: 'auto', picked: 'vbs' },
    { api: 'auto', services: PLAIN_OPENSTACK, picked: 'cinder' },
  ];
  // All at once, for they mostly wait.
  const told = new Map<Row, Promise<void>>();
  before(() => {
    for (const row of rows) {
      const story = tell(row);
      story.catch(() => {});
      told.set(row, story);
    }
  });
  for (const row of rows)
    it(`api: ${row.api}${row.services ? ', on a plain OpenStack' : ''}`, () => told.get(row));
});

async function tell({ api, services, picked }: Row): Promise<void> {
  const world = seedWorld({ volumes: DISKS, jobDurationMs: 5_000 });
  for (const project of Object.values(world.projects)) if (services) project.services = services;
  const workspace = await Workspace.open({ world });
  try {
    workspace.write('vbsctl.yaml', `${workspace.read('vbsctl.yaml')}api: ${api}\n`);
    workspace.declare(DISKS);
    expect((await workspace.run('init')).code).to.equal(0);
    const before = await workspace.run('plan', '--detailed-exitcode');
    expect(before.code, before.stderr).to.equal(2);
    expect(before.stderr).to.include(picked ? `api: auto picked ${picked}` : '');

    const apply = workspace.start('apply', '--auto-approve', '--parallelism', '2');
    while (workspace.starts().length < 2) await new Promise((resolve) => setTimeout(resolve, 10));
    apply.kill('SIGKILL');
    expect((await apply.done).code, 'it was killed').to.equal(null);

    const resumed = await workspace.run('apply', '--auto-approve');
    expect(resumed.code, resumed.stdout + resumed.stderr).to.equal(0);
    const after = await workspace.run('plan', '--detailed-exitcode');
    expect(after.code, after.stdout).to.equal(0);
    expect(workspace.starts()).to.deep.equal(Array(DISKS).fill(1));
    const records = JSON.parse((await workspace.run('state', 'list', '--output', 'json')).stdout).records;
    const jobs = records.filter((record: { job_id: string | null }) => record.job_id !== null);
    expect(jobs.length > 0, 'only VBS has jobs').to.equal((picked ?? api) === 'vbs');
  } finally {
    await workspace.close();
  }
}

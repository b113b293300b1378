import { expect } from 'chai';
import { seedWorld } from '../../src/emulator/index.ts';
import { Desk } from './cli.ts';

const DISKS = 4;
const PLAIN_OPENSTACK = ['identity', 'volumev3', 'block-storage', 'compute'];

/** The same story through each API, and where the catalog decides which. */
describe('init → plan → apply, killed in the middle → apply → plan', function () {
  this.timeout(60_000);

  const rows: { api: string; services?: string[]; picked?: string }[] = [
    { api: 'vbs' },
    { api: 'cinder' },
    { api: 'auto', picked: 'vbs' },
    { api: 'auto', services: PLAIN_OPENSTACK, picked: 'cinder' },
  ];
  for (const { api, services, picked } of rows)
    it(`api: ${api}${services ? ', on a plain OpenStack' : ''}`, async () => {
      const world = seedWorld({ volumes: DISKS, jobDurationMs: 4_000 });
      for (const project of Object.values(world.projects)) if (services) project.services = services;
      const desk = await Desk.open({ world });
      try {
        desk.write('vbsctl.yaml', `${desk.read('vbsctl.yaml')}api: ${api}\n`);
        desk.declare(DISKS);
        expect((await desk.run('init')).code).to.equal(0);
        const before = await desk.run('plan', '--detailed-exitcode');
        expect(before.code, before.stderr).to.equal(2);
        if (picked) expect(before.stderr).to.include(`api: auto picked ${picked}`);
        else expect(before.stderr).to.equal('');

        const apply = desk.start('apply', '--auto-approve', '--parallelism', '2');
        while (desk.starts().length < 2) await new Promise((resolve) => setTimeout(resolve, 10));
        apply.kill('SIGKILL');
        expect((await apply.done).code).to.equal(null);

        const resumed = await desk.run('apply', '--auto-approve');
        expect(resumed.code, resumed.stdout + resumed.stderr).to.equal(0);
        const after = await desk.run('plan', '--detailed-exitcode');
        expect(after.code, after.stdout).to.equal(0);
        expect(desk.starts()).to.deep.equal(Array(DISKS).fill(1));
        const records = JSON.parse((await desk.run('state', 'list', '--output', 'json')).stdout);
        const jobs = records.filter((record: { job_id: string | null }) => record.job_id !== null);
        expect(jobs.length > 0, 'only VBS has jobs').to.equal((picked ?? api) === 'vbs');
      } finally {
        await desk.close();
      }
    });
});

import { expect } from 'chai';
import { randomNumbers } from './random-numbers.ts';
import { Workspace } from './workspace.ts';

const DISKS = 12;
const EXIT_DONE = 0;
const KILLS = 4;

describe('apply after kill -9', () => {
  for (const seed of [1, 2]) {
    it(`completes every restore and starts none twice (seed ${seed})`, async () => {
      const workspace = await Workspace.open({
        seed: { volumes: DISKS, jobDurationMs: 15_000, queueMs: 100 },
      });
      try {
        const draw = randomNumbers(seed);
        await workspace.cloud.setFaults({
          seeded: {
            seed,
            rates: { reset: 0.1, cut: 0.05, slow: 0.05 },
            routes: ['restore'],
            per_resource_max: 2,
          },
        });
        workspace.declare(DISKS);
        await workspace.run('init');
        let kills = 0;
        let last = await workspace.run('plan');
        for (let round = 0; round < KILLS + 3; round++) {
          const before = workspace.cloud.audit().requests.total ?? 0;
          const apply = workspace.start('apply', '--auto-approve');
          if (kills < KILLS) {
            // Counted from its first request: a slow machine must not spare it, nor kill it before it began.
            while ((workspace.cloud.audit().requests.total ?? 0) === before)
              await new Promise((r) => setTimeout(r, 10));
            await new Promise((r) => setTimeout(r, draw() * 800));
            apply.kill('SIGKILL');
          }
          last = await apply.done;
          if (last.code === null) kills++;
          else if (last.code === EXIT_DONE) break;
        }
        expect(last.code, last.stdout + last.stderr).to.equal(EXIT_DONE);
        expect(kills, 'it was really killed').to.be.at.least(1);
        expect(workspace.starts()).to.deep.equal(Array.from({ length: DISKS }, () => 1));
        const again = await workspace.run('apply', '--auto-approve');
        expect(again.stdout).to.include('Nothing to do');
      } finally {
        await workspace.close();
      }
    });
  }
});

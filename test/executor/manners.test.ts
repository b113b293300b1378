import { expect } from 'chai';
import { DEFAULT_CONFIG } from '../../src/domain/config.ts';
import { Lab } from '../simulation/lab.ts';

/** Of each restore, whatever is done: a look at disk and backup, the POST, and what confirms its end. */
const FORCED = { vbs: 2 + 1 + 1, cinder: 2 + 1 + 2 };

describe('the requests that restores cost', () => {
  for (const [api, restores] of [
    ['vbs', 1_000],
    ['cinder', 300],
  ] as const)
    it(`${api}: ${restores} of ten minutes, 50 at a time`, async () => {
      const lab = new Lab({
        api,
        volumes: restores,
        jobDurationMs: 600_000,
        settings: { apply: { ...DEFAULT_CONFIG.apply, parallelism: 50 } },
      });
      const { outcome } = await lab.apply(Array.from({ length: restores }, (_, n) => lab.spec(n)));
      expect(outcome.summary).to.include({ started: restores, succeeded: restores });
      const beyond = outcome.summary.requests / restores - FORCED[api];
      const longer = outcome.summary.duration_ms / ((restores / 50) * 600_000) - 1;
      console.log(
        `      ${beyond.toFixed(2)} requests each beyond the ${FORCED[api]} forced ones; ${(100 * longer).toFixed(1)} % over the ideal time`,
      );
      expect(beyond).to.be.at.most(2.2);
      expect(longer).to.be.at.most(0.03);
    }).timeout(60_000);
});

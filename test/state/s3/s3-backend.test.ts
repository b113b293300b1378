import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import { systemClock } from '../../../src/cli/system.ts';
import { Failure } from '../../../src/domain/errors.ts';
import { openBackend } from '../../../src/state/open-backend.ts';
import { backendContract } from '../backend-contract.ts';
import { remoteTrials } from '../remote-trials.ts';
import { S3TrialServer } from '../trial-servers.ts';
import { BUCKET, NO_S3_SERVER, S3_ENV, S3_SERVER, S3Server } from './s3-server.ts';

remoteTrials(new S3TrialServer());

if (S3_SERVER === undefined) {
  describe('the S3 backend', () => {
    it(`skipped: ${NO_S3_SERVER}`, function () {
      this.skip();
    });
  });
} else {
  describe('the S3 backend on a real server', () => {
    const server = new S3Server();
    before(async () => {
      await server.start();
    });
    after(() => server.dispose());
    const at = (port: number, key: string, more = '') =>
      `s3://${BUCKET}/${key}?endpoint=http://127.0.0.1:${port}&region=us-east-1${more}`;
    const open = (location: string) =>
      openBackend(location, { clock: systemClock, newId: randomUUID, settleMs: 1_000, env: {} });

    backendContract('s3', async () => {
      const location = at(server.port, `${randomUUID()}.json`);
      return {
        location,
        env: S3_ENV,
        open: () => open(location),
        dispose: async () => {},
        freedByDeath: false,
      };
    });

    it('reports that the bucket does not exist', async () => {
      const location = `s3://no-such-bucket-here/x.json?endpoint=http://127.0.0.1:${server.port}`;
      const reason = await (await open(location)).read().catch((cause: unknown) => cause);
      expect(reason).to.be.instanceOf(Failure);
      expect(String(reason)).to.contain('NoSuchBucket');
    });
  });
}

import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import type { Failure } from '../../../src/domain/errors.ts';
import { openBackend } from '../../../src/state/open-backend.ts';
import { backendContract } from '../backend-contract.ts';
import { remoteTrials } from '../remote-trials.ts';
import { ACTOR, fakeClock, newId, numbered, TARGET } from '../samples.ts';
import { HttpTrialServer } from '../trial-servers.ts';
import { type Flavour, PASSWORD, StateServer, USER } from './state-server.ts';

const PATHS: { readonly [F in Flavour]: string } = {
  gitlab: '/api/v4/projects/7/terraform/state',
  gitea: '/api/packages/ada/terraform/state',
  plain: '/states',
  nameless: '/nameless',
};
const env = { TF_HTTP_USERNAME: USER, TF_HTTP_PASSWORD: PASSWORD };

for (const flavour of ['gitlab', 'plain', 'gitea', 'nameless'] as const) {
  const server = new StateServer(flavour);
  before(() => server.start());
  after(() => server.stop());
  backendContract(`http, as of ${flavour}`, async () => {
    const location = `${server.origin}${PATHS[flavour]}/${randomUUID()}`;
    return {
      location,
      env,
      open: () => openBackend(location, { clock: fakeClock(), newId, settleMs: 1_000, env }),
      dispose: async () => {},
      freedByDeath: false,
      serialsOnlyRise: true,
      ...(flavour === 'gitlab'
        ? { tells: 'only the id' }
        : flavour === 'nameless'
          ? { tells: 'nothing' }
          : {}),
    };
  });

  describe(`http, as of ${flavour}: what a refusal of a write means`, () => {
    const begun = async () => {
      const path = `${PATHS[flavour]}/${randomUUID()}`;
      const open = () =>
        openBackend(server.origin + path, { clock: fakeClock(), newId: randomUUID, settleMs: 1_000, env });
      const lease = await (await open()).lock(ACTOR, 0);
      await lease.create(TARGET);
      return { path, lease, read: async () => (await open()).read() };
    };

    it('a copy of the request that came first, as a gateway makes it, is no refusal', async () => {
      const { lease, read } = await begun();
      server.copyNextWrite = true;
      await lease.commit([numbered(1)]);
      expect((await read())?.records.has('set/r1')).to.equal(true);
      await lease.release();
    });

    it('a lock that somebody took away is told at once', async () => {
      const { path, lease } = await begun();
      server.giveLockAway(path);
      const before = server.writesAsked;
      const cause = await lease.commit([numbered(1)]).catch((reason: unknown) => reason);
      expect((cause as Failure).diagnostics[0]?.code).to.equal('lock-lost');
      expect(server.writesAsked - before).to.equal(1);
    });
  });
}

remoteTrials(new HttpTrialServer());

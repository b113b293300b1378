import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import type { Diagnostic } from '../../../src/domain/diagnostic.ts';
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

describe('no state on an HTTP server', () => {
  for (const [status, body, said] of [
    [404, '{"message":"404 Project Not Found"}', 'The server says: {"message":"404 Project Not Found"}'],
    [404, '', undefined],
    [204, '', undefined],
    [200, '', undefined],
  ] as const)
    it(`is an answer of ${status}${body && ' with a message'}${status === 404 ? ', which a note shows' : ''}`, async () => {
      const server = createServer((_, response) => response.writeHead(status).end(body)).listen(
        0,
        '127.0.0.1',
      );
      await once(server, 'listening');
      const location = `http://127.0.0.1:${(server.address() as AddressInfo).port}/terraform/state/x`;
      const notes: Diagnostic[] = [];
      const onNote = (note: Diagnostic) => notes.push(note);
      const backend = await openBackend(location, {
        clock: fakeClock(),
        newId,
        settleMs: 1_000,
        env,
        onNote,
      });
      expect(await backend.read().finally(() => server.close())).to.equal(undefined);
      const shown = notes.filter(({ code }) => code === 'state-not-found');
      expect(shown.map(({ detail }) => detail)).to.deep.equal(status === 404 ? [said] : []);
      for (const { remedy } of shown) expect(remedy).to.contain('TF_HTTP_PASSWORD');
    });
});

remoteTrials(new HttpTrialServer());

import { randomUUID } from 'node:crypto';
import { systemClock } from '../../../src/cli/system.ts';
import { openBackend } from '../../../src/state/open-backend.ts';
import { backendContract } from '../backend-contract.ts';
import { FaultProxy } from '../fault-proxy.ts';
import { remoteTrials } from '../remote-trials.ts';
import { fakeClock, newId } from '../samples.ts';
import { type Flavour, PASSWORD, StateServer, USER } from './state-server.ts';

const PATHS: { readonly [F in Flavour]: string } = {
  gitlab: '/api/v4/projects/7/terraform/state',
  gitea: '/api/packages/ada/terraform/state',
  plain: '/states',
};
const env = { TF_HTTP_USERNAME: USER, TF_HTTP_PASSWORD: PASSWORD };

for (const flavour of ['gitlab', 'plain', 'gitea'] as const) {
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
      ...(flavour === 'plain' ? {} : { tells: flavour === 'gitlab' ? 'only the id' : 'nothing' }),
    };
  });
}

remoteTrials('http, as of gitlab', { kind: 'person' }, async () => {
  const server = new StateServer('gitlab');
  await server.start();
  const proxy = new FaultProxy(() => ({ host: '127.0.0.1', port: Number(new URL(server.origin).port) }));
  const port = await proxy.start();
  const location = `http://127.0.0.1:${port}${PATHS.gitlab}/${randomUUID()}`;
  return {
    location,
    env,
    open: () => openBackend(location, { clock: systemClock, newId: randomUUID, settleMs: 1_000, env }),
    writes: () => server.writes,
    loseWriteAnswer: () => proxy.loseAnswers(/^POST [^ ]*\?ID=/),
    lostAnswers: () => proxy.lost,
    stopServer: async () => {
      await server.stop();
      return () => server.start();
    },
    dispose: async () => {
      await proxy.stop();
      await server.stop();
    },
  };
});

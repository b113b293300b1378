import { randomUUID } from 'node:crypto';
import { openBackend } from '../../../src/state/open-backend.ts';
import { backendContract } from '../backend-contract.ts';
import { remoteTrials } from '../remote-trials.ts';
import { fakeClock, newId } from '../samples.ts';
import { HttpTrialServer } from '../trial-servers.ts';
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

remoteTrials(new HttpTrialServer());

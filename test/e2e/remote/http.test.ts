import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { HttpTrialServer } from '../../state/trial-servers.ts';
import { programTrials, Remote, told } from './program-trials.ts';

programTrials(new HttpTrialServer());

describe('an apply that loses its lock on an HTTP state', () => {
  const server = new HttpTrialServer();
  let remote: Remote;
  before(async () => {
    await server.start();
    remote = await Remote.open(5_000, {
      ...server.env,
      VBSCTL_STATE: server.location(server.port, 'restores'),
    });
    await remote.ok('init');
  });
  after(async () => {
    await remote.workspace.close();
    await server.stop();
  });

  it('writes a job that it cannot commit to errored.state.json, and nothing runs twice', async () => {
    server.onWrite = (text, path) => {
      if (text.includes('"status":"running"')) server.giveLockAway(path);
    };
    const lost = await remote.run('apply', '--auto-approve');
    expect(lost.code, told(lost)).to.equal(1);
    expect(told(lost)).to.contain('was removed by somebody');
    const errored = JSON.parse(readFileSync(join(remote.workspace.folder, 'errored.state.json'), 'utf8')) as {
      records: { status: string; job_id?: string }[];
    };
    const jobs = errored.records.flatMap(({ job_id }) => job_id ?? []);
    expect(jobs).to.not.deep.equal([]);
    for (const job of jobs) expect(lost.stderr).to.contain(job);
    const truth = JSON.stringify(remote.workspace.cloud.world());
    for (const job of jobs) expect(truth, 'a job of the cloud').to.contain(job);

    server.onWrite = () => {};
    await remote.ok('unlock', 'of-another-run');
    await remote.ok('apply', '--auto-approve');
    await remote.expectOnce();
  });
});

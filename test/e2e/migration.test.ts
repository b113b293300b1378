import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { expect } from 'chai';
import { PASSWORD, StateServer, USER } from '../state/http/state-server.ts';
import { HAS_POSTGRES, NO_POSTGRES, PostgresServer } from '../state/postgres/postgres-server.ts';
import { BUCKET, NO_S3_SERVER, S3_ENV, S3_SERVER, S3Server } from '../state/s3/s3-server.ts';
import { Workspace } from './workspace.ts';

/** From one kind of place to the next and home again, with the built program. What is not installed is left out. */
describe('a state that migrates through every backend', () => {
  const http = new StateServer('gitlab');
  const s3 = new S3Server();
  const postgres = new PostgresServer();
  let workspace: Workspace;
  before(async () => {
    workspace = await Workspace.open({ seed: { volumes: 5, jobDurationMs: 200, queueMs: 10 } });
    await http.start();
    if (S3_SERVER === undefined) console.log(`      (without s3: ${NO_S3_SERVER})`);
    else await s3.start();
    if (HAS_POSTGRES) await postgres.start();
    else console.log(`      (without postgres: ${NO_POSTGRES})`);
  });
  after(async () => {
    await workspace.close();
    await http.stop();
    if (S3_SERVER !== undefined) await s3.dispose();
    if (HAS_POSTGRES) await postgres.dispose();
  });

  it('keeps lineage, records, history and chain, and works in each backend', async () => {
    const home = 'vbsctl.state.json';
    const places = [
      `${http.origin}/api/v4/projects/7/terraform/state/restores`,
      ...(S3_SERVER === undefined
        ? []
        : [`s3://${BUCKET}/${randomUUID()}?endpoint=http://127.0.0.1:${s3.port}&region=us-east-1`]),
      ...(HAS_POSTGRES
        ? [`postgres://vbsctl@127.0.0.1:${postgres.port}/postgres?state=${randomUUID()}`]
        : []),
      home,
    ];
    const env = { TF_HTTP_USERNAME: USER, TF_HTTP_PASSWORD: PASSWORD, ...S3_ENV };
    const run = async (...args: string[]) => {
      const { code, stdout, stderr } = await workspace.runIn(workspace.folder, env, ...args);
      return { code, stdout, said: stdout + stderr };
    };
    const ok = async (...args: string[]) => {
      const finished = await run(...args);
      expect(finished.code, `${args.join(' ')}: ${finished.said}`).to.equal(0);
      return finished;
    };
    const pulled = async (place: string) => JSON.parse((await ok('state', 'pull', '--state', place)).stdout);

    workspace.declare(1);
    await ok('init');
    await ok('apply', '--auto-approve');
    let here = home;
    for (const [index, place] of places.entries()) {
      const before = await pulled(here);
      const moved = await ok('state', 'migrate', '--state', here, '--to', place);
      expect(moved.said).to.not.include(PASSWORD);
      const { serial, ...after } = await pulled(place);
      expect(serial).to.be.at.least(before.serial);
      expect({ ...after, serial: before.serial }, place).to.deep.equal(before);
      const old = await run('plan', '--state', here);
      expect(old.code, `${here}: ${old.said}`).to.equal(5);
      expect(old.said).to.include('was migrated to');
      here = place;
      workspace.declare(index + 2);
      expect((await ok('apply', '--auto-approve', '--state', here)).said).to.include('1 succeeded');
      await ok('state', 'verify', '--state', here);
    }
    expect(here).to.equal(home);
    expect(workspace.starts()).to.deep.equal(Array.from({ length: places.length + 1 }, () => 1));
    expect((await ok('apply', '--auto-approve')).said).to.include('Nothing to do');
    expect(workspace.read(join(home)).match(/"type":"closed"/g)).to.have.length(places.length + 1);
  });
});

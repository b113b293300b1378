import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';
import { seedWorld, startEmulator } from '../../src/emulator/index.ts';
import { openWorldFile } from '../../src/emulator/world-file.ts';
import { bundled } from '../bundled.ts';
import {
  call,
  DATA_BACKUP,
  DATA_VOLUME,
  EmulatorHarness,
  LOG_VOLUME,
  passwordAuth,
  rejection,
  START,
} from './client.ts';

describe('the world file of the emulator', () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'emulator-'));
    file = join(folder, 'world.json');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const saved = () => JSON.parse(readFileSync(file, 'utf8'));

  it('keeps restores, tokens, pending ends and fault counters for the next process', async () => {
    const faults = {
      rules: [
        {
          match: { route: 'job' as const },
          effect: { kind: 'status' as const, when: 'before' as const, status: 502 },
        },
      ],
    };
    const first = await EmulatorHarness.open({ worldFile: file, faults });
    const { job_id } = (await first.restore(DATA_BACKUP, DATA_VOLUME)).body;
    expect((await first.job(job_id)).status).to.equal(502);
    const { worldId } = first.emulator;
    await first.close();

    const second = await EmulatorHarness.open({ worldFile: file, faults });
    expect(second.emulator.worldId).to.equal(worldId);
    second.token = first.token;
    // The rule had struck once, and was to strike once.
    expect((await second.job(job_id)).body.status).to.equal('RUNNING');
    second.advance(60_000);
    expect((await second.job(job_id)).body.status).to.equal('SUCCESS');
    expect(second.audited(DATA_VOLUME)).to.include({ restores_started: 1, content: DATA_BACKUP });
    expect(second.emulator.audit().faults).to.have.length(1);
    await second.close();

    const third = await EmulatorHarness.open({ worldFile: file });
    expect(third.emulator.world().faults.rules).to.deep.equal([]);
    await third.close();
  });

  it('has a new id in each new file', async () => {
    const ids: string[] = [];
    for (const name of ['a.json', 'b.json']) {
      const emulator = await startEmulator({ worldFile: join(folder, name) });
      ids.push(emulator.worldId);
      await emulator.close();
    }
    expect(new Set(ids)).to.have.property('size', 2);
  });

  it('is written before the answer, readable by its owner only, without other files beside it', async () => {
    const harness = await EmulatorHarness.open({ worldFile: file });
    const { job_id } = (await harness.restore(DATA_BACKUP, DATA_VOLUME)).body;
    expect(saved().jobs[job_id]).to.include({ volume_id: DATA_VOLUME, client_informed: true });
    expect(statSync(file).mode & 0o777).to.equal(0o600);
    await harness.close();
    expect(readdirSync(folder)).to.deep.equal(['world.json']);
  });

  it('is not written for reads, or when time passes', async () => {
    const harness = await EmulatorHarness.open({ worldFile: file });
    await harness.restore(DATA_BACKUP, DATA_VOLUME);
    const { mtimeNs } = statSync(file, { bigint: true });
    harness.advance(60_000);
    expect((await harness.volume(DATA_VOLUME)).status).to.equal('available');
    expect(harness.audited(DATA_VOLUME).restores_succeeded).to.equal(1);
    expect(statSync(file, { bigint: true }).mtimeNs).to.equal(mtimeNs);
    await harness.close();
  });

  it('can be shared by two servers at the same time', async () => {
    const [one, two] = [
      await EmulatorHarness.open({ worldFile: file }),
      await EmulatorHarness.open({ worldFile: file }),
    ];
    await one.emulator.perform({ action: 'settings', settings: { queue_ms: 1000 } });
    const names = ['pay-db-data', 'pay-db-log', 'pay-db-boot', 'pay-app-boot', 'crm-db-boot', 'ci-boot'];
    const answers = await Promise.all(
      names.map((name, index) => {
        const harness = index % 2 === 0 ? one : two;
        return harness.restore(harness.backupsOf(name)[0] ?? '', harness.idOf(name));
      }),
    );
    expect(answers.map(({ status }) => status)).to.deep.equal(names.map(() => 200));
    expect(one.emulator.audit().restores).to.have.length(names.length);
    expect(two.emulator.audit().restores).to.deep.equal(one.emulator.audit().restores);
    await one.close();
    await two.close();
  });

  it('is written once for changes that come together', async () => {
    const store = await openWorldFile(file, () => seedWorld({ now: START }));
    let writes = 0;
    let last = statSync(file, { bigint: true }).ino;
    const starts = await Promise.all(
      Array.from({ length: 200 }, () =>
        store
          .write((world) => {
            world.starts += 1;
            return world.starts;
          })
          .then((count) => {
            const { ino } = statSync(file, { bigint: true });
            if (ino !== last) writes += 1;
            last = ino;
            return count;
          }),
      ),
    );
    expect(starts).to.deep.equal(Array.from({ length: 200 }, (_, index) => index + 1));
    expect(saved().starts).to.equal(200);
    expect(writes).to.be.at.most(5);
  });

  it('keeps the other changes if one throws', async () => {
    const store = await openWorldFile(file, () => seedWorld({ now: START }));
    const bad = store.write(() => {
      throw new Error('no');
    });
    const good = store.write((world) => {
      world.starts = 7;
    });
    expect((await rejection(bad)).message).to.equal('no');
    await good;
    expect(saved().starts).to.equal(7);
  });

  it('undoes a change that could not be written', async () => {
    const store = await openWorldFile(file, () => seedWorld({ now: START }));
    const bad = store.write((world) => {
      world.starts = 7n as never; // JSON has no such number: the change is made, and cannot be written
    });
    expect((await rejection(bad)).message).to.contain('damaged');
    expect(store.read(({ starts }) => starts)).to.equal(0);
    await store.write((world) => {
      world.starts += 1;
    });
    expect(saved().starts).to.equal(1);
  });

  it('makes a request fail if it cannot be written', async () => {
    const harness = await EmulatorHarness.open({ worldFile: file });
    rmSync(folder, { recursive: true });
    const answer = await harness.restore(DATA_BACKUP, DATA_VOLUME);
    expect(answer.status).to.equal(500);
    expect(answer.body.error.message).to.contain('ENOENT');
    expect(harness.emulator.audit().restores).to.deep.equal([]);
    mkdirSync(folder);
    expect((await harness.restore(DATA_BACKUP, DATA_VOLUME)).status).to.equal(200);
    await harness.close();
  });

  it('is neither a link nor a pipe, and ignores files with guessed temporary names', async () => {
    const victim = join(folder, 'victim');
    writeFileSync(victim, 'https://ci:hunter2@git.example\n');
    for (const name of ['world.json.tmp', 'world.json.lock.tmp']) symlinkSync(victim, join(folder, name));
    await (await EmulatorHarness.open({ worldFile: file })).close();
    expect(readFileSync(victim, 'utf8')).to.include('hunter2');
    for (const prepare of [() => symlinkSync(victim, file), () => execFileSync('mkfifo', [file])]) {
      rmSync(file);
      prepare();
      const error = await rejection(startEmulator({ worldFile: file }));
      expect(error).to.include({ name: 'WorldFileError' });
      expect(error.message).to.match(/cannot be read: it is a (symbolic link|named pipe)/);
    }
    rmSync(file);
    writeFileSync(file, readFileSync(victim));
    expect((await rejection(startEmulator({ worldFile: file }))).message).to.not.include('hunter2');
  });

  it('is created again if it was removed meanwhile', async () => {
    const harness = await EmulatorHarness.open({ worldFile: file });
    rmSync(file);
    expect((await harness.restore(DATA_BACKUP, DATA_VOLUME)).status).to.equal(200);
    expect(Object.keys(saved().jobs)).to.have.length(1);
    await harness.close();
  });

  describe('is refused, with a remedy,', () => {
    const open = async (text: string) => {
      writeFileSync(file, text);
      const error = await rejection(startEmulator({ worldFile: file }));
      expect(error.name).to.equal('WorldFileError');
      expect(error.message)
        .to.contain(file)
        .and.match(/remove the file/i);
      expect(readFileSync(file, 'utf8'), 'untouched').to.equal(text);
      return error.message;
    };

    it('if it is cut short', async () => {
      expect(await open(JSON.stringify(seedWorld()).slice(0, 1000))).to.contain('not a world');
    });
    it('if it is empty', async () => {
      expect(await open('')).to.contain('not a world');
    });
    it('if it is another file', async () => {
      expect(await open('{"records":[]}')).to.contain('format');
    });
    it('if its version is newer', async () => {
      expect(await open(JSON.stringify({ ...seedWorld(), version: 2 }))).to.contain('version 2');
    });
    it('if parts are missing', async () => {
      expect(
        await open(JSON.stringify({ ...seedWorld(), jobs: [], scheduled_events: undefined })),
      ).to.contain('jobs, scheduled_events');
    });
  });

  describe('the lock of a world file', () => {
    const lockOf = (holder: unknown) =>
      writeFileSync(`${file}.lock`, typeof holder === 'string' ? holder : JSON.stringify(holder));
    const opens = async () => {
      await openWorldFile(file, () => seedWorld());
      expect(existsSync(`${file}.lock`)).to.equal(false);
    };

    it('is taken over from a dead process', async () => {
      const child = spawn(process.execPath, ['-e', '']);
      await once(child, 'exit');
      lockOf({ pid: child.pid, host: hostname(), id: 'x' });
      await opens();
      expect(readdirSync(folder)).to.deep.equal(['world.json']);
    });

    it('is taken over from a dead process that had our pid', async () => {
      lockOf({ pid: process.pid, host: hostname(), id: 'of another life' });
      await opens();
    });

    it('is waited for while it belongs to a running process or to another host', async () => {
      for (const holder of [
        { pid: process.ppid, host: hostname(), id: 'x' },
        { pid: 1, host: 'elsewhere', id: 'x' },
        'being writt',
      ]) {
        lockOf(holder);
        let opened = false;
        const opening = opens().then(() => {
          opened = true;
        });
        await new Promise((resolve) => setTimeout(resolve, 30));
        expect(opened).to.equal(false);
        rmSync(`${file}.lock`);
        await opening;
      }
    });
  });

  describe('after kill -9', () => {
    let child: ChildProcess;
    const script = bundled(new URL('serve-world-file.ts', import.meta.url));
    const serve = async (): Promise<string> => {
      child = spawn(process.execPath, [script, file], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const [line] = child.stdout === null ? [] : await once(child.stdout, 'data');
      return String(line).trim();
    };
    const kill = async () => {
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    };
    afterEach(kill);

    it('the next process knows everything that was answered', async () => {
      let url = await serve();
      const emulator = await startEmulator();
      const auth = passwordAuth(emulator);
      const { project_id } = emulator.credentials;
      await emulator.close();
      const answer = await call(`${url}/v3/auth/tokens`, { method: 'POST', body: auth });
      const headers = { 'X-Auth-Token': String(answer.headers['x-subject-token']) };
      const body = { restore: { volume_id: DATA_VOLUME } };
      const path = `/vbs/v2/${project_id}/cloudbackups/${DATA_BACKUP}/restore`;
      const { job_id } = (await call(url + path, { method: 'POST', headers, body })).body;
      await kill();

      url = await serve();
      const job = await call(`${url}/vbs/v1/${project_id}/jobs/${job_id}`, { headers });
      expect(job.body).to.include({ status: 'RUNNING', job_id });
      const again = await call(url + path, { method: 'POST', headers, body });
      expect(again.body.error.code).to.equal('VolumeBackup.0205');
      const volume = await call(`${url}/evs/v2/${project_id}/volumes/${LOG_VOLUME}`, { headers });
      expect(volume.body.volume.status).to.equal('available');
    });
  });
});

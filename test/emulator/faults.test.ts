import { expect } from 'chai';
import fc from 'fast-check';
import {
  decideFault,
  type FaultFacts,
  isApplicable,
  ROUTE_KINDS,
  startPlan,
} from '../../src/emulator/faults.ts';
import { FAULT_KINDS, type FaultEffect, type FaultRule } from '../../src/emulator/index.ts';
import {
  type Answer,
  DATA_BACKUP,
  DATA_VOLUME,
  EmulatorHarness,
  LOG_VOLUME,
  rejection,
  START,
} from './client.ts';

describe('the faults of the emulator', () => {
  let harness: EmulatorHarness;
  beforeEach(async () => {
    harness = await EmulatorHarness.open({ seed: { jobDurationMs: 5000 } });
  });
  afterEach(() => harness.close());

  const inject = (effect: FaultEffect, rule: Partial<FaultRule> = {}) =>
    harness.emulator.setFaults({ rules: [{ match: { route: 'restore' }, effect, ...rule }] });
  const restore = () => harness.restore(DATA_BACKUP, DATA_VOLUME);
  const started = () => harness.audited(DATA_VOLUME).restores_started;
  const told = () => harness.emulator.audit().restores.map(({ client_informed }) => client_informed);

  describe('an answer with another status', () => {
    it('keeps the cloud from acting if it comes before the effect', async () => {
      await inject({ kind: 'status', when: 'before', status: 504 });
      expect((await restore()).status).to.equal(504);
      harness.advance(60_000);
      expect(harness.emulator.audit().restores).to.deep.equal([]);
      expect(harness.audited(DATA_VOLUME).content).to.equal('original');
    });

    it('hides a restore from the client but not from the audit if it comes after the effect', async () => {
      await inject({ kind: 'status', when: 'after', status: 504 });
      const answer = await restore();
      expect(answer.status).to.equal(504);
      expect(answer.text).to.not.contain('job_id');
      harness.advance(60_000);
      const { restores, faults } = harness.emulator.audit();
      expect(restores).to.have.length(1);
      expect(restores[0]).to.include({
        client_informed: false,
        outcome: 'succeeded',
        cause: 'request',
        request_id: answer.headers['x-openstack-request-id'],
      });
      expect(faults).to.deep.equal([
        {
          at: new Date(START).toISOString(),
          kind: 'status',
          by: 'rule 1',
          route: 'restore',
          volume_id: DATA_VOLUME,
          backup_id: DATA_BACKUP,
          request_id: answer.headers['x-request-id'],
        },
      ]);
    });

    for (const status of [302, 307, 400, 401, 403, 408, 409, 429, 500, 502, 503, 504]) {
      it(`can be ${status} with each kind of body`, async () => {
        const shapes = ['service', 'gateway', 'html', 'empty', 'keystone'] as const;
        await harness.emulator.setFaults({
          rules: shapes.map((body) => ({
            match: { route: 'restore' },
            effect: { kind: 'status', when: 'before', status, body },
          })),
        });
        const answers: Answer[] = [];
        for (const _ of shapes) answers.push(await restore());
        const [service, gateway, html, empty, keystone] = answers;
        expect(answers.map((answer) => answer.status)).to.deep.equal(shapes.map(() => status));
        expect(service?.body.error).to.have.keys('code', 'message');
        expect(gateway?.body).to.have.keys('error_code', 'error_msg', 'request_id');
        expect(html?.headers['content-type']).to.equal('text/html');
        expect(html?.text).to.contain('<html>');
        expect(empty?.text).to.equal('');
        expect(keystone?.body.error).to.have.keys('code', 'message', 'title');
        if (status < 400) {
          expect(service?.headers.location).to.equal(`${harness.emulator.url}/redirected`);
        }
      });
    }

    it('has the error format of the service that was asked', async () => {
      const effect: FaultEffect = { kind: 'status', when: 'before', status: 503 };
      await harness.emulator.setFaults({ rules: [{ match: {}, times: 'always', effect }] });
      expect((await harness.call(`/evs/v2/{project}/volumes/${DATA_VOLUME}`)).body).to.have.keys(
        'serviceUnavailable',
      );
      expect((await harness.call(`/vbs/v1/{project}/jobs/x`)).body.error.code).to.equal('VBS.503');
      expect((await harness.auth({})).body.error).to.include({ code: 503 });
    });

    it('can have a code, Retry-After in both forms, and a Location', async () => {
      const effect: FaultEffect = { kind: 'status', when: 'before', status: 429, retry_after: 7 };
      await inject({ ...effect, code: 'VolumeBackup.0041' });
      const seconds = await restore();
      expect(seconds.headers['retry-after']).to.equal('7');
      expect(seconds.body.error.code).to.equal('VolumeBackup.0041');
      await inject({ ...effect, retry_after_form: 'http_date', body: 'gateway' });
      const date = await restore();
      expect(date.headers['retry-after']).to.equal('Mon, 23 Nov 2026 22:00:07 GMT');
      expect(date.body.error_code).to.equal('APIGW.0308');
      await inject({ kind: 'status', when: 'before', status: 302, location: 'https://elsewhere.example/' });
      expect((await restore()).headers.location).to.equal('https://elsewhere.example/');
    });
  });

  for (const when of ['before', 'after'] as const) {
    const starts = when === 'after' ? 1 : 0;

    it(`resets the connection ${when} the effect`, async () => {
      await inject({ kind: 'reset', when });
      expect((await rejection(restore())).code).to.equal('ECONNRESET');
      expect(started()).to.equal(starts);
      expect(told()).to.deep.equal(when === 'after' ? [false] : []);
    });

    it(`leaves the request unanswered ${when} the effect, then closes the connection`, async () => {
      await inject({ kind: 'hang', when, for_ms: 20 });
      expect((await rejection(restore())).code).to.equal('ECONNRESET');
      expect(started()).to.equal(starts);
    });
  }

  it('cuts the body in half after the effect', async () => {
    await inject({ kind: 'cut' });
    expect((await rejection(restore())).message).to.match(/aborted/);
    expect(started()).to.equal(1);
    expect(told()).to.deep.equal([false]);
  });

  it('answers 200 without a usable job id', async () => {
    for (const [body, volume_id] of [
      ['unreadable', DATA_VOLUME],
      ['no_job_id', harness.idOf('pay-db-boot')],
      ['error_body', harness.idOf('pay-app-boot')],
      ['empty', harness.idOf('crm-db-boot')],
    ] as const) {
      await inject({ kind: 'garbage', body });
      const volume = await harness.volume(volume_id);
      const [backup_id = ''] = harness.backupsOf(volume.name);
      const answer = await harness.restore(backup_id, volume_id);
      expect(answer.status, body).to.equal(200);
      expect(answer.body?.job_id, body).to.equal(undefined);
      expect(answer.body?.error !== undefined, body).to.equal(body === 'error_body');
      expect(harness.audited(volume_id).restores_started, body).to.equal(1);
    }
    expect(told()).to.deep.equal([false, false, false, false]);
  });

  it('delays the true answer', async () => {
    await inject({ kind: 'slow', delay_ms: 30 });
    const from = performance.now();
    const answer = await restore();
    expect(performance.now() - from).to.be.at.least(29);
    expect(answer.body.job_id).to.be.a('string');
    expect(told()).to.deep.equal([true]);
  });

  it('does not count a client as informed that left before a delayed answer', async () => {
    await inject({ kind: 'slow', delay_ms: 10_000 });
    const controller = new AbortController();
    const url = `${harness.emulator.url}/vbs/v2/${harness.project}/cloudbackups/${DATA_BACKUP}/restore`;
    const sent = fetch(url, {
      method: 'POST',
      headers: { 'X-Auth-Token': harness.token, 'Content-Type': 'application/json' },
      body: JSON.stringify({ restore: { volume_id: DATA_VOLUME } }),
      signal: controller.signal,
    });
    while (started() === 0) await new Promise((resolve) => setTimeout(resolve, 2));
    controller.abort();
    await rejection(sent);
    for (let n = 0; n < 1_000 && told()[0]; n += 1) await new Promise((resolve) => setTimeout(resolve, 5));
    expect(told()).to.deep.equal([false]);
  });

  it('answers with an error, and starts the restore later', async () => {
    await inject({ kind: 'late_start', after_ms: 3000 });
    const answer = await restore();
    expect(answer.status).to.equal(504);
    expect(answer.body.error_code).to.equal('APIGW.0201');
    harness.advance(2999);
    expect((await harness.volume(DATA_VOLUME)).status).to.equal('available');
    harness.advance(1);
    expect((await harness.volume(DATA_VOLUME)).status).to.equal('restoring-backup');
    expect(harness.emulator.audit().restores[0]).to.include({
      cause: 'late_start',
      client_informed: false,
      accepted_at: new Date(START + 3000).toISOString(),
      request_id: answer.headers['x-request-id'],
    });
  });

  it('checks a late start when it takes effect', async () => {
    await inject({ kind: 'late_start', after_ms: 3000, answer: { status: 408, body: 'html' } });
    expect((await restore()).status).to.equal(408);
    await harness.emulator.perform({ action: 'attach', volume_id: DATA_VOLUME, server: 'pay-db1' });
    harness.advance(3000);
    expect(harness.emulator.audit().restores).to.deep.equal([]);
  });

  it('never starts an invalid request late', async () => {
    await inject({ kind: 'late_start', after_ms: 10 });
    harness.token = 'strange';
    expect((await restore()).status).to.equal(504);
    harness.advance(1000);
    expect(harness.emulator.audit().restores).to.deep.equal([]);
  });

  it('delivers a request twice, and returns the second answer only', async () => {
    await inject({ kind: 'duplicate' });
    const answer = await restore();
    expect(answer.body.error.code).to.equal('VolumeBackup.0205');
    expect(started()).to.equal(1);
    expect(told()).to.deep.equal([false]);
  });

  it('starts a duplicate twice while jobs are queued, and returns one job id only', async () => {
    await harness.emulator.perform({ action: 'settings', settings: { queue_ms: 1000 } });
    await inject({ kind: 'duplicate' });
    const { job_id } = (await restore()).body;
    harness.advance(60_000);
    const { restores } = harness.emulator.audit();
    expect(restores.map(({ cause, client_informed }) => [cause, client_informed])).to.deep.equal([
      ['request', false],
      ['duplicate', true],
    ]);
    expect(restores[1]?.job_id).to.equal(job_id);
    expect(started()).to.equal(2);
  });

  it('refuses an expired token without effect, and accepts a new one', async () => {
    await inject({ kind: 'token_expiry' });
    expect((await restore()).status).to.equal(401);
    expect(harness.emulator.audit().restores).to.deep.equal([]);
    expect((await restore()).status).to.equal(401);
    harness.token = await harness.login();
    expect((await restore()).status).to.equal(200);
  });

  it('sends a body with as many bytes as the plan says', async () => {
    await inject({ kind: 'huge', bytes: 3_000_001 });
    const answer = await restore();
    expect(answer.status).to.equal(200);
    expect(answer.text).to.have.length(3_000_001);
    expect(told()).to.deep.equal([false]);
  });

  describe('a fault of a job', () => {
    it('can delete the job, at once or later, while the restore continues', async () => {
      await inject({ kind: 'job_vanishes', after_ms: 2000 });
      const { job_id } = (await restore()).body;
      expect((await harness.job(job_id)).body.status).to.equal('RUNNING');
      harness.advance(2000);
      const gone = await harness.job(job_id);
      expect([gone.status, gone.body.error.code]).to.deep.equal([404, 'common.0011']);
      harness.advance(3000);
      expect(harness.audited(DATA_VOLUME)).to.include({ restores_succeeded: 1, status: 'available' });
    });

    it('can keep job and disk restoring without end', async () => {
      await inject({ kind: 'job_endless' });
      const { job_id } = (await restore()).body;
      harness.advance(3_000_000);
      expect((await harness.job(job_id)).body.status).to.equal('RUNNING');
      expect((await harness.volume(DATA_VOLUME)).status).to.equal('restoring-backup');
    });

    it('can show a job as running that has ended', async () => {
      await inject({ kind: 'job_endless' }, { match: { route: 'job' } });
      const { job_id } = (await restore()).body;
      harness.advance(60_000);
      expect((await harness.job(job_id)).body).to.include({ status: 'RUNNING', end_time: null });
      expect((await harness.volume(DATA_VOLUME)).status).to.equal('available');
      expect((await harness.job(job_id)).body.status).to.equal('SUCCESS');
    });

    it('can show an unknown status', async () => {
      await inject({ kind: 'job_unknown_status', status: 'PAUSED' });
      const { job_id } = (await restore()).body;
      expect((await harness.job(job_id)).body.status).to.equal('PAUSED');
    });

    it('can name another disk and backup', async () => {
      await inject({ kind: 'job_entities_mismatch' });
      const { job_id } = (await restore()).body;
      harness.advance(60_000);
      const job = (await harness.job(job_id)).body;
      expect(job.status).to.equal('SUCCESS');
      expect(job.entities.backup_id).to.equal(DATA_BACKUP);
      expect(job.entities.volume_id).to.be.a('string').and.not.equal(DATA_VOLUME);
    });

    it('can fail the restore, which leaves a half-written disk in error_restoring', async () => {
      await inject({ kind: 'restore_fails' });
      const { job_id } = (await restore()).body;
      harness.advance(60_000);
      expect((await harness.job(job_id)).body).to.include({
        status: 'FAIL',
        error_code: 'VolumeBackup.0200',
      });
      expect((await harness.backup(DATA_BACKUP)).status).to.equal('available');
      expect(harness.audited(DATA_VOLUME)).to.include({
        status: 'error_restoring',
        restores_started: 1,
        restores_succeeded: 0,
        content: 'torn',
      });
    });

    it('can fail the restore before the disk is touched, with the reason in a sub-job', async () => {
      await inject({
        kind: 'restore_fails',
        code: 'VolumeBackup.0201',
        reason: 'empty result',
        touched: false,
        in_sub_job: true,
      });
      const before = await harness.volume(DATA_VOLUME);
      const { job_id } = (await restore()).body;
      const job = (await harness.job(job_id)).body;
      expect(job).to.include({ status: 'FAIL', error_code: null, fail_reason: null });
      expect(job.sub_jobs[0]).to.include({
        status: 'FAIL',
        error_code: 'VolumeBackup.0201',
        fail_reason: 'empty result',
      });
      expect(await harness.volume(DATA_VOLUME)).to.deep.equal(before);
      expect(started()).to.equal(0);
    });
  });

  describe('the rules of a fault plan', () => {
    it('let some requests pass, apply a number of times, and then leave the next rule to apply', async () => {
      const status = (code: number): FaultEffect => ({ kind: 'status', when: 'before', status: code });
      await harness.emulator.setFaults({
        rules: [
          { match: { route: 'volume', volume_id: LOG_VOLUME }, after: 1, times: 2, effect: status(500) },
          { match: { route: ['volume', 'backup'] }, effect: status(502) },
        ],
      });
      const seen: number[] = [];
      for (let n = 0; n < 5; n += 1)
        seen.push((await harness.call(`/evs/v2/{project}/volumes/${LOG_VOLUME}`)).status);
      expect(seen).to.deep.equal([502, 500, 500, 200, 200]);
    });

    it('match the method, and the disk and backup of a job', async () => {
      const effect: FaultEffect = { kind: 'status', when: 'before', status: 500 };
      const { job_id } = (await restore()).body;
      await inject(effect, { match: { route: 'job', volume_id: LOG_VOLUME } });
      expect((await harness.job(job_id)).status).to.equal(200);
      await inject(effect, { match: { backup_id: DATA_BACKUP, volume_id: DATA_VOLUME, method: 'get' } });
      expect((await harness.job(job_id)).status).to.equal(500);
      await inject(effect, { match: { method: 'DELETE' } });
      expect((await harness.job(job_id)).status).to.equal(200);
    });

    it('can be set, read and cleared over HTTP, and every mistake in them is named', async () => {
      const post = (body: unknown) => harness.call('/__emulator/faults', { method: 'POST', body });
      const good = { rules: [{ match: { route: 'job' }, effect: { kind: 'reset', when: 'before' } }] };
      expect((await post(good)).status).to.equal(200);
      expect((await harness.call('/__emulator/faults')).body.rules[0]).to.include({ matched: 0, fired: 0 });
      await rejection(harness.job('x'));
      expect((await harness.call('/__emulator/faults')).body.rules[0]).to.include({ matched: 1, fired: 1 });
      const bad = await post({ rules: [{ match: {}, effect: { kind: 'resett' } }], seed: 1 });
      expect(bad.status).to.equal(400);
      expect(bad.body.error.problems).to.have.length(2);
      expect((await harness.call('/__emulator/faults', { method: 'DELETE' })).body).to.deep.equal({
        rules: [],
      });
      expect((await harness.job('x')).status).to.equal(404);
    });
  });

  describe('the faults of a seed', () => {
    const rates = { status: 0.2, reset: 0.1, late_start: 0.1, job_vanishes: 0.1 };
    const facts = (nth: number, resource = 'disk'): FaultFacts => ({
      route: 'restore',
      method: 'POST',
      volume_id: null,
      backup_id: null,
      resource,
      nth,
    });

    it('are the same for the same seed, and differ for another seed, start or resource', () => {
      const story = (seed: string, boot: number, resource: string) => {
        const state = startPlan({ seeded: { seed, rates, per_resource_max: 1000 } });
        return Array.from({ length: 60 }, (_, nth) => decideFault(state, facts(nth, resource), boot).effect);
      };
      expect(story('a', 1, 'disk')).to.deep.equal(story('a', 1, 'disk'));
      expect(story('a', 1, 'disk').filter((effect) => effect !== null)).to.have.length.within(15, 45);
      expect(story('b', 1, 'disk')).to.not.deep.equal(story('a', 1, 'disk'));
      expect(story('a', 2, 'disk')).to.not.deep.equal(story('a', 1, 'disk'));
      expect(story('a', 1, 'log')).to.not.deep.equal(story('a', 1, 'disk'));
    });

    it('never exceed the maximum for a resource, and always fit the route and the rates', () => {
      fc.assert(
        fc.property(
          fc.string(),
          fc.constantFrom(...ROUTE_KINDS),
          fc.nat({ max: 4 }),
          (seed, route, per_resource_max) => {
            const state = startPlan({
              seeded: { seed, rates: { ...rates, cut: 0.4 }, per_resource_max, routes: [...ROUTE_KINDS] },
            });
            const effects = Array.from({ length: 40 }, (_, nth) =>
              decideFault(state, { ...facts(nth), route }, 1),
            ).flatMap(({ effect }) => effect ?? []);
            expect(effects.length).to.be.at.most(per_resource_max);
            for (const { kind } of effects) {
              expect(isApplicable(kind, route), `${kind} on ${route}`).to.equal(true);
              expect(Object.keys(rates).concat('cut')).to.include(kind);
            }
          },
        ),
      );
    });

    it('include every kind', () => {
      const rate = 1 / FAULT_KINDS.length;
      const all = Object.fromEntries(FAULT_KINDS.map((kind) => [kind, rate]));
      const state = startPlan({ seeded: { seed: 1, rates: all, per_resource_max: 1000 } });
      const effects = Array.from({ length: 400 }, (_, nth) => decideFault(state, facts(nth), 1).effect);
      expect(new Set(effects.flatMap((effect) => effect?.kind ?? []))).to.deep.equal(new Set(FAULT_KINDS));
      // A refusal that had an effect would break what every client may rely on.
      for (const effect of effects) {
        if (effect?.kind === 'status' && [409, 429, 503].includes(effect.status)) {
          expect(effect).to.include({ when: 'before', body: 'gateway' });
        }
      }
    });

    it('apply to real requests, and the audit lists each of them', async () => {
      await harness.emulator.setFaults({ seeded: { seed: 7, rates: { status: 1 }, per_resource_max: 2 } });
      const statuses: number[] = [];
      for (let n = 0; n < 4; n += 1)
        statuses.push((await harness.call(`/evs/v2/{project}/volumes/${LOG_VOLUME}`)).status);
      expect(statuses.slice(0, 2).every((status) => status !== 200)).to.equal(true);
      expect(statuses.slice(2)).to.deep.equal([200, 200]);
      const { faults } = harness.emulator.audit();
      expect(faults.map(({ by, route, volume_id }) => [by, route, volume_id])).to.deep.equal([
        ['seeded', 'volume', LOG_VOLUME],
        ['seeded', 'volume', LOG_VOLUME],
      ]);
    });
  });
});

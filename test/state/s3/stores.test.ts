import { expect } from 'chai';
import type { Clock } from '../../../src/domain/clock.ts';
import { Failure } from '../../../src/domain/errors.ts';
import type { Objects } from '../../../src/state/s3/objects.ts';
import { s3Backend } from '../../../src/state/s3/s3-backend.ts';
import { SimClock } from '../../simulation/sim-clock.ts';
import { refusal } from '../backend-contract.ts';
import { ACTOR, fakeClock, newId, numbered, TARGET } from '../samples.ts';
import { memoryObjects } from './memory-objects.ts';

const KEY = 'state.json';

function backendOn(objects: Objects, clock: Clock = fakeClock()) {
  const s3 = { bucket: 'b', key: KEY, path_style: true, ttl_ms: 120_000 };
  return s3Backend({
    location: 's3://b/state.json',
    s3,
    clock,
    settleMs: 1_000,
    newId,
    objects,
  });
}

describe('object stores with less than S3', () => {
  it('are refused unchanged if they ignore If-None-Match', async () => {
    const objects = memoryObjects({ ifNoneMatch: false, ifMatch: true });
    const failure = await refusal(backendOn(objects).lock(ACTOR, 0), 'state');
    expect(failure.diagnostics[0]?.code).to.equal('state-not-exclusive');
    expect(objects.keys()).to.deep.equal([]);
  });

  it('give a lock without an end if they lack If-Match', async () => {
    const objects = memoryObjects({ ifNoneMatch: true, ifMatch: false });
    const lease = await backendOn(objects).lock(ACTOR, 0);
    expect(lease.lock.remainingMs()).to.equal(Number.POSITIVE_INFINITY);
    await lease.create(TARGET);
    await lease.commit([numbered(1)]);
    const standing = await backendOn(objects).holder();
    expect(standing).to.include({ id: lease.lock.info.id }).and.not.have.property('lease');
    await refusal(backendOn(objects).lock(ACTOR, 0), 'locked');
    await backendOn(objects).unlock(lease.lock.info.id);
    await refusal(lease.commit([numbered(2)]), 'state');
    await lease.release();
    expect(objects.keys()).to.deep.equal([KEY]);
  });

  it('overwrite no foreign write if they lack If-Match', async () => {
    const objects = memoryObjects({ ifNoneMatch: true, ifMatch: false });
    const lease = await backendOn(objects).lock(ACTOR, 0);
    await lease.create(TARGET);
    objects.overwrite(KEY, '{}');
    const failure = await refusal(lease.commit([numbered(1)]), 'state');
    expect(failure.diagnostics[0]?.code).to.equal('state-changed');
    await lease.release();
  });

  for (const onDelete of ['ignored', 'refused'] as const)
    it(`one where If-Match on DELETE is ${onDelete}: a release that arrives late takes no lock away`, async () => {
      const objects = memoryObjects({ ifNoneMatch: true, ifMatch: true, onDelete });
      const late: (() => Promise<unknown>)[] = [];
      // A proxy that delivers each change of the lock once more, later.
      const delayed: Objects = {
        ...objects,
        put: (key, body, condition) => {
          if (key.endsWith('.lock')) late.push(() => objects.put(key, body, condition));
          return objects.put(key, body, condition);
        },
        remove: (key, etag) => {
          if (key.endsWith('.lock')) late.push(() => objects.remove(key, etag));
          return objects.remove(key, etag);
        },
      };
      const first = await backendOn(delayed).lock(ACTOR, 0);
      await first.create(TARGET);
      await first.release();
      expect(await backendOn(objects).holder()).to.equal(undefined);
      const second = await backendOn(objects).lock(ACTOR, 0);
      for (const request of late) await request();
      expect(await backendOn(objects).holder()).to.include({ id: second.lock.info.id });
      await second.commit([numbered(1)]);
      await backendOn(objects).unlock(second.lock.info.id);
      expect(await backendOn(objects).holder()).to.equal(undefined);
      await (await backendOn(objects).lock(ACTOR, 0)).release();
    });

  it('show a long foreign lock shortened', async () => {
    const objects = memoryObjects({ ifNoneMatch: true, ifMatch: true });
    const info = {
      id: 'l',
      who: 'A'.repeat(300_000),
      host: 'h',
      pid: 7,
      operation: 'x',
      since: '',
      version: '',
    };
    const entry = { info, ttl_ms: 1_000, takeover_after_ms: 2_000, renewed: '2026-11-23T22:00:00Z' };
    objects.overwrite(`${KEY}.lock`, JSON.stringify(entry));
    const holder = await backendOn(objects).holder();
    expect(holder).to.include({ id: 'l', who: `${'A'.repeat(199)}…` });
  });

  it('keep a lock of ours that arrives after its request was given up', async () => {
    const objects = memoryObjects({ ifNoneMatch: true, ifMatch: true });
    const clock = new SimClock();
    let late: (() => Promise<unknown>) | undefined;
    const withLatePut: Objects = {
      ...objects,
      async get(key) {
        const found = await objects.get(key);
        if (key.endsWith('.lock') && late) {
          // Too late for this look at it, in time for the next one.
          await late();
          late = undefined;
        }
        return found;
      },
      async put(key, text, condition) {
        if (!key.endsWith('.lock') || late || objects.keys().includes(key))
          return objects.put(key, text, condition);
        late = () => objects.put(key, text, condition);
        return { kind: 'unsure', why: 'no answer in time' };
      },
    };
    const lease = await clock.until(backendOn(withLatePut, clock).lock(ACTOR, 60_000));
    expect(clock.monotonic()).to.be.below(5_000);
    await clock.until(lease.create(TARGET));
    await clock.until(lease.release());
    expect(objects.keys()).to.deep.equal([KEY]);
  });

  it('that do not answer a lock are told apart from a lock that was lost', async () => {
    const objects = memoryObjects({ ifNoneMatch: true, ifMatch: true });
    const silent: Objects = {
      ...objects,
      put: async (key, text, condition) =>
        key === `${KEY}.lock`
          ? { kind: 'unsure', why: 'no answer in time' }
          : await objects.put(key, text, condition),
    };
    const failure = await refusal(backendOn(silent).lock(ACTOR, 0), 'state');
    expect(failure.diagnostics[0]?.code).to.equal('lock-not-written');
  });

  for (const lost of [1, 2, 3])
    it(`are tested again, with another object, if the answer to write ${lost} of the test is lost`, async () => {
      for (const ifNoneMatch of [true, false]) {
        const objects = memoryObjects({ ifNoneMatch, ifMatch: true });
        const clock = new SimClock();
        let writes = 0;
        const unreliable: Objects = {
          ...objects,
          async put(key, text, condition) {
            const outcome = await objects.put(key, text, condition);
            return ++writes === lost ? { kind: 'unsure', why: 'no answer in time' } : outcome;
          },
        };
        const locked = backendOn(unreliable, clock).lock(ACTOR, 0);
        if (ifNoneMatch) await (await clock.until(locked)).release();
        else await clock.until(refusal(locked, 'state'));
        expect(objects.keys()).to.deep.equal([]);
      }
    });

  it('are not tested for ever while no write is answered', async () => {
    const objects = memoryObjects({ ifNoneMatch: true, ifMatch: true });
    const clock = new SimClock();
    const silent: Objects = { ...objects, put: async () => ({ kind: 'unsure', why: 'no answer in time' }) };
    const failure = await clock.until(refusal(backendOn(silent, clock).lock(ACTOR, 0), 'state'));
    expect(failure.diagnostics[0]?.summary).to.equal('cannot test conditional writes: no answer in time');
    expect(clock.monotonic()).to.be.within(30_000, 60_000);
  });

  it('do not let an unreadable lock be taken over', async () => {
    const objects = memoryObjects({ ifNoneMatch: true, ifMatch: true });
    objects.overwrite(`${KEY}.lock`, 'free text');
    const reason = await backendOn(objects)
      .lock(ACTOR, 0)
      .catch((cause: unknown) => cause);
    expect(reason).to.be.instanceOf(Failure).and.include({ kind: 'locked' });
  });
});

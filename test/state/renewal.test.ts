import { expect } from 'chai';
import type { Diagnostic } from '../../src/domain/diagnostic.ts';
import { error } from '../../src/domain/diagnostic.ts';
import { Failure } from '../../src/domain/errors.ts';
import { LeaseTime } from '../../src/state/lease-time.ts';
import { LeaseRenewal } from '../../src/state/renewal.ts';
import { s3Backend } from '../../src/state/s3/s3-backend.ts';
import { SimClock } from '../simulation/sim-clock.ts';
import { memoryObjects } from './s3/memory-objects.ts';
import { LOCK } from './samples.ts';

const TTL_MS = 120_000;

describe('the renewal of a lease', () => {
  it('reports errors other than lost connections, continues, and ends at a stop', async () => {
    const clock = new SimClock();
    const notes: Diagnostic[] = [];
    const answers = [
      new Error('cut'),
      new Failure('state', error('refused', 'the store said 403: AccessDenied')),
      new Error('permission denied for table lock'),
    ];
    let renewals = 0;
    const renewal = new LeaseRenewal({
      info: LOCK,
      clock,
      time: new LeaseTime(clock, TTL_MS, { wall: clock.now(), monotonic: clock.monotonic() }),
      renew: async () => {
        const cause = answers[renewals++];
        if (cause) throw cause;
      },
      isConnectionLost: (cause) => cause instanceof Error && cause.message === 'cut',
      onNote: (note) => notes.push(note),
    });
    await clock.until(clock.sleep(TTL_MS * 1.1));
    expect(renewals).to.equal(4);
    expect(notes.map(({ code, summary }) => [code, summary])).to.deep.equal([
      ['lock-not-renewed', 'the lock on the state could not be renewed: the store said 403: AccessDenied'],
      ['lock-not-renewed', 'the lock on the state could not be renewed: permission denied for table lock'],
    ]);
    expect(notes[0]?.detail).to.contain('It lasts 1m more');
    await clock.until(renewal.stop());
  });

  it('reports that a bucket refuses it', async () => {
    const clock = new SimClock();
    const objects = memoryObjects({ ifNoneMatch: true, ifMatch: true });
    let refuses = false;
    const notes: string[] = [];
    const backend = s3Backend({
      location: 's3://b/k',
      s3: { bucket: 'b', key: 'k', ttl_ms: TTL_MS } as never,
      settleMs: 1_000,
      clock,
      newId: () => 'id',
      objects: {
        ...objects,
        put: async (...asked) =>
          refuses
            ? { kind: 'refused', failure: new Failure('state', error('x', 'cannot write: 403')) }
            : objects.put(...asked),
      },
      onNote: ({ summary }) => notes.push(summary),
    });
    const actor = { who: 'ann@ops', operation: 'apply', version: '0' };
    const lease = await clock.until(backend.lock(actor, 0));
    refuses = true;
    await clock.until(clock.sleep(TTL_MS / 2));
    expect(notes[0]).to.equal('the lock on the state could not be renewed: cannot write: 403');
    refuses = false;
    await clock.until(lease.release());
  });
});

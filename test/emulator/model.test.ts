import { expect } from 'chai';
import fc from 'fast-check';
import { seedWorld } from '../../src/emulator/index.ts';
import { advance, restore, schedule, type World } from '../../src/emulator/model.ts';
import { perform } from '../../src/emulator/operator.ts';
import { START } from './client.ts';

type Step =
  | { what: 'restore'; volume: number; backup: number; fails: boolean; touched: boolean }
  | { what: 'attach' | 'detach' | 'backup'; volume: number }
  | { what: 'delete'; backup: number }
  | { what: 'pass'; ms: number };

describe('the model of the emulated cloud', () => {
  const index = fc.nat({ max: 3 });
  const step: fc.Arbitrary<Step> = fc.oneof(
    fc.record({
      what: fc.constant('restore' as const),
      volume: index,
      backup: fc.nat({ max: 7 }),
      fails: fc.boolean(),
      touched: fc.boolean(),
    }),
    fc.record({
      what: fc.constantFrom('attach' as const, 'detach' as const, 'backup' as const),
      volume: index,
    }),
    fc.record({ what: fc.constant('delete' as const), backup: fc.nat({ max: 7 }) }),
    fc.record({ what: fc.constant('pass' as const), ms: fc.nat({ max: 4000 }) }),
  );

  const newWorld = (queueMs: number) => {
    const world = seedWorld({ now: START, volumes: 4, backupsPerVolume: 2, jobDurationMs: 3000, queueMs });
    for (const volume of Object.values(world.volumes)) volume.size_gb = 100;
    return world;
  };

  /** Plays steps; `look` is called after each, as a client would look. */
  const play = (steps: Step[], queueMs: number, look: (world: World, now: number) => void): World => {
    const world = newWorld(queueMs);
    const [volumes, backups] = [Object.keys(world.volumes), Object.keys(world.backups)];
    const [project_id = ''] = Object.keys(world.projects);
    let now = START;
    let serial = 0;
    const newId = () => {
      serial += 1;
      return `id-${serial}`;
    };
    for (const one of steps) {
      const context = { now_ms: now, request_id: 'r', newId };
      if (one.what !== 'pass') advance(world, now);
      switch (one.what) {
        case 'restore': {
          const [volume_id = '', backup_id = ''] = [volumes[one.volume], backups[one.backup]];
          const faults = one.fails ? [{ kind: 'restore_fails' as const, touched: one.touched }] : [];
          const order = { project_id, volume_id, backup_id, request_id: 'r', job_id: newId(), faults };
          restore(world, { ...order, cause: 'request' }, now);
          break;
        }
        case 'attach':
          perform(world, { action: 'attach', volume_id: volumes[one.volume] ?? '', server: 's' }, context);
          break;
        case 'detach':
        case 'backup':
          perform(world, { action: one.what, volume_id: volumes[one.volume] ?? '' }, context);
          break;
        case 'delete':
          perform(world, { action: 'delete-backup', backup_id: backups[one.backup] ?? '' }, context);
          break;
        case 'pass':
          now += one.ms;
          break;
      }
      look(world, now);
    }
    advance(world, now + 1_000_000);
    return world;
  };

  it('reads the same whether or not it was read before', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), fc.constantFrom(0, 500, 2500), (steps, queueMs) => {
        const watched = play(steps, queueMs, advance);
        const unwatched = play(steps, queueMs, () => {});
        expect(unwatched).to.deep.equal(watched);
      }),
    );
  });

  it('keeps its invariants after any sequence of actions', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.constantFrom(0, 500, 2500), (steps, queueMs) => {
        play(steps, queueMs, (world, now) => {
          advance(world, now);
          const running = world.running.map((id) => world.jobs[id]);
          for (const volume of Object.values(world.volumes)) {
            const busy = running.some((job) => job?.volume_id === volume.id);
            expect(volume.status === 'restoring-backup').to.equal(busy);
            expect(volume.status === 'in-use').to.equal(
              volume.status !== 'backing-up' && volume.attachments.length > 0,
            );
            if (busy) expect(volume.content).to.not.equal('original');
            if (busy) expect(volume.attachments).to.deep.equal([]);
          }
          for (const backup of Object.values(world.backups)) {
            const busy = running.some((job) => job?.backup_id === backup.id);
            expect(backup.status === 'restoring').to.equal(busy);
          }
          if (queueMs === 0) {
            // Without a queue the service's own rules keep two restores apart.
            for (const job of Object.values(world.jobs)) expect(job.overlapped_with).to.deep.equal([]);
          }
          for (const job of Object.values(world.jobs)) {
            if (job.phase === 'succeeded') expect(job.started_ms).to.not.equal(null);
            if (job.ended_ms !== null) expect(job.ended_ms).to.be.at.least(job.started_ms ?? job.accepted_ms);
          }
        });
      }),
    );
  });

  it('ends every restore', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), fc.constantFrom(0, 500), (steps, queueMs) => {
        const world = play(steps, queueMs, () => {});
        expect(world.scheduled_events).to.deep.equal([]);
        expect(world.running).to.deep.equal([]);
        for (const job of Object.values(world.jobs)) expect(['succeeded', 'failed']).to.include(job.phase);
      }),
    );
  });

  it('processes its scheduled events in order of their times, and those of one moment in the order in which they were scheduled', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 5 })), (times) => {
        const world = seedWorld({ now: START, volumes: 0 });
        for (const [order, at_ms] of times.entries()) {
          schedule(world, { at_ms, event: 'restore_ends', job_id: String(order) });
        }
        const expected = times
          .map((at_ms, order) => ({ at_ms, event: 'restore_ends', job_id: String(order) }))
          .sort((one, other) => one.at_ms - other.at_ms);
        expect(world.scheduled_events).to.deep.equal(expected);
      }),
    );
  });
});

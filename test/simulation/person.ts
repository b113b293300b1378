import { resolveRestore } from '../../src/app/resolve.ts';
import { Failure } from '../../src/domain/errors.ts';
import type { Plan } from '../../src/domain/plan.ts';
import type { Resolution } from '../../src/domain/record.ts';
import type { Scene } from './scene.ts';
import type { SimProgram } from './sim-program.ts';
import { stackOf } from './stack-of.ts';
import type { Traffic } from './traffic.ts';

/** Somebody who can look at everything, and does what the remedies say. */
export class Person {
  readonly #scene: Scene;
  readonly #program: SimProgram;
  readonly #traffic: Traffic;

  constructor(scene: Scene, program: SimProgram, traffic: Traffic) {
    this.#scene = scene;
    this.#program = program;
    this.#traffic = traffic;
  }

  /** Somebody who can look at everything settles what is open, as the remedies say. */
  async settleOpen({ impatient = false, orphans = true } = {}): Promise<void> {
    this.#scene.advance();
    this.#scene.look();
    const records = [...(this.#scene.checker.ledger?.records.values() ?? [])];
    for (const record of records) {
      const orphan = orphans && record.status === 'intended' && !this.#scene.manifest.declares(record);
      const doubtful = record.status === 'failed' && record.touched === 'maybe' && !record.resolution;
      const underWay = record.status === 'intended' || record.status === 'running';
      const stuck = underWay && (impatient || this.#isRestoring(record));
      if (record.status !== 'unknown' && !orphan && !doubtful && !stuck) continue;
      const truth = this.#scene.checker.truthOf(record);
      // While the cloud is at it a person waits; who does not is refused.
      if (truth !== 'under-way') await this.#resolve(record.address, truth);
      else if (
        this.#isRestoring(record) &&
        (await this.#resolve(record.address, 'not-started')) === 'done' &&
        // It may have taken him longer than the restore.
        this.#isRestoring(record)
      )
        this.#scene.checker.found('resolve-while-restoring', `${record.address} while it is being restored`);
    }
  }

  /** Whether it was written down; `fooled`: by a look at an older copy of the cloud. */
  async #resolve(address: string, as: Resolution['as']): Promise<'done' | 'fooled' | 'refused'> {
    const process = this.#scene.begin(0, 'resolve', []);
    let done = false;
    const say = async () => {
      try {
        await resolveRestore(
          {
            ...this.#program.lockRequest('resolve'),
            address,
            decision: { as, reason: 'looked at it', by: 'a person' },
            settings: this.#scene.settings,
          },
          this.#program.ports(process),
        );
        done = true;
        this.#scene.note(`a person resolves ${address} as ${as}`);
      } catch (error) {
        if (!(error instanceof Failure)) this.#scene.checker.found('bug', `resolve: ${stackOf(error)}`);
        this.#scene.note(`resolve: ${String(error)}`);
      }
    };
    await this.#scene.until(process, say());
    return !done ? 'refused' : this.#traffic.isFooled(process) ? 'fooled' : 'done';
  }

  /** For as long as it takes to say so. */
  #isRestoring({ volume_id }: { readonly volume_id: string }): boolean {
    const soon = this.#scene.clock.now() + 10_000;
    return this.#scene.world.running.some((id) => {
      const job = this.#scene.world.jobs[id];
      return job?.volume_id === volume_id && (job.started_ms ?? 0) + job.duration_ms > soon;
    });
  }

  /** What a person does about each restore that is blocked, as the remedy says; the last resort is to give it up. */
  unblock(actions: Plan['actions']): void {
    let oneOfTwoGone = false;
    for (const action of actions) {
      if (action.kind !== 'blocked') continue;
      const codes = action.reasons.map(({ code }) => code);
      if (codes.includes('volume-shared') && !oneOfTwoGone) {
        oneOfTwoGone = true;
        this.#scene.manifest.remove(action.address);
      } else if (codes.some((code) => code === 'may-be-touched' || code === 'outcome-unknown'))
        this.#scene.manifest.raise(action.address);
      else if (codes.some((code) => GIVES_UP.has(code))) this.#scene.manifest.remove(action.address);
      this.#scene.note(`${action.address} was blocked: ${codes.join(', ')}`);
    }
  }

  mendCloud(): void {
    for (const job of Object.values(this.#scene.world.jobs)) {
      if (job.phase !== 'running' || !job.quirks.some(({ kind }) => kind === 'job_endless')) continue;
      // Support ends what never would.
      job.quirks.length = 0;
      job.phase = 'failed';
      job.ended_ms = this.#scene.clock.now();
      this.#scene.world.running = this.#scene.world.running.filter((id) => id !== job.id);
      this.#scene.operate({ action: 'set-status', volume_id: job.volume_id, status: 'error_restoring' });
      this.#scene.operate({ action: 'set-status', backup_id: job.backup_id, status: 'available' });
    }
    const busy = new Set(this.#scene.world.running.map((id) => this.#scene.world.jobs[id]?.volume_id));
    for (const volume of Object.values(this.#scene.world.volumes)) {
      if (volume.attachments.length > 0) this.#scene.operate({ action: 'detach', volume_id: volume.id });
      // Only what nobody waits for is reset: an open restore's end is read off the disk.
      const open = [...(this.#scene.checker.ledger?.records.values() ?? [])].some(
        (record) =>
          record.volume_id === volume.id && (record.status === 'intended' || record.status === 'running'),
      );
      if (volume.status !== 'available' && !busy.has(volume.id) && !open)
        this.#scene.operate({ action: 'set-status', volume_id: volume.id, status: 'available' });
    }
    for (const backup of Object.values(this.#scene.world.backups)) {
      const used = this.#scene.world.running.some(
        (id) => this.#scene.world.jobs[id]?.backup_id === backup.id,
      );
      if (backup.status !== 'available' && !used)
        this.#scene.operate({ action: 'set-status', backup_id: backup.id, status: 'available' });
    }
  }
}

/** Reasons that no waiting and no resolving takes away. */
const GIVES_UP = new Set([
  'volume-too-small',
  'backup-gone',
  'volume-gone',
  'selector-empty',
  'same-restore-twice',
]);

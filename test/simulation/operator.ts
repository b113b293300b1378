import { resolveRestore } from '../../src/app/resolve.ts';
import { Failure } from '../../src/domain/errors.ts';
import type { Plan } from '../../src/domain/plan.ts';
import type { Resolution } from '../../src/domain/record.ts';
import type { Environment } from './environment.ts';
import type { ObservedNetwork } from './observed-network.ts';
import type { SimProgram } from './sim-program.ts';
import { stackOf } from './stack-of.ts';

/** The operator: can read everything, and does what the remedies say. */
export class Operator {
  readonly #environment: Environment;
  readonly #program: SimProgram;
  readonly #observedNetwork: ObservedNetwork;

  constructor(environment: Environment, program: SimProgram, observedNetwork: ObservedNetwork) {
    this.#environment = environment;
    this.#program = program;
    this.#observedNetwork = observedNetwork;
  }

  /** Settles what is open, as the remedies say. */
  async settleOpen({ impatient = false, orphans = true } = {}): Promise<void> {
    this.#environment.advance();
    this.#environment.look();
    const records = [...(this.#environment.checker.storedState?.records.values() ?? [])];
    for (const record of records) {
      const orphan = orphans && record.status === 'intended' && !this.#environment.manifest.declares(record);
      const doubtful = record.status === 'failed' && record.touched === 'maybe' && !record.resolution;
      const underWay = record.status === 'intended' || record.status === 'running';
      const stuck = underWay && (impatient || this.#isRestoring(record));
      if (record.status !== 'unknown' && !orphan && !doubtful && !stuck) continue;
      const truth = this.#environment.checker.truthOf(record);
      // An operator waits while the cloud is restoring; one who does not is refused.
      if (truth !== 'under-way') await this.#resolve(record.address, truth);
      else if (
        this.#isRestoring(record) &&
        (await this.#resolve(record.address, 'not-started')) === 'done' &&
        // The resolution may have taken longer than the restore.
        this.#isRestoring(record)
      )
        this.#environment.checker.found(
          'resolve-while-restoring',
          `${record.address} while it is being restored`,
        );
    }
  }

  /** Whether it was written down; `stale`: after a read of an older copy of the cloud. */
  async #resolve(address: string, as: Resolution['as']): Promise<'done' | 'stale' | 'refused'> {
    const process = this.#environment.begin(0, 'resolve', []);
    let done = false;
    const say = async () => {
      try {
        await resolveRestore(
          {
            ...this.#program.lockRequest('resolve'),
            address,
            decision: { as, reason: 'looked at it', by: 'an operator' },
            settings: this.#environment.settings,
            apiChosen: true,
          },
          this.#program.ports(process),
        );
        done = true;
        this.#environment.note(`an operator resolves ${address} as ${as}`);
      } catch (error) {
        if (!(error instanceof Failure)) this.#environment.checker.found('bug', `resolve: ${stackOf(error)}`);
        this.#environment.note(`resolve: ${String(error)}`);
      }
    };
    await this.#environment.until(process, say());
    return !done ? 'refused' : this.#observedNetwork.hasReadStale(process) ? 'stale' : 'done';
  }

  /** For as long as a resolution takes. */
  #isRestoring({ volume_id }: { readonly volume_id: string }): boolean {
    const soon = this.#environment.clock.now() + 10_000;
    return this.#environment.world.running.some((id) => {
      const job = this.#environment.world.jobs[id];
      return job?.volume_id === volume_id && (job.started_ms ?? 0) + job.duration_ms > soon;
    });
  }

  /** What an operator does about each restore that is blocked, as the remedy says; the last resort is to give it up. */
  unblock(actions: Plan['actions']): void {
    let oneOfTwoGone = false;
    for (const action of actions) {
      if (action.kind !== 'blocked') continue;
      const codes = action.reasons.map(({ code }) => code);
      if (codes.includes('volume-shared') && !oneOfTwoGone) {
        oneOfTwoGone = true;
        this.#environment.manifest.remove(action.address);
      } else if (codes.some((code) => code === 'may-be-touched' || code === 'outcome-unknown'))
        this.#environment.manifest.raise(action.address);
      else if (codes.some((code) => GIVES_UP.has(code))) this.#environment.manifest.remove(action.address);
      this.#environment.note(`${action.address} was blocked: ${codes.join(', ')}`);
    }
  }

  repairCloud(): void {
    for (const job of Object.values(this.#environment.world.jobs)) {
      if (job.phase !== 'running' || !job.faults.some(({ kind }) => kind === 'job_endless')) continue;
      // Support ends what never would.
      job.faults.length = 0;
      job.phase = 'failed';
      job.ended_ms = this.#environment.clock.now();
      this.#environment.world.running = this.#environment.world.running.filter((id) => id !== job.id);
      this.#environment.operate({
        action: 'set-status',
        volume_id: job.volume_id,
        status: 'error_restoring',
      });
      this.#environment.operate({ action: 'set-status', backup_id: job.backup_id, status: 'available' });
    }
    const busy = new Set(
      this.#environment.world.running.map((id) => this.#environment.world.jobs[id]?.volume_id),
    );
    for (const volume of Object.values(this.#environment.world.volumes)) {
      if (volume.attachments.length > 0)
        this.#environment.operate({ action: 'detach', volume_id: volume.id });
      // Only what nobody waits for is reset: an open restore's end is read off the disk.
      const open = [...(this.#environment.checker.storedState?.records.values() ?? [])].some(
        (record) =>
          record.volume_id === volume.id && (record.status === 'intended' || record.status === 'running'),
      );
      if (volume.status !== 'available' && !busy.has(volume.id) && !open)
        this.#environment.operate({ action: 'set-status', volume_id: volume.id, status: 'available' });
    }
    for (const backup of Object.values(this.#environment.world.backups)) {
      const used = this.#environment.world.running.some(
        (id) => this.#environment.world.jobs[id]?.backup_id === backup.id,
      );
      if (backup.status !== 'available' && !used)
        this.#environment.operate({ action: 'set-status', backup_id: backup.id, status: 'available' });
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

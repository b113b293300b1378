import type { Environment } from './environment.ts';
import type { ObservedNetwork } from './observed-network.ts';
import type { ConcurrentEvent, OtherClientAction } from './scenario.ts';
import type { SimProcess } from './sim-process.ts';
import type { SimProgram } from './sim-program.ts';

const HOUR = 3_600_000;
/** How often, and for how long, an action that waits for the end of a restore checks for it: virtual time, ms. */
const END_CHECK_MS = 250;
const END_WAIT_MS_MAX = HOUR;

/** What goes on while a command runs: to its process, its network, and in the cloud by other clients. */
export class ConcurrentEvents {
  readonly #environment: Environment;
  readonly #program: SimProgram;
  readonly #observedNetwork: ObservedNetwork;

  constructor(environment: Environment, program: SimProgram, observedNetwork: ObservedNetwork) {
    this.#environment = environment;
    this.#program = program;
    this.#observedNetwork = observedNetwork;
  }

  async trigger(event: ConcurrentEvent, process: SimProcess): Promise<void> {
    if ('since' in event) await this.#since(event);
    await this.#environment.clock.sleep(event.after_ms);
    if (this.#environment.isFinalPhase) return;
    const { kind } = event;
    const volumes = Object.keys(this.#environment.world.volumes);
    const backups = this.#environment.manifest.backupIds;
    const volume = (disk: number) => volumes[disk % volumes.length] as string;
    const backup = (number: number) => backups[number % backups.length] as string;
    this.#environment.note(`meanwhile: ${kind}`);
    switch (kind) {
      case 'kill':
        if (process.isDead) return;
        process.kill();
        this.#environment.crashes++;
        this.#environment.coverage.fault('die', undefined);
        return;
      case 'interrupt':
        process.stop.abort(new Error('interrupted'));
        this.#environment.coverage.fault('interrupt', undefined);
        return;
      case 'clock':
        // Who slept and whose clock is set back at once has no clock left that knows.
        process.machine.skewMs += this.#environment.sleeps ? Math.abs(event.jump_ms) : event.jump_ms;
        this.#environment.coverage.fault('clock jump', undefined);
        return;
      case 'cut_off':
        this.#observedNetwork.network.down = true;
        this.#environment.coverage.fault('cut off', undefined);
        await this.#environment.clock.sleep(event.for_ms);
        this.#observedNetwork.network.down = false;
        return;
      case 'rival': {
        const rival = this.#environment.begin(1, 'apply', []);
        await this.#environment.until(rival, this.#program.command(rival, 'apply', event.lock_timeout_ms));
        return;
      }
      case 'store_away':
        if (!this.#environment.bucket) return;
        this.#environment.bucket.bucket.away = true;
        this.#environment.coverage.fault('S3 away', undefined);
        await this.#environment.clock.sleep(event.for_ms);
        this.#environment.bucket.bucket.away = false;
        return;
      case 'attach': {
        const volume_id = volume(event.disk);
        this.#environment.operate({ action: 'attach', volume_id, server: 'somebody' });
        this.#environment.coverage.fault('attach', { volume_id });
        await this.#environment.clock.sleep(event.for_ms);
        this.#environment.operate({ action: 'detach', volume_id });
        return;
      }
      case 'restore':
      case 'restore_same': {
        const pair =
          kind === 'restore'
            ? { volume_id: volume(event.disk), backup_id: backup(event.backup) }
            : this.#environment.manifest.pair(event.entry);
        if (!pair) return;
        this.#environment.operate({ action: 'restore', ...pair });
        this.#environment.coverage.fault(kind === 'restore' ? 'another restore' : 'same restore', pair);
        return;
      }
      case 'restore_elsewhere':
      case 'restore_both': {
        const pair = this.#environment.manifest.pair(event.entry);
        const another = volumes.find((id) => id !== pair?.volume_id);
        const foreign = backups.find(
          (id) =>
            id !== pair?.backup_id && this.#environment.world.backups[id]?.volume_id !== pair?.volume_id,
        );
        if (!pair || another === undefined || foreign === undefined) return;
        this.#environment.operate({ action: 'restore', volume_id: another, backup_id: pair.backup_id });
        if (kind === 'restore_both')
          this.#environment.operate({ action: 'restore', volume_id: pair.volume_id, backup_id: foreign });
        this.#environment.coverage.fault('another restore', pair);
        return;
      }
      case 'delete_backup': {
        const backup_id = backup(event.backup);
        this.#environment.operate({ action: 'delete-backup', backup_id });
        this.#environment.coverage.fault('delete backup', { backup_id });
        return;
      }
      case 'extend': {
        const volume_id = volume(event.disk);
        const size = (this.#environment.world.volumes[volume_id]?.size_gb ?? 0) + 10;
        this.#environment.operate({ action: 'extend', volume_id, size });
        this.#environment.coverage.fault('extend', { volume_id });
        return;
      }
      case 'crossed':
      case 'overwrite':
      case 'fail':
      case 'reset':
        return this.#otherClientDoes(event);
      case 'daemon':
        this.#environment.operate({ action: 'settings', settings: { service_up: false } });
        this.#environment.coverage.fault('daemon down', undefined);
        await this.#environment.clock.sleep(event.for_ms);
        this.#environment.operate({ action: 'settings', settings: { service_up: true } });
        return;
      default:
        return kind satisfies never;
    }
  }

  /** The moment that the action counts from. */
  async #since({
    since,
    entry,
  }: {
    readonly since?: 'request' | 'end';
    readonly entry?: number;
  }): Promise<void> {
    const volume_id = this.#environment.manifest.pair(entry ?? 0)?.volume_id;
    if (since === undefined || volume_id === undefined) return;
    const began = this.#environment.clock.now();
    if (since === 'request') {
      await this.#observedNetwork.firstRequest(volume_id);
      return;
    }
    while (!this.#environment.isFinalPhase && this.#environment.clock.now() - began < END_WAIT_MS_MAX) {
      this.#environment.advance();
      if (this.#environment.otherClients.hasEnded(volume_id, began)) return;
      await this.#environment.clock.sleep(END_CHECK_MS);
    }
  }

  async #otherClientDoes(action: OtherClientAction): Promise<void> {
    const pair = this.#environment.manifest.pair(action.entry);
    if (!pair) return;
    const { volume_id, backup_id } = pair;
    this.#environment.coverage.fault(`other client: ${action.kind}`, pair);
    switch (action.kind) {
      case 'crossed': {
        const another = this.#environment.otherClients.otherBackup(pair, action.from);
        const elsewhere = this.#environment.otherClients.anotherVolume(volume_id);
        if (another === undefined || elsewhere === undefined) return;
        const [disk_ms, backup_ms] = action.length ?? [];
        const intoDisk = () => this.#restoreByOtherClient({ volume_id, backup_id: another }, disk_ms);
        const fromBackup = () => this.#restoreByOtherClient({ volume_id: elsewhere, backup_id }, backup_ms);
        const [first, second] = action.first === 'disk' ? [intoDisk, fromBackup] : [fromBackup, intoDisk];
        first();
        await this.#environment.clock.sleep(action.gap_ms);
        if (!this.#environment.isFinalPhase) second();
        return;
      }
      case 'overwrite': {
        const another = this.#environment.otherClients.otherBackup(pair, action.from);
        if (another !== undefined)
          this.#restoreByOtherClient({ volume_id, backup_id: another }, action.length_ms, action.fails);
        return;
      }
      case 'fail':
        this.#environment.advance();
        this.#environment.otherClients.spoil(volume_id);
        return;
      case 'reset':
        this.#environment.advance();
        if (!this.#environment.world.volumes[volume_id]?.status.startsWith('error')) return;
        this.#environment.operate({ action: 'set-status', volume_id, status: 'available' });
        this.#environment.checker.reset(volume_id, this.#environment.clock.now());
        return;
      default:
        return action satisfies never;
    }
  }

  #restoreByOtherClient(
    pair: { readonly volume_id: string; readonly backup_id: string },
    length_ms?: number,
    fails?: true,
  ): void {
    this.#environment.advance();
    this.#environment.otherClients.restore(pair, this.#environment.clock.now(), {
      ...(length_ms === undefined ? {} : { length_ms }),
      ...(fails ? { fails } : {}),
    });
    this.#environment.look();
  }
}

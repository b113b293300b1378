import type { Scene } from './scene.ts';
import type { SimProcess } from './sim-process.ts';
import type { SimProgram } from './sim-program.ts';
import type { Happening, StrangersDeed } from './story.ts';
import type { Traffic } from './traffic.ts';

const HOUR = 3_600_000;
/** How often, and for how long, it is looked whether a restore has ended that somebody waits for: virtual time, ms. */
const END_LOOKS_MS = 250;
const END_WAIT_MS_MAX = HOUR;

/** What goes on while a command runs: to its process, its network, and in the cloud by other people. */
export class Happenings {
  readonly #scene: Scene;
  readonly #program: SimProgram;
  readonly #traffic: Traffic;

  constructor(scene: Scene, program: SimProgram, traffic: Traffic) {
    this.#scene = scene;
    this.#program = program;
    this.#traffic = traffic;
  }

  async happen(happening: Happening, process: SimProcess): Promise<void> {
    if ('since' in happening) await this.#since(happening);
    await this.#scene.clock.sleep(happening.after_ms);
    if (this.#scene.quiet) return;
    const { kind } = happening;
    const volumes = Object.keys(this.#scene.world.volumes);
    const backups = this.#scene.manifest.backupIds;
    const volume = (disk: number) => volumes[disk % volumes.length] as string;
    const backup = (number: number) => backups[number % backups.length] as string;
    this.#scene.note(`meanwhile: ${kind}`);
    switch (kind) {
      case 'kill':
        if (process.isDead) return;
        process.kill();
        this.#scene.crashes++;
        this.#scene.coverage.fault('die', undefined);
        return;
      case 'interrupt':
        process.stop.abort(new Error('interrupted'));
        this.#scene.coverage.fault('interrupt', undefined);
        return;
      case 'clock':
        // Who slept and whose clock is set back at once has no clock left that knows.
        process.machine.skewMs += this.#scene.sleeps ? Math.abs(happening.jump_ms) : happening.jump_ms;
        this.#scene.coverage.fault('clock jump', undefined);
        return;
      case 'cut_off':
        this.#traffic.network.down = true;
        this.#scene.coverage.fault('cut off', undefined);
        await this.#scene.clock.sleep(happening.for_ms);
        this.#traffic.network.down = false;
        return;
      case 'rival': {
        const rival = this.#scene.begin(1, 'apply', []);
        await this.#scene.until(rival, this.#program.command(rival, 'apply', happening.lock_timeout_ms));
        return;
      }
      case 'store_away':
        if (!this.#scene.bucket) return;
        this.#scene.bucket.bucket.away = true;
        this.#scene.coverage.fault('S3 away', undefined);
        await this.#scene.clock.sleep(happening.for_ms);
        this.#scene.bucket.bucket.away = false;
        return;
      case 'attach': {
        const volume_id = volume(happening.disk);
        this.#scene.operate({ action: 'attach', volume_id, server: 'somebody' });
        this.#scene.coverage.fault('attach', { volume_id });
        await this.#scene.clock.sleep(happening.for_ms);
        this.#scene.operate({ action: 'detach', volume_id });
        return;
      }
      case 'restore':
      case 'restore_same': {
        const pair =
          kind === 'restore'
            ? { volume_id: volume(happening.disk), backup_id: backup(happening.backup) }
            : this.#scene.manifest.pair(happening.entry);
        if (!pair) return;
        this.#scene.operate({ action: 'restore', ...pair });
        this.#scene.coverage.fault(kind === 'restore' ? 'another restore' : 'same restore', pair);
        return;
      }
      case 'restore_elsewhere':
      case 'restore_both': {
        const pair = this.#scene.manifest.pair(happening.entry);
        const another = volumes.find((id) => id !== pair?.volume_id);
        const foreign = backups.find(
          (id) => id !== pair?.backup_id && this.#scene.world.backups[id]?.volume_id !== pair?.volume_id,
        );
        if (!pair || another === undefined || foreign === undefined) return;
        this.#scene.operate({ action: 'restore', volume_id: another, backup_id: pair.backup_id });
        if (kind === 'restore_both')
          this.#scene.operate({ action: 'restore', volume_id: pair.volume_id, backup_id: foreign });
        this.#scene.coverage.fault('another restore', pair);
        return;
      }
      case 'delete_backup': {
        const backup_id = backup(happening.backup);
        this.#scene.operate({ action: 'delete-backup', backup_id });
        this.#scene.coverage.fault('delete backup', { backup_id });
        return;
      }
      case 'extend': {
        const volume_id = volume(happening.disk);
        const size = (this.#scene.world.volumes[volume_id]?.size_gb ?? 0) + 10;
        this.#scene.operate({ action: 'extend', volume_id, size });
        this.#scene.coverage.fault('extend', { volume_id });
        return;
      }
      case 'crossed':
      case 'overwrite':
      case 'fail':
      case 'reset':
        return this.#strangersDo(happening);
      case 'daemon':
        this.#scene.operate({ action: 'settings', settings: { service_up: false } });
        this.#scene.coverage.fault('daemon down', undefined);
        await this.#scene.clock.sleep(happening.for_ms);
        this.#scene.operate({ action: 'settings', settings: { service_up: true } });
        return;
      default:
        return kind satisfies never;
    }
  }

  /** The moment that the deed counts from. */
  async #since({
    since,
    entry,
  }: {
    readonly since?: 'request' | 'end';
    readonly entry?: number;
  }): Promise<void> {
    const volume_id = this.#scene.manifest.pair(entry ?? 0)?.volume_id;
    if (since === undefined || volume_id === undefined) return;
    const began = this.#scene.clock.now();
    if (since === 'request') {
      await this.#traffic.firstRequest(volume_id);
      return;
    }
    while (!this.#scene.quiet && this.#scene.clock.now() - began < END_WAIT_MS_MAX) {
      this.#scene.advance();
      if (this.#scene.strangers.hasEnded(volume_id, began)) return;
      await this.#scene.clock.sleep(END_LOOKS_MS);
    }
  }

  async #strangersDo(deed: StrangersDeed): Promise<void> {
    const pair = this.#scene.manifest.pair(deed.entry);
    if (!pair) return;
    const { volume_id, backup_id } = pair;
    this.#scene.coverage.fault(`stranger: ${deed.kind}`, pair);
    switch (deed.kind) {
      case 'crossed': {
        const another = this.#scene.strangers.otherBackup(pair, deed.from);
        const elsewhere = this.#scene.strangers.anotherVolume(volume_id);
        if (another === undefined || elsewhere === undefined) return;
        const [disk_ms, backup_ms] = deed.length ?? [];
        const intoDisk = () => this.#stranger({ volume_id, backup_id: another }, disk_ms);
        const fromBackup = () => this.#stranger({ volume_id: elsewhere, backup_id }, backup_ms);
        const [first, second] = deed.first === 'disk' ? [intoDisk, fromBackup] : [fromBackup, intoDisk];
        first();
        await this.#scene.clock.sleep(deed.gap_ms);
        if (!this.#scene.quiet) second();
        return;
      }
      case 'overwrite': {
        const another = this.#scene.strangers.otherBackup(pair, deed.from);
        if (another !== undefined)
          this.#stranger({ volume_id, backup_id: another }, deed.length_ms, deed.fails);
        return;
      }
      case 'fail':
        this.#scene.advance();
        this.#scene.strangers.spoil(volume_id);
        return;
      case 'reset':
        this.#scene.advance();
        if (!this.#scene.world.volumes[volume_id]?.status.startsWith('error')) return;
        this.#scene.operate({ action: 'set-status', volume_id, status: 'available' });
        this.#scene.checker.reset(volume_id, this.#scene.clock.now());
        return;
      default:
        return deed satisfies never;
    }
  }

  #stranger(
    pair: { readonly volume_id: string; readonly backup_id: string },
    length_ms?: number,
    fails?: true,
  ): void {
    this.#scene.advance();
    this.#scene.strangers.restore(pair, this.#scene.clock.now(), {
      ...(length_ms === undefined ? {} : { length_ms }),
      ...(fails ? { fails } : {}),
    });
    this.#scene.look();
  }
}

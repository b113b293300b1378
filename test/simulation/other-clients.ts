import type { JobFault } from '../../src/emulator/faults.ts';
import { type Job, restore, restoreByCinder, type World } from '../../src/emulator/model.ts';

interface Pair {
  readonly volume_id: string;
  readonly backup_id: string;
}

/** Restores of other people, by the ways of the cloud that the scenario has. */
export class OtherClients {
  readonly #world: World;
  readonly #api: 'vbs' | 'cinder';
  #restores = 0;

  constructor(world: World, api: 'vbs' | 'cinder') {
    this.#world = world;
    this.#api = api;
  }

  /** Taken on at once, or refused by the rules of the cloud. `length_ms`: absent, as long as everybody's. */
  restore(
    pair: Pair,
    now_ms: number,
    { length_ms, fails }: { readonly length_ms?: number; readonly fails?: true } = {},
  ): void {
    const faults: JobFault[] = fails ? [{ kind: 'restore_fails', touched: true }] : [];
    const job_id = `other-client-${++this.#restores}`;
    const project_id = this.#world.volumes[pair.volume_id]?.project_id ?? '';
    const order = {
      ...pair,
      project_id,
      request_id: `req-${job_id}`,
      job_id,
      cause: 'operator',
      faults,
    } as const;
    const backup = this.#world.backups[pair.backup_id];
    const usual = backup?.job_duration_ms;
    if (backup && length_ms !== undefined) backup.job_duration_ms = length_ms;
    if (this.#api === 'cinder') restoreByCinder(this.#world, { ...order }, now_ms);
    else restore(this.#world, { ...order }, now_ms);
    if (!backup || length_ms === undefined) return;
    if (usual === undefined) delete backup.job_duration_ms;
    else backup.job_duration_ms = usual;
  }

  /** What writes the disk now will fail. */
  spoil(volume_id: string): void {
    for (const job of this.#underWay(volume_id)) job.faults.push({ kind: 'restore_fails', touched: true });
  }

  /** Whether a restore into the disk that was taken on since then, whosever, has ended. */
  hasEnded(volume_id: string, since_ms: number): boolean {
    return Object.values(this.#world.jobs).some(
      (job) => job.volume_id === volume_id && job.accepted_ms >= since_ms && job.ended_ms !== null,
    );
  }

  /** Another backup than this one: of the disk itself, or of another. */
  otherBackup({ volume_id, backup_id }: Pair, from: 'own' | 'foreign'): string | undefined {
    return Object.values(this.#world.backups).find(
      (backup) => backup.id !== backup_id && (backup.volume_id === volume_id) === (from === 'own'),
    )?.id;
  }

  /** A disk that nobody writes, but this one. */
  anotherVolume(volume_id: string): string | undefined {
    const others = Object.values(this.#world.volumes).filter(({ id }) => id !== volume_id);
    return (others.find(({ status }) => status === 'available') ?? others[0])?.id;
  }

  #underWay(volume_id: string): Job[] {
    return Object.values(this.#world.jobs).filter(
      (job) => job.volume_id === volume_id && (job.phase === 'queued' || job.phase === 'running'),
    );
  }
}

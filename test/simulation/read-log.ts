interface Taken {
  readonly id: string;
  readonly status: string;
  readonly at: number;
}

/** What each process read of disks and backups, in order. Times are monotonic ms. */
export class ReadLog {
  readonly #reads = new Map<string, Taken[]>();
  /** Process → when it last wrote its state. */
  readonly #wrote = new Map<string, number>();

  observed(process: string, id: string, status: string, at: number): void {
    const looks = this.#reads.get(process);
    if (looks) looks.push({ id, status, at });
    else this.#reads.set(process, [{ id, status, at }]);
  }

  wrote(process: string, at: number): void {
    this.#wrote.set(process, at);
  }

  /**
   * Whether a process that lived on read the disk as restoring, then the backup as at rest, then the disk as restoring:
   * so at one instant only the disk was, and no restore of the backup into it looks like that.
   */
  sawAlone(volume_id: string, backup_id: string, since: number): boolean {
    return [...this.#reads].some(([process, looks]) => {
      const wrote = this.#wrote.get(process) ?? Number.NEGATIVE_INFINITY;
      let step = 0;
      for (const { id, status, at } of looks) {
        if (at < since || at > wrote || (id !== volume_id && id !== backup_id)) continue;
        const restoring = status.startsWith('restoring');
        if (id === volume_id) step = restoring ? (step === 2 ? 3 : Math.max(step, 1)) : 0;
        else step = restoring ? 0 : step === 1 ? 2 : step;
        if (step === 3) return true;
      }
      return false;
    });
  }
}

/**
 * A second reading of the state's two files, for the checker: it shares no code with the program, and believes
 * nothing that it cannot see in the text.
 */
export interface StoredRecord {
  readonly address: string;
  readonly status: string;
  readonly volume_id: string;
  readonly backup_id: string;
  readonly generation: number;
  readonly evidence?: string;
  readonly touched?: string;
  readonly resolution?: { readonly as: string };
  readonly attempts: readonly StoredAttempt[];
  readonly baseline?: { readonly volume: StoredObservation; readonly backup: StoredObservation };
  readonly job_id?: string;
  readonly reason?: string;
  readonly cause?: string;
}

export interface StoredAttempt {
  readonly intended_at?: string;
  readonly answer?: string;
  /** It was found out that it started nothing. */
  readonly settled?: { readonly at: string };
}

export interface StoredObservation {
  readonly status: string;
  readonly updated_at?: string;
  readonly src_backup_id?: string;
}

export interface StoredState {
  readonly lineage: string;
  readonly serial: number;
  readonly records: ReadonlyMap<string, StoredRecord>;
  /** Everything that was ever closed, oldest first; renames left out. */
  readonly closed: readonly StoredRecord[];
}

interface Group {
  readonly commits?: readonly {
    readonly serial: number;
    readonly changes: readonly (
      | { readonly type: 'record'; readonly record: StoredRecord }
      | { readonly type: 'moved'; readonly moves: readonly { readonly from: string; readonly to: string }[] }
    )[];
  }[];
}

/** Reads the files again and again as they grow, each line once. */
export class StateReader {
  #snapshot: Buffer | undefined;
  #base: StoredState | undefined;
  #journal: { readonly id: number; offset: number; readonly lineage: string } | undefined;
  #serial = 0;
  #records = new Map<string, StoredRecord>();
  #closed: StoredRecord[] = [];

  read(
    snapshot: Buffer | undefined,
    journal: { readonly id: number; readonly bytes: Buffer } | undefined,
  ): StoredState | undefined {
    if (!snapshot) return undefined;
    const grown =
      snapshot === this.#snapshot &&
      journal?.id === this.#journal?.id &&
      (!journal || !this.#journal || journal.bytes.length >= this.#journal.offset);
    if (!grown || !this.#base) this.#begin(snapshot);
    if (journal) this.#readOn(journal);
    return {
      lineage: this.#base?.lineage ?? '',
      serial: this.#serial,
      records: this.#records,
      closed: this.#closed,
    };
  }

  #begin(snapshot: Buffer): void {
    const { lineage, serial, records, history } = JSON.parse(snapshot.toString());
    this.#snapshot = snapshot;
    this.#journal = undefined;
    this.#serial = serial;
    this.#records = new Map(records.map((record: StoredRecord) => [record.address, record]));
    this.#closed = history.flatMap((entry: { type: string; record: StoredRecord }) =>
      entry.type === 'closed' ? [entry.record] : [],
    );
    this.#base = { lineage, serial, records: this.#records, closed: this.#closed };
  }

  #readOn({ id, bytes }: { readonly id: number; readonly bytes: Buffer }): void {
    let place = this.#journal;
    if (!place) {
      const end = bytes.indexOf(10);
      if (end < 0) return;
      const { journal } = JSON.parse(bytes.toString('utf8', 0, end));
      place = { id, offset: end + 1, lineage: journal.lineage };
      this.#journal = place;
    }
    if (place.lineage !== this.#base?.lineage) return;
    for (;;) {
      const end = bytes.indexOf(10, place.offset);
      if (end < 0) return;
      const group = JSON.parse(bytes.toString('utf8', place.offset, end)) as Group;
      place.offset = end + 1;
      for (const { serial, changes } of group.commits ?? []) {
        if (serial <= this.#serial) continue;
        this.#serial = serial;
        for (const change of changes) {
          if (change.type === 'record') this.#put(change.record);
          else this.#move(change.moves);
        }
      }
    }
  }

  #put(record: StoredRecord): void {
    this.#records.set(record.address, record);
    if (record.status !== 'intended' && record.status !== 'running') this.#closed.push(record);
  }

  #move(moves: readonly { readonly from: string; readonly to: string }[]): void {
    const moving = moves.flatMap(({ from, to }) => {
      const record = this.#records.get(from);
      return record ? [{ ...record, address: to }] : [];
    });
    for (const { from } of moves) this.#records.delete(from);
    for (const record of moving) this.#records.set(record.address, record);
  }
}

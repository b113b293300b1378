import { addressOf, type RestoreSpec } from '../../src/domain/spec.ts';
import type { World } from '../../src/emulator/model.ts';
import type { Edit, Entry } from './scenario.ts';

/** The declared restores, as people edit them between the runs. */
export class Manifest {
  readonly backupIds: readonly string[];
  readonly #volumeIds: readonly string[];
  readonly #world: World;
  #entries: Entry[];
  #before: Entry[];

  constructor(
    entries: readonly Entry[],
    volumeIds: readonly string[],
    backupIds: readonly string[],
    world: World,
  ) {
    this.#entries = [...entries];
    this.#before = this.#entries;
    this.#volumeIds = volumeIds;
    this.backupIds = backupIds;
    this.#world = world;
  }

  specs(): RestoreSpec[] {
    const addresses = this.addresses();
    return this.#entries.map((entry, index) => {
      const { set, name, generation, after } = entry;
      const volume_id = this.#volumeOf(entry);
      const backup_id = this.#backupOf(entry);
      const of_volume = this.#world.backups[backup_id]?.volume_id ?? volume_id;
      const on = after === undefined ? undefined : addressOf(set, after);
      return {
        set,
        name,
        address: addressOf(set, name),
        labels: {},
        volume: { by: 'id', id: volume_id },
        backup: entry.by_rule
          ? { by: 'selector', selector: { as_of: 'latest', of_volume } }
          : { by: 'id', id: backup_id },
        generation,
        expect: {},
        // Only on what stands before it: the loader refuses circles.
        depends_on: on !== undefined && addresses.slice(0, index).includes(on) ? [on] : [],
        source: { file: 'restores.yaml', line: 1 },
      };
    });
  }

  addresses(): string[] {
    return this.#entries.map(({ set, name }) => addressOf(set, name));
  }

  declares(record: {
    readonly volume_id: string;
    readonly backup_id: string;
    readonly generation: number;
  }): boolean {
    return this.#entries.some(
      (entry) =>
        this.#volumeOf(entry) === record.volume_id &&
        (entry.by_rule === true || this.#backupOf(entry) === record.backup_id) &&
        entry.generation === record.generation,
    );
  }

  pair(number: number): { readonly volume_id: string; readonly backup_id: string } | undefined {
    const entry = this.#entry(number);
    return entry && { volume_id: this.#volumeOf(entry), backup_id: this.#backupOf(entry) };
  }

  edit(edit: Exclude<Edit, { kind: 'protect' }>): void {
    if (edit.kind === 'revert') {
      [this.#entries, this.#before] = [this.#before, this.#entries];
      return;
    }
    const entry = this.#entry(edit.entry);
    if (!entry) return;
    this.#before = this.#entries;
    const replaceBy = (...changed: Entry[]) => {
      this.#entries = distinct(this.#entries.flatMap((one) => (one === entry ? changed : [one])));
    };
    switch (edit.kind) {
      case 'rename':
        replaceBy({ ...entry, name: `${entry.name}x` });
        return;
      case 'move':
        replaceBy({ ...entry, set: entry.set === 'one' ? 'two' : 'one' });
        return;
      case 'swap': {
        const other = this.#entry(edit.with);
        if (!other || other === entry) return;
        this.#entries = this.#entries.map((one) =>
          one === entry
            ? { ...one, set: other.set, name: other.name }
            : one === other
              ? { ...one, set: entry.set, name: entry.name }
              : one,
        );
        return;
      }
      case 'remove':
        replaceBy();
        return;
      case 'raise':
        replaceBy({ ...entry, generation: entry.generation + 1 });
        return;
      case 'exchange':
        replaceBy({ ...entry, backup: edit.backup });
        return;
      case 'double':
        replaceBy(entry, { ...entry, set: 'three', name: `${entry.name}d` });
        return;
      default:
        edit satisfies never;
    }
  }

  raise(address: string): void {
    this.#entries = this.#entries.map((entry) =>
      addressOf(entry.set, entry.name) === address ? { ...entry, generation: entry.generation + 1 } : entry,
    );
  }

  remove(address: string): void {
    this.#entries = this.#entries.filter((entry) => addressOf(entry.set, entry.name) !== address);
  }

  #entry(number: number): Entry | undefined {
    return this.#entries[number % Math.max(this.#entries.length, 1)];
  }

  #volumeOf({ disk }: Entry): string {
    return this.#volumeIds[disk % this.#volumeIds.length] as string;
  }

  #backupOf({ backup }: Entry): string {
    return this.backupIds[backup % this.backupIds.length] as string;
  }
}

/** The manifest loader refuses an address that stands twice. */
function distinct(entries: readonly Entry[]): Entry[] {
  const byAddress = new Map(entries.map((entry) => [addressOf(entry.set, entry.name), entry]));
  return [...byAddress.values()];
}

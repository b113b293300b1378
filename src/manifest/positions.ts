/** A path in plain data: `['spec', 'restores', 0, 'name']`. */
export type Path = readonly (string | number)[];

/** JavaScript puts such keys first in an object, whatever their order in the text. */
const INTEGER_KEY = /^[0-9]+$/;

/**
 * The source offsets of plain data, one list of numbers for each map or list. They take little memory, so every
 * document has them, and the tree of the parser can be dropped.
 */
export class Positions {
  #root = 0;
  /** For a list: the offsets of its values. For a map: of key and value alternately, in the order of its keys. */
  readonly #offsets = new Map<object, readonly number[]>();
  /** The keys in the order of the text, for the few maps whose object has another order. */
  readonly #keys = new Map<object, readonly string[]>();
  /** The index of each key, for maps that were looked up: there may be a thousand lookups. */
  readonly #indexes = new Map<object, ReadonlyMap<string, number>>();

  root(offset: number): void {
    this.#root = offset;
  }

  list(data: readonly unknown[], offsets: readonly number[]): void {
    this.#offsets.set(data, offsets);
  }

  map(data: object, entries: MapEntries): void {
    this.#offsets.set(data, entries.offsets);
    if (entries.reordered) this.#keys.set(data, entries.reordered);
  }

  /** The offset of the value at `path` in `data`, or of its key; if there is none, of the map or list around it. */
  locate(data: unknown, path: Path, part: 'value' | 'key' = 'value'): number {
    let offset = this.#root;
    let value = data;
    for (const [depth, step] of path.entries()) {
      if (typeof value !== 'object' || value === null) return offset;
      const inMap = !Array.isArray(value);
      const index = inMap ? 2 * (this.#indexesOf(value).get(String(step)) ?? -1) : Number(step);
      const offsets = this.#offsets.get(value);
      const ofKey = inMap && part === 'key' && depth === path.length - 1;
      const found = offsets?.[inMap && !ofKey ? index + 1 : index];
      if (index < 0 || found === undefined) return offset;
      offset = found;
      value = (value as Record<string | number, unknown>)[step];
    }
    return offset;
  }

  #indexesOf(data: object): ReadonlyMap<string, number> {
    const known = this.#indexes.get(data);
    if (known) return known;
    const indexes = indexesOf(this.#keys.get(data) ?? Object.keys(data));
    this.#indexes.set(data, indexes);
    return indexes;
  }
}

/** Collects the offsets of a map while it is read. */
export class MapEntries {
  readonly offsets: number[] = [];
  reordered: string[] | undefined;
  /** Made at the first duplicate key: there may be a million. */
  #indexes: Map<string, number> | undefined;

  get count(): number {
    return this.offsets.length / 2;
  }

  /** Call before the key is put into `data`. */
  add(data: object, key: string, keyAt: number, valueAt: number): void {
    if (!this.reordered && INTEGER_KEY.test(key)) this.reordered = Object.keys(data);
    this.reordered?.push(key);
    this.#indexes?.set(key, this.count);
    this.offsets.push(keyAt, valueAt);
  }

  /** The offset of the first occurrence of a key. */
  firstOf(data: object, key: string): number | undefined {
    this.#indexes ??= indexesOf(this.reordered ?? Object.keys(data));
    const index = this.#indexes.get(key);
    return index === undefined ? undefined : this.offsets[2 * index];
  }
}

function indexesOf(keys: readonly string[]): Map<string, number> {
  return new Map(keys.map((key, index) => [key, index]));
}

import type { Objects } from '../../../src/state/s3/objects.ts';

/** A bucket in memory, which may take conditions as seriously as some real stores do: not at all. */
export function memoryObjects(heeds: {
  readonly ifNoneMatch: boolean;
  readonly ifMatch: boolean;
  /** On DELETE. Default as `ifMatch`. MinIO ignores the condition there, and some refuse it (501). */
  readonly onDelete?: 'ignored' | 'refused';
}): Objects & {
  readonly keys: () => readonly string[];
  /** Somebody else writes. */
  readonly overwrite: (key: string, text: string) => void;
} {
  const objects = new Map<string, { readonly text: string; readonly etag: string }>();
  let writes = 0;
  const write = (key: string, text: string): string => {
    writes += 1;
    const etag = `"${writes}"`;
    objects.set(key, { text, etag });
    return etag;
  };
  return {
    keys: () => [...objects.keys()],
    overwrite: write,
    async get(key) {
      const found = objects.get(key);
      return found && { bytes: Buffer.from(found.text), etag: found.etag, age_ms: 0 };
    },
    async put(key, body, { over }) {
      const standing = objects.get(key);
      const unmet =
        over === 'nothing'
          ? heeds.ifNoneMatch && standing !== undefined
          : over !== 'anything' && heeds.ifMatch && standing?.etag !== over;
      if (unmet) return { kind: 'unsure', why: 'something else stands there', unmet };
      return { kind: 'written', tag: write(key, String(body)) };
    },
    async remove(key, etag) {
      if (etag !== undefined && heeds.onDelete === 'refused') return false;
      const heeded = heeds.ifMatch && heeds.onDelete === undefined;
      if (!heeded || etag === undefined || objects.get(key)?.etag === etag) objects.delete(key);
      return true;
    },
  };
}

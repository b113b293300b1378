import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Diagnostic } from '../../src/domain/diagnostic.ts';
import type { LoadIo } from '../../src/manifest/load.ts';

/** Files of one test, in a directory of their own. */
export interface Folder {
  readonly path: string;
  readonly io: LoadIo;
  remove(): void;
}

export type Files = Readonly<Record<string, string | Uint8Array>>;

export function folder(files: Files, stdin = ''): Folder {
  const path = mkdtempSync(join(tmpdir(), 'vbsctl-manifest-'));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    writeFileSync(join(path, name), content);
  }
  return {
    path,
    io: { cwd: path, stdin: oneChunk(stdin), version: '0.1.0' },
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
}

/** Runs with a folder that is gone afterwards. */
export async function within<T>(files: Files, work: (folder: Folder) => Promise<T>, stdin = ''): Promise<T> {
  const made = folder(files, stdin);
  try {
    return await work(made);
  } finally {
    made.remove();
  }
}

async function* oneChunk(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}

/** `file:line:column code` */
export function spot({ where, code }: Diagnostic): string {
  const position = where?.line === undefined ? '' : `:${where.line}:${where.column}`;
  return `${where?.file ?? ''}${position} ${code}`;
}

/** Everything a diagnostic says. */
export function words({ summary, detail, remedy }: Diagnostic): string {
  return [summary, detail, remedy].filter((part) => part !== undefined).join(' | ');
}

export const VOLUME = 'c96e4a94-927a-425c-8795-63f9964cfebd';
export const OTHER_VOLUME = '2748f2f2-4394-4e6e-af8d-8dd34496c024';
export const BACKUP = '0a5c1f5e-6a53-4b8e-9d3b-0c6a2f6f7f11';

/** A RestoreSet whose restores begin in line 6, column 5. */
export function set(restores: string, name = 'payments'): string {
  return `apiVersion: vbsctl.dev/v1
kind: RestoreSet
metadata: {name: ${name}}
spec:
  restores:
${restores}`;
}

/** One entry of four lines; `extra` follows as further lines. */
export function restore(name: string, volume = VOLUME, extra = ''): string {
  return `  - name: ${name}
    backup_id: ${BACKUP}
    volume_id: ${volume}
${extra}`;
}

export const EXAMPLES = join(import.meta.dirname, '..', '..', 'examples');

/** Manifests and configs under examples/, relative to it; scripts of faults are something else. */
export function exampleNames(): string[] {
  return readdirSync(EXAMPLES, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(?:yaml|json)$/.test(name) && !name.endsWith('faults.json'))
    .sort();
}

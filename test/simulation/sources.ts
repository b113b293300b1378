import { readFileSync } from 'node:fs';
import { join, posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { transform } from 'esbuild';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** The simulation and the program that it runs, file by file: path from the root → CommonJS. */
export type Sources = ReadonlyMap<string, string>;

/** These files and all of ours that they import, however far away. */
export async function compile(...entries: readonly string[]): Promise<Sources> {
  const sources = new Map<string, string>();
  const met = new Set<string>();
  const add = async (path: string): Promise<void> => {
    if (met.has(path)) return;
    met.add(path);
    const code = await commonJs(read(path));
    sources.set(path, code);
    await Promise.all(importsOf(code).map((own) => add(posix.join(posix.dirname(path), own))));
  };
  await Promise.all(entries.map(add));
  return sources;
}

/** Files whose text is another one than stands there. */
export async function compileTexts(texts: ReadonlyMap<string, string>): Promise<Sources> {
  return new Map(
    await Promise.all([...texts].map(async ([path, text]) => [path, await commonJs(text)] as const)),
  );
}

/** Types taken away, nothing else of it changed. Without a path, so that a package may say itself what its default is. */
export async function commonJs(text: string): Promise<string> {
  const { code } = await transform(text, {
    loader: 'ts',
    format: 'cjs',
    target: 'node20',
    logLevel: 'error',
  });
  return code;
}

function read(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

function importsOf(code: string): string[] {
  return [...code.matchAll(/\brequire\("(\.[^"]+)"\)/g)].map(([, path]) => path as string);
}

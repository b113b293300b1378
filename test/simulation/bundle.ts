import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, type Plugin } from 'esbuild';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** A rule of the program, broken on purpose: the text in the file, and what stands there instead. */
export interface Patch {
  readonly file: string;
  readonly find: string;
  readonly replace: string;
}

/**
 * The simulation and the program in one script (CommonJS), ten times as fast as from the sources. `patches` are
 * applied to the text of the sources; one that does not fit exactly once is refused.
 */
export async function bundle(entry: string, patches: readonly Patch[] = []): Promise<string> {
  const { outputFiles } = await build({
    absWorkingDir: ROOT,
    entryPoints: [`test/simulation/${entry}`],
    bundle: true,
    write: false,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    logLevel: 'error',
    // They stay packages of their own: their files are read at run time.
    external: ['esbuild', '@aws-sdk/client-s3'],
    plugins: [withoutNetwork(), patched(patches)],
  });
  const [output] = outputFiles;
  if (!output) throw new Error('esbuild made nothing');
  return output.text;
}

/** The simulation brings its own network; axios would only cost its start. */
function withoutNetwork(): Plugin {
  return {
    name: 'without-network',
    setup({ onLoad }) {
      onLoad({ filter: /[\\/]src[\\/]drivers[\\/]http[\\/]axios-http\.ts$/ }, () => ({
        contents: 'export function createAxiosHttp() { throw new Error("no network here"); }',
        loader: 'ts',
      }));
    },
  };
}

function patched(patches: readonly Patch[]): Plugin {
  return {
    name: 'patched',
    setup({ onLoad, onEnd }) {
      if (patches.length === 0) return;
      const met = new Set<Patch>();
      onLoad({ filter: /[\\/]src[\\/].*\.ts$/ }, ({ path }) => {
        const file = relative(ROOT, path).replaceAll('\\', '/');
        const own = patches.filter((patch) => patch.file === file);
        if (own.length === 0) return undefined;
        let contents = readFileSync(path, 'utf8');
        for (const patch of own) {
          contents = apply(contents, patch);
          met.add(patch);
        }
        return { contents, loader: 'ts' };
      });
      onEnd(() => {
        for (const patch of patches) if (!met.has(patch)) throw new Error(`${patch.file} is not part of it`);
      });
    },
  };
}

/** Throws unless the text stands there exactly once: a patch that misses its rule proves nothing. */
export function apply(text: string, { file, find, replace }: Patch): string {
  const parts = text.split(find);
  if (parts.length !== 2)
    throw new Error(`${file} has ${parts.length - 1} places like this, not one:\n${find}`);
  return parts.join(replace);
}

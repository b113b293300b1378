import { posix } from 'node:path';
import { Script } from 'node:vm';
import { parentPort, workerData } from 'node:worker_threads';
import type { Sources } from './sources.ts';

/**
 * The inside of a thread that runs scenarios (`threads.ts` is the outside). Each piece of work has the modules anew, some
 * of them replaced; what does not differ was compiled once. It imports nothing of ours: it is started as one text.
 */
export interface Work {
  /** A module that exports `run`. */
  readonly entry: string;
  readonly replaced: Sources;
  readonly input: unknown;
}

/** What an entry exports. Called once an instance. */
export type Run<Input, Told> = (input: Input, tell: (told: Told) => void) => Promise<void>;

export type ThreadMessage<Told> = { readonly kind: 'told'; readonly told: Told } | { readonly kind: 'done' };

type Body = (require: (what: string) => unknown, module: Module, exports: unknown) => void;

interface Module {
  exports: { readonly [name: string]: unknown };
}

const bodies = new Map<string, Body>();
/** Of packages and of Node. */
const packages = new Map<string, unknown>();

async function open(): Promise<void> {
  for (const [path, code] of workerData as Sources) {
    bodies.set(path, bodyOf(path, code));
    for (const [, name] of code.matchAll(/\brequire\("([^".][^"]*)"\)/g))
      if (name !== undefined && !packages.has(name))
        packages.set(name, { __esModule: true, ...(await import(name)) });
  }
  parentPort?.on('message', (work: Work) => void run(work));
}

async function run({ entry, replaced, input }: Work): Promise<void> {
  const { run } = instance(entry, replaced) as { readonly run: Run<unknown, unknown> };
  await run(input, (told) => parentPort?.postMessage({ kind: 'told', told }));
  // What was left behind and nobody waits for rejects now, as long as it is known whose it is.
  await new Promise((resolve) => setImmediate(resolve));
  parentPort?.postMessage({ kind: 'done' });
}

function instance(entry: string, replaced: Sources): Module['exports'] {
  const modules = new Map<string, Module>();
  const load = (path: string): Module['exports'] => {
    const known = modules.get(path);
    if (known) return known.exports;
    const module: Module = { exports: {} };
    modules.set(path, module);
    const other = replaced.get(path);
    const body = other === undefined ? bodies.get(path) : bodyOf(path, other);
    if (!body) throw new Error(`${path} was not compiled`);
    const require = (what: string) =>
      what.startsWith('.') ? load(posix.join(posix.dirname(path), what)) : packages.get(what);
    body(require, module, module.exports);
    return module.exports;
  };
  return load(entry);
}

function bodyOf(path: string, code: string): Body {
  return new Script(`(function (require, module, exports) {${code}\n})`, {
    filename: path,
  }).runInThisContext();
}

void open();

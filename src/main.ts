import { setMaxListeners } from 'node:events';
import { closeSync } from 'node:fs';
import { homedir, hostname, userInfo } from 'node:os';
import { isAbsolute } from 'node:path';
import { isatty } from 'node:tty';
import type { Io, Output } from './cli/io.ts';
import { OutputGuard } from './cli/output-guard.ts';
import { run } from './cli/program.ts';
import { Failure } from './domain/errors.ts';
import { Secrets } from './domain/secrets.ts';
import { DEFAULT_WIDTH, sanitize } from './views/terminal.ts';

/**
 * The process: arguments in, exit code out. Only this file handles signals, streams and the exit code of the process.
 */

/** How long output may take to be written after a stop was requested. */
const FLUSH_GRACE_MS = 200;

const stop = new AbortController();
// Each read in progress listens to this signal.
setMaxListeners(0, stop.signal);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    // A second signal ends the process at once: everything that matters is durable before it happens.
    if (stop.signal.aborted) process.exit(130);
    stop.abort(new Error(`stopped by ${signal}`));
  });
}
// At exit, Node resets the modes of the terminals, and aborts if one was closed meanwhile (seen with 20.20). It skips a
// closed descriptor.
const terminals = [0, 1, 2].filter((fd) => isatty(fd));
process.on('exit', () => {
  for (const fd of terminals) if (!isatty(fd)) closeSync(fd);
});
/** The streams used so far. Node creates them lazily, which saves start-up time. */
const outputs = new Set<NodeJS.WriteStream>();

const secrets = new Secrets();

const io: Io = {
  env: process.env,
  get cwd() {
    return workingDirectory();
  },
  home: home(),
  who: `${userName()}@${hostname()}`,
  stdout: outputOf('stdout'),
  stderr: outputOf('stderr'),
  stdin: {
    get isTty() {
      return process.stdin.isTTY === true;
    },
    get bytes() {
      return process.stdin;
    },
    question: ask,
  },
  secrets,
  notesShown: new Set(),
  typed: { flags: {}, commands: [] },
  stop: stop.signal,
};

// Node would print the warning unescaped, including what a library quotes of a file.
process.removeAllListeners('warning');
process.on('warning', ({ message }) => io.stderr.write(`warning: ${sanitize(message)}\n`));

// Also for promises that nobody awaits: Node would print the error past the output guard. Nothing may run after it.
process.on('uncaughtException', (bug) => {
  printBug(bug);
  process.exit(1);
});

void run(process.argv.slice(2), io)
  .catch((bug: unknown) => {
    printBug(bug);
    return 1;
  })
  .then(exitAfterFlush);

/**
 * If the text cannot be sanitized, only the request is printed: an error thrown here would make Node print all of it.
 */
function printBug(bug: unknown): void {
  const request = 'vbsctl: this is a bug; please report it with what you ran.\n';
  try {
    io.stderr.write(`${request}${(bug as Error)?.stack ?? bug}\n`);
  } catch {
    opened('stderr').write(request);
  }
}

/**
 * Writes the remaining output, then ends the process, whatever is still open: an answer of the cloud that nobody waits
 * for any more must not delay the end.
 */
async function exitAfterFlush(code: number): Promise<void> {
  process.exitCode = code;
  const flushed = Promise.all([...outputs].map((stream) => new Promise((done) => stream.write('', done))));
  // A stalled reader must not delay a stop.
  const graceOver = new Promise((done) => {
    const startGrace = () => setTimeout(done, FLUSH_GRACE_MS);
    if (stop.signal.aborted) startGrace();
    else stop.signal.addEventListener('abort', startGrace);
  });
  await Promise.race([flushed, graceOver]);
  process.exit(code);
}

function outputOf(name: 'stdout' | 'stderr'): Output {
  const guard = new OutputGuard(secrets);
  return {
    get isTty() {
      return opened(name).isTTY === true;
    },
    get columns() {
      return opened(name).columns || DEFAULT_WIDTH;
    },
    get rows() {
      return opened(name).rows || 24;
    },
    write: (text) => void opened(name).write(guard.next(text)),
    get stream() {
      return opened(name);
    },
    escaped: (text) => guard.lines(text),
  };
}

function opened(name: 'stdout' | 'stderr'): NodeJS.WriteStream {
  const stream = process[name];
  if (!outputs.has(stream)) {
    outputs.add(stream);
    // If the reader has closed the pipe (`vbsctl plan | head`), this is no failure, and does not stop a restore
    // half-way.
    stream.on('error', () => {});
  }
  return stream;
}

/** The working directory may have been removed. Commands that do not need it must still work. */
function workingDirectory(): string {
  try {
    return process.cwd();
  } catch {
    throw Failure.of('usage', 'no-working-directory', 'the working directory does not exist any more', {
      remedy: 'change to one that does: cd "$HOME"',
    });
  }
}

/**
 * An empty or relative HOME would mean the working directory, where a pull request can write. The libraries that read
 * `~/.aws` and `~/.pgpass` use HOME themselves, so the variable is corrected for them, too.
 */
function home(): string {
  const { HOME } = process.env;
  if (HOME !== undefined && isAbsolute(HOME)) return homedir();
  const found = homeOfUser();
  process.env.HOME = found;
  return found;
}

/** In a container the user may have no home directory. Then it is a path that nobody can create, not even root: below a file. */
function homeOfUser(): string {
  try {
    const { homedir: path } = userInfo();
    if (isAbsolute(path)) return path;
  } catch {
    // without an entry in passwd(5)
  }
  return '/dev/null/home';
}

/** In a container the user may have no name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return process.env.USER ?? `uid${process.getuid?.() ?? ''}`;
  }
}

async function ask(prompt: string): Promise<string | undefined> {
  const { createInterface } = await import('node:readline/promises');
  // The terminal's own line editing is sufficient: that of readline intercepts Ctrl-C, and throws an error that cannot
  // be caught when the terminal is closed.
  const reader = createInterface({ input: process.stdin, output: opened('stderr'), terminal: false });
  const ended = new Promise<undefined>((resolve) => reader.once('close', () => resolve(undefined)));
  // A closed terminal cannot be read any more (EIO). This counts as the end of the input.
  process.stdin.once('error', () => reader.close());
  try {
    return await Promise.race([reader.question(io.stderr.escaped(prompt), { signal: stop.signal }), ended]);
  } catch {
    return undefined;
  } finally {
    reader.close();
  }
}

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

/** argv in, exit code out. Signals, streams and the exit code of the process are handled here alone. */

/** How long what was printed may take to go out once a stop was asked for. */
const FLUSH_GRACE_MS = 200;

const stop = new AbortController();
// Every read under way listens to it.
setMaxListeners(0, stop.signal);
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    // The second one means it: everything that matters is durable before it happens.
    if (stop.signal.aborted) process.exit(130);
    stop.abort(new Error(`stopped by ${signal}`));
  });
}
// Node sets terminals back at its very end, and aborts where one was closed meanwhile (seen with 20.20); from what is
// closed it keeps its hands off.
const terminals = [0, 1, 2].filter((fd) => isatty(fd));
process.on('exit', () => {
  for (const fd of terminals) if (!isatty(fd)) closeSync(fd);
});
/** Those used so far: Node makes each when it is first asked for, which a short command feels. */
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
    question,
  },
  secrets,
  notesShown: new Set(),
  stop: stop.signal,
};

// Node would print it as it is, with what a library quotes of a file.
process.removeAllListeners('warning');
process.on('warning', ({ message }) => io.stderr.write(`warning: ${sanitize(message)}\n`));

// Of what nobody waits for, too: else Node would print it, past the last hand on output. Nothing may go on after it.
process.on('uncaughtException', (bug) => {
  tellOf(bug);
  process.exit(1);
});

void run(process.argv.slice(2), io)
  .catch((bug: unknown) => {
    tellOf(bug);
    return 1;
  })
  .then(leave);

/** What cannot be made harmless is not shown: to throw here would end the process in Node's words, with all of it. */
function tellOf(bug: unknown): void {
  const request = 'vbsctl: this is a bug; please report it with what you ran.\n';
  try {
    io.stderr.write(`${request}${(bug as Error)?.stack ?? bug}\n`);
  } catch {
    opened('stderr').write(request);
  }
}

/**
 * What was printed goes out first. Then the process ends, whatever is still open: an answer of the cloud that
 * nobody waits for any more must not hold it.
 */
async function leave(code: number): Promise<void> {
  process.exitCode = code;
  const flushed = Promise.all([...outputs].map((stream) => new Promise((done) => stream.write('', done))));
  // A reader that does not read must not hold whoever asked to stop.
  const impatient = new Promise((done) => {
    const soon = () => setTimeout(done, FLUSH_GRACE_MS);
    if (stop.signal.aborted) soon();
    else stop.signal.addEventListener('abort', soon);
  });
  await Promise.race([flushed, impatient]);
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
    harmless: (text) => guard.lines(text),
  };
}

function opened(name: 'stdout' | 'stderr'): NodeJS.WriteStream {
  const stream = process[name];
  if (!outputs.has(stream)) {
    outputs.add(stream);
    // A reader that went away (`vbsctl plan | head`) is no reason to fail, and none to stop a restore half-way.
    stream.on('error', () => {});
  }
  return stream;
}

/** It may have been removed: a command that needs none works all the same. */
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
 * An empty or relative HOME would be the working directory, where a pull request writes. The libraries that read `~/.aws`
 * and `~/.pgpass` go by HOME themselves, so it is set right for them, too.
 */
function home(): string {
  const { HOME } = process.env;
  if (HOME !== undefined && isAbsolute(HOME)) return homedir();
  const found = homeOfUser();
  process.env.HOME = found;
  return found;
}

/** In a container the user may have none. Nothing is there, and nobody else can put anything there. */
function homeOfUser(): string {
  try {
    const { homedir: path } = userInfo();
    if (isAbsolute(path)) return path;
  } catch {
    // without an entry in passwd(5)
  }
  return '/nonexistent';
}

/** In a container the user may have no name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return process.env.USER ?? `uid${process.getuid?.() ?? ''}`;
  }
}

async function question(prompt: string): Promise<string | undefined> {
  const { createInterface } = await import('node:readline/promises');
  // The terminal's own line editing will do: readline's takes Ctrl-C for itself, and throws where nobody can catch
  // it when the terminal is closed.
  const reader = createInterface({ input: process.stdin, output: opened('stderr'), terminal: false });
  const ended = new Promise<undefined>((resolve) => reader.once('close', () => resolve(undefined)));
  // A terminal that was closed cannot be read any more (EIO): as good as the end of the input.
  process.stdin.once('error', () => reader.close());
  try {
    return await Promise.race([reader.question(io.stderr.harmless(prompt), { signal: stop.signal }), ended]);
  } catch {
    return undefined;
  } finally {
    reader.close();
  }
}

import { homedir, hostname, userInfo } from 'node:os';
import type { Io, Output } from './cli/io.ts';
import { run } from './cli/program.ts';
import { DEFAULT_WIDTH } from './views/terminal.ts';

/** The door: argv in, exit code out. The only file that touches `process`. */

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    // The second one means it: everything that matters is durable before it happens.
    if (stop.signal.aborted) process.exit(130);
    stop.abort(new Error(`stopped by ${signal}`));
  });
}
// A reader that went away (`vbsctl plan | head`) is no reason to fail, and none to stop a restore half-way.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});

const io: Io = {
  env: process.env,
  cwd: process.cwd(),
  home: homedir(),
  who: `${userName()}@${hostname()}`,
  stdout: outputOf(process.stdout),
  stderr: outputOf(process.stderr),
  stdin: {
    isTty: process.stdin.isTTY === true,
    bytes: process.stdin,
    question,
  },
  stop: stop.signal,
};

run(process.argv.slice(2), io).then(
  (code) => {
    process.exitCode = code;
    // Keep-alive connections to the cloud must not hold the process; what was printed goes out first.
    process.stdin.unref?.();
  },
  (bug: unknown) => {
    process.stderr.write(
      `vbsctl: this is a bug; please report it with what you ran.\n${(bug as Error)?.stack ?? bug}\n`,
    );
    process.exitCode = 1;
  },
);

function outputOf(stream: NodeJS.WriteStream): Output {
  return {
    get isTty() {
      return stream.isTTY === true;
    },
    get columns() {
      return stream.columns || DEFAULT_WIDTH;
    },
    get rows() {
      return stream.rows || 24;
    },
    write: (text) => void stream.write(text),
    stream,
  };
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
  const reader = createInterface({ input: process.stdin, output: process.stderr });
  const ended = new Promise<undefined>((resolve) => reader.once('close', () => resolve(undefined)));
  // Readline takes Ctrl-C for itself.
  reader.on('SIGINT', () => stop.abort(new Error('stopped by SIGINT')));
  try {
    return await Promise.race([reader.question(prompt, { signal: stop.signal }), ended]);
  } catch {
    return undefined;
  } finally {
    reader.close();
  }
}

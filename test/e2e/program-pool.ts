import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import type { Socket } from 'node:net';
import { documentedExit } from './documented-exit.ts';
import { type Environment, environmentOf, type Finished, PROGRAM, startProgram } from './program.ts';

/**
 * The built program in processes that are kept for the next run: a start of Node costs several times what most commands do. Each run
 * has a process to itself while it lasts, and a fresh instance of the bundle (see program-host.cjs).
 */

const HOST = new URL('program-host.cjs', import.meta.url).pathname;
/** More are started where more run at the same time, and not kept. */
const KEPT = 2;
/** What Node itself reads when it starts: such a run has its own process. */
const READ_AT_START = /^(NODE_|SSL_|UV_|LC_|LANG|TZ|ICU)/;

const idle: Host[] = [];

/** Runs the program to its end. For a signal, a terminal or a look at the process, use `startProgram`. */
export async function runProgram(args: readonly string[], cwd: string, env: Environment): Promise<Finished> {
  if (Object.keys(env).some((name) => READ_AT_START.test(name))) return startProgram(args, cwd, env).done;
  const host = idle.pop() ?? new Host();
  const finished = await host.run(args, cwd, environmentOf(cwd, env));
  if (host.alive && idle.length < KEPT) idle.push(host);
  else host.end();
  return documentedExit(args, finished);
}

/** A process that runs the program once at a time. */
class Host {
  readonly #child: ChildProcess = spawn(process.execPath, [HOST, PROGRAM], {
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    env: {},
  });
  #run: { readonly out: Output; readonly err: Output; done(finished: Finished): void } | undefined;
  alive = true;

  constructor() {
    const { stdout, stderr, channel } = this.#child;
    stdout?.on('data', (chunk: Buffer) => this.#take(chunk, this.#run?.out));
    stderr?.on('data', (chunk: Buffer) => this.#take(chunk, this.#run?.err));
    this.#child.once('close', (code) => {
      this.alive = false;
      const at = idle.indexOf(this);
      if (at >= 0) idle.splice(at, 1);
      this.#finish(code);
    });
    // The tests' own process may end while this one waits for more to do.
    for (const each of [this.#child, channel, stdout as Socket, stderr as Socket]) each?.unref();
  }

  run(args: readonly string[], cwd: string, env: Environment): Promise<Finished> {
    return new Promise((done) => {
      const end = `\0${randomUUID()}:`;
      this.#run = { out: new Output(end), err: new Output(end), done };
      this.#child.send({ args, cwd, env, end });
    });
  }

  end(): void {
    if (this.#child.connected) this.#child.disconnect();
  }

  #take(chunk: Buffer, output: Output | undefined): void {
    output?.push(chunk);
    if (this.#run?.out.code !== undefined && this.#run.err.code !== undefined)
      this.#finish(this.#run.out.code);
  }

  #finish(code: number | null): void {
    const run = this.#run;
    this.#run = undefined;
    run?.done({ code, stdout: run.out.text, stderr: run.err.text });
  }
}

/** What one stream of a run printed, and the line after it that says that the run has ended, and how. */
class Output {
  readonly #end: string;
  readonly #chunks: Buffer[] = [];
  #tail = '';
  code: number | undefined;

  constructor(end: string) {
    this.#end = end;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#tail = (this.#tail + chunk.toString('latin1')).slice(-this.#end.length - 5);
    const at = this.#tail.indexOf(this.#end);
    if (at >= 0 && this.#tail.endsWith('\n')) this.code = Number(this.#tail.slice(at + this.#end.length));
  }

  get text(): string {
    const text = Buffer.concat(this.#chunks).toString();
    return this.code === undefined ? text : text.slice(0, text.lastIndexOf(this.#end));
  }
}

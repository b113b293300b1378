import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { documentedExit } from './documented-exit.ts';
import { watch } from './left-running.ts';

/** The built program as a child process. */

export const PROGRAM = new URL('../../dist/vbsctl.cjs', import.meta.url).pathname;

export interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Running {
  readonly pid: number;
  readonly done: Promise<Finished>;
  /** Resolves once this stands in its output, line breaks or not, or it has ended. */
  says(text: string): Promise<void>;
  kill(signal: NodeJS.Signals): void;
  /** Nobody reads it any more: the next write is EPIPE. */
  closeStdout(): void;
  closeStderr(): void;
}

/** The config of the working directory, named, if there is one: tests set what a config that was found may not. */
export function namedConfig(cwd: string): { readonly VBSCTL_CONFIG?: string } {
  return existsSync(join(cwd, 'vbsctl.yaml')) ? { VBSCTL_CONFIG: 'vbsctl.yaml' } : {};
}

export type Environment = Readonly<Record<string, string | undefined>>;

/** All that the program finds in its environment: a PATH, a home, and what a test adds. */
export function environmentOf(cwd: string, env: Environment): Environment {
  return { PATH: process.env.PATH, HOME: cwd, ...env };
}

/** In a process of its own, which costs a start of Node; `runProgram` does without. `onLine` gets each line of stdout as it comes. `program`: another build, to compare with. */
export function startProgram(
  args: readonly string[],
  cwd: string,
  env: Environment,
  onLine?: (line: string) => void,
  program: string = PROGRAM,
): Running {
  const child = spawn(process.execPath, [program, ...args], {
    cwd,
    env: environmentOf(cwd, env),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  watch(child);
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
  if (onLine) createInterface(child.stdout).on('line', onLine);
  const finished = new Promise<Finished>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) =>
      resolve({ code, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() }),
    );
  });
  const done = finished.then((run) => documentedExit(args, run));
  const says = (text: string) =>
    new Promise<void>((resolve) => {
      const look = () =>
        [out, err].some((chunks) => Buffer.concat(chunks).toString().replace(/\s+/g, ' ').includes(text)) &&
        resolve();
      for (const stream of [child.stdout, child.stderr]) stream.on('data', look);
      child.once('close', () => resolve());
      look();
    });
  return {
    pid: child.pid ?? -1,
    done,
    says,
    kill: (signal) => void child.kill(signal),
    closeStdout: () => void child.stdout.destroy(),
    closeStderr: () => void child.stderr.destroy(),
  };
}

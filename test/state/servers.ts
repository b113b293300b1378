import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

/** Real servers for the tests of remote backends, where they are installed. `.ci/run` installs them. */

/** The program's path: named by the variable, or found in PATH or in one of the folders. */
export function findProgram(
  variable: string,
  names: readonly string[],
  folders: readonly string[] = [],
): string | undefined {
  const named = process.env[variable];
  if (named) return named;
  for (const folder of [...(process.env.PATH ?? '').split(delimiter), ...folders])
    for (const name of names) if (isProgram(join(folder, name))) return join(folder, name);
  return undefined;
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Resolves once `ready` does not throw any more; the child's death is an error. */
export async function untilReady(child: ChildProcess, ready: () => Promise<unknown>): Promise<void> {
  for (let tries = 0; ; tries++) {
    if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}`);
    try {
      await ready();
      return;
    } catch (cause) {
      if (tries > 300) throw cause;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

export async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

/** A folder that the user of the server owns. */
export async function serverFolder(): Promise<{ readonly path: string; remove(): Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'vbsctl-server-'));
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}

export { execFileSync, spawn };

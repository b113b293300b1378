import { existsSync } from 'node:fs';
import { EXIT, type ExitCode, type Failure, usage } from '../../domain/errors.ts';
import { anyObject, jsonOf } from '../../domain/shape.ts';
import { type EmulatorOptions, startEmulator } from '../../emulator/index.ts';
import { readStream } from '../../files/read-file.ts';
import { isLoopback } from '../../network/weakened-tls.ts';
import { sanitize } from '../../views/terminal.ts';
import { emulatorWorld, unusableWorld } from '../emulator-world.ts';
import type { Io } from '../io.ts';
import { checkoutPath } from '../user-paths.ts';

/** An emulator answers at once. Another program at its address may not answer at all, or without end. */
const ANSWER_MS_MAX = 5_000;
const ANSWER_BYTES_MAX = 1024 * 1024;

/**
 * Detaches all volumes of a server, as an operator does before a restore: in the emulator at OS_AUTH_URL, if one answers
 * there; else in the world file `world`; without it in that of `--cloud emulator`. Prints which one it was.
 */
export async function detachServer(io: Io, server: string, world?: string): Promise<ExitCode> {
  const running = world === undefined ? await runningEmulator(io) : undefined;
  const detached = running
    ? await detachInRunning(running, server)
    : await detachInFile(
        io,
        world === undefined ? emulatorWorld(io) : await checkoutPath(io, world, '--world'),
        server,
      );
  io.stdout.write(
    detached.length === 0
      ? `Nothing to detach: no disk is attached to ${sanitize(server)}.\n`
      : `Detached from ${sanitize(server)}: ${sanitize(detached.join(', '))}.\n`,
  );
  if (running) io.stdout.write(`In the emulator at ${running}.\n`);
  else if (world !== undefined) io.stdout.write(`In ${sanitize(world)}.\n`);
  else {
    io.stdout.write(`In ${sanitize(emulatorWorld(io))}, the world of --cloud emulator.\n`);
    const other = authUrl(io);
    if (other)
      io.stdout.write(
        `OS_AUTH_URL names ${other.origin}: no emulator answers there, and nothing was done to it.\n`,
      );
  }
  return EXIT.done;
}

async function detachInFile(io: Io, worldFile: string, server: string): Promise<readonly string[]> {
  // A new world is tried in memory first, so that a mistyped name leaves no file behind.
  if (!existsSync(worldFile)) await detachIn({}, server);
  return await detachIn({ worldFile, signal: io.stop }, server);
}

async function detachIn(
  options: Pick<EmulatorOptions, 'worldFile' | 'signal'>,
  server: string,
): Promise<readonly string[]> {
  const unusable = (cause: unknown) => {
    throw unusableWorld(cause, 'name another world: --world FILE');
  };
  const cloud = await startEmulator(options).catch(unusable);
  try {
    const result = await cloud.perform({ action: 'detach-server', server }).catch(unusable);
    if (!result.done)
      throw noServer(server, options.worldFile ?? 'a new world', 'vbsctl get servers --cloud emulator');
    return result.detached ?? [];
  } finally {
    await cloud.close();
  }
}

/** The URL of the emulator, if OS_AUTH_URL is on this machine and an emulator answers there. Sends no credentials. */
async function runningEmulator(io: Io): Promise<string | undefined> {
  const url = authUrl(io);
  if (!url || !isLoopback(url.hostname)) return undefined;
  const answer = await ask(`${url.origin}/__emulator/`).catch(() => undefined);
  const paths = answer?.status === 200 ? answer.fields.paths : undefined;
  return Array.isArray(paths) && paths.includes('POST detach-server') ? url.origin : undefined;
}

function authUrl({ env }: Io): URL | undefined {
  return env.OS_AUTH_URL && URL.canParse(env.OS_AUTH_URL) ? new URL(env.OS_AUTH_URL) : undefined;
}

/** Any program of this machine may listen there, so the answer is checked. */
async function detachInRunning(origin: string, server: string): Promise<readonly string[]> {
  const { status, fields } = await ask(
    `${origin}/__emulator/detach-server`,
    JSON.stringify({ server }),
  ).catch((cause: unknown) => {
    throw usage(`the emulator at ${origin} does not answer: ${(cause as Error).message}`, 'try again');
  });
  const { done, detached = [], error } = fields;
  if (status === 200 && done === true && isTexts(detached)) return detached;
  if (status === 404 && typeof error === 'object') throw noServer(server, origin, 'vbsctl get servers');
  throw usage(
    `the program at ${origin} is not an emulator (HTTP ${status})`,
    'correct OS_AUTH_URL; or name a world: vbsctl emulator --detach SERVER --world FILE',
  );
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string');
}

/** `fields`: of the JSON object in the answer; empty if it is something else. */
async function ask(url: string, body?: string) {
  const answer = await fetch(url, {
    ...(body === undefined ? {} : { method: 'POST', headers: { 'Content-Type': 'application/json' }, body }),
    redirect: 'error',
    signal: AbortSignal.timeout(ANSWER_MS_MAX),
  });
  const text = answer.body ? await readStream(answer.body, ANSWER_BYTES_MAX) : '';
  return { status: answer.status, fields: jsonOf(text.toString(), anyObject) ?? {} };
}

function noServer(server: string, where: string, list: string): Failure {
  return usage(`the emulator has no server ${server} (${where})`, `to list the servers: ${list}`);
}

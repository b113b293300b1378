import { existsSync } from 'node:fs';
import { EXIT, type ExitCode } from '../../domain/errors.ts';
import { jsonOf, object } from '../../domain/shape.ts';
import { type EmulatorOptions, type OperatorResult, startEmulator } from '../../emulator/index.ts';
import { isLoopback } from '../../network/weakened-tls.ts';
import { sanitize } from '../../views/terminal.ts';
import { emulatorWorld, unusableWorld } from '../emulator-world.ts';
import type { Io } from '../io.ts';
import { usage } from '../usage.ts';
import { checkoutPath } from '../user-paths.ts';

/** A served emulator answers at once; whatever else listens there is not waited for. */
const ANSWER_MS_MAX = 5_000;
const ANSWER_BYTES_MAX = 1024 * 1024;

/**
 * What an operator does before a restore: all disks of a server detached. In the emulator that OS_AUTH_URL names, when
 * it is one; else in a world file, that of `--cloud emulator` unless `world` names another. Says which it was.
 */
export async function detachServer(io: Io, server: string, world?: string): Promise<ExitCode> {
  const served = world === undefined ? await servedEmulator(io) : undefined;
  const done = served
    ? await askServed(served, server)
    : await inFile(
        io,
        world === undefined ? emulatorWorld(io) : await checkoutPath(io, world, '--world'),
        server,
      );
  const disks = done.detached ?? [];
  io.stdout.write(
    disks.length === 0
      ? `Nothing to detach: no disk is attached to ${sanitize(server)}.\n`
      : `Detached from ${sanitize(server)}: ${sanitize(disks.join(', '))}.\n`,
  );
  if (served) io.stdout.write(`In the emulator at ${served}.\n`);
  else {
    const whose = world === undefined ? ', the world of --cloud emulator' : '';
    io.stdout.write(`In ${sanitize(world ?? emulatorWorld(io))}${whose}.\n`);
    const other = authUrl(io);
    if (other !== undefined && world === undefined)
      io.stdout.write(
        `OS_AUTH_URL names ${other.origin}: no emulator answers there, and nothing was done to it.\n`,
      );
  }
  return EXIT.done;
}

type Detached = Pick<OperatorResult & { readonly done: true }, 'detached'>;

async function inFile(io: Io, worldFile: string, server: string): Promise<Detached> {
  // A new world is tried in memory first: a mistyped name leaves no file behind.
  if (!existsSync(worldFile)) await inWorld({}, server);
  return await inWorld({ worldFile, signal: io.stop }, server);
}

async function inWorld(
  options: Pick<EmulatorOptions, 'worldFile' | 'signal'>,
  server: string,
): Promise<Detached> {
  const unusable = (cause: unknown) => {
    throw unusableWorld(cause, 'name another world: --world FILE');
  };
  const cloud = await startEmulator(options).catch(unusable);
  try {
    const result = await cloud.perform({ action: 'detach-server', server }).catch(unusable);
    if (!result.done)
      throw noServer(server, options.worldFile ?? 'a new world', 'vbsctl get servers --cloud emulator');
    return result;
  } finally {
    await cloud.close();
  }
}

/** Its URL, when OS_AUTH_URL is on this machine and an emulator answers there. No credential is sent. */
async function servedEmulator(io: Io): Promise<string | undefined> {
  const url = authUrl(io);
  if (!url || !isLoopback(url.hostname)) return undefined;
  const answer = await ask(`${url.origin}/__emulator/`).catch(() => undefined);
  const paths = answer?.status === 200 ? answer.fields.paths : undefined;
  return Array.isArray(paths) && paths.includes('POST detach-server') ? url.origin : undefined;
}

function authUrl({ env }: Io): URL | undefined {
  return env.OS_AUTH_URL && URL.canParse(env.OS_AUTH_URL) ? new URL(env.OS_AUTH_URL) : undefined;
}

/** Any program of this machine may listen there: only what an emulator says is taken for its answer. */
async function askServed(origin: string, server: string): Promise<Detached> {
  const { status, fields } = await ask(
    `${origin}/__emulator/detach-server`,
    JSON.stringify({ server }),
  ).catch((cause: unknown) => {
    throw usage(`the emulator at ${origin} does not answer: ${(cause as Error).message}`, 'try again');
  });
  const { done, detached = [], error } = fields;
  if (status === 200 && done === true && isTexts(detached)) return { detached };
  if (status === 404 && typeof error === 'object') throw noServer(server, origin, 'vbsctl get servers');
  throw usage(
    `what listens at ${origin} does not answer as an emulator does (HTTP ${status})`,
    'correct OS_AUTH_URL; or name a world: vbsctl emulator --detach SERVER --world FILE',
  );
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string');
}

interface Told {
  readonly status: number;
  /** Of the JSON object that was sent; none where it was something else. */
  readonly fields: Readonly<Record<string, unknown>>;
}

async function ask(url: string, body?: string): Promise<Told> {
  const answer = await fetch(url, {
    ...(body === undefined ? {} : { method: 'POST', headers: { 'Content-Type': 'application/json' }, body }),
    redirect: 'error',
    signal: AbortSignal.timeout(ANSWER_MS_MAX),
  });
  return { status: answer.status, fields: fieldsOf(await boundedText(answer)) };
}

function fieldsOf(text: string): Told['fields'] {
  return jsonOf(text, object) ?? {};
}

/** Whatever listens on that port may send without end, and compressed. */
async function boundedText(answer: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of answer.body ?? []) {
    size += chunk.length;
    if (size > ANSWER_BYTES_MAX) throw new Error(`its answer is larger than ${ANSWER_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function noServer(server: string, where: string, list: string) {
  return usage(`the emulator has no server ${server} (${where})`, `see which there are: ${list}`);
}

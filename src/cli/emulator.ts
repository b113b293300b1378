import { readFile } from 'node:fs/promises';
import { error } from '../domain/diagnostic.ts';
import { EXIT, type ExitCode, Failure } from '../domain/errors.ts';
import { type FaultPlan, parseFaultPlan, startEmulator } from '../emulator/index.ts';
import { EMULATOR_WORLD } from './cloud.ts';
import type { Io } from './io.ts';
import { absolute } from './setup.ts';
import { usage } from './usage.ts';

export interface EmulatorFlags {
  readonly port: number;
  readonly world?: string;
  readonly faults?: string;
  readonly jobDuration: number;
  readonly queue: number;
  readonly volumes?: number;
  readonly quiet?: boolean;
  /** Name or id of a server. */
  readonly detach?: string;
}

/** Serves the emulated cloud until a stop is asked for. */
export async function emulator(io: Io, flags: EmulatorFlags): Promise<ExitCode> {
  if (flags.detach !== undefined) return detachServer(io, flags.detach, flags.world);
  const faults = flags.faults === undefined ? undefined : await readFaults(absolute(io, flags.faults));
  const cloud = await startEmulator({
    port: flags.port,
    seed: {
      jobDurationMs: flags.jobDuration,
      queueMs: flags.queue,
      ...(flags.volumes === undefined ? {} : { volumes: flags.volumes }),
    },
    ...(flags.world === undefined ? {} : { worldFile: absolute(io, flags.world) }),
    ...(faults ? { faults } : {}),
    ...(flags.quiet ? {} : { onRequest: (request) => io.stderr.write(`${JSON.stringify(request)}\n`) }),
  }).catch((cause: unknown) => {
    throw new Failure(
      'usage',
      error('emulator', `the emulator cannot start: ${(cause as Error).message}`, {
        remedy: 'another --port, or another --world',
      }),
    );
  });
  const exports = Object.entries(cloud.env()).map(([name, value]) => `export ${name}=${value}`);
  io.stdout.write(
    [
      `# A VBS cloud on ${cloud.url} until Ctrl-C. In another terminal:`,
      ...exports,
      '# then: vbsctl get servers',
      '# To sign each request instead (AK/SK), with OS_USERNAME and OS_PASSWORD unset:',
      `#   export OS_ACCESS_KEY=${cloud.credentials.access_key} OS_SECRET_KEY=${cloud.credentials.secret_key}`,
      '# To detach a disk, as openstack server remove volume would:',
      `#   curl -X POST ${cloud.url}/__emulator/detach -d '{"volume_id": "UUID"}'`,
      `# What truly happened: curl ${cloud.url}/__emulator/audit`,
      '',
    ].join('\n'),
  );
  await new Promise<void>((resolve) => {
    if (io.stop.aborted) resolve();
    else io.stop.addEventListener('abort', () => resolve(), { once: true });
  });
  await cloud.close();
  return EXIT.done;
}

/**
 * What an operator does before a restore, in the world that `--cloud emulator` keeps: all disks of a server
 * detached. A served world has its own address for that.
 */
export async function detachServer(io: Io, server: string, world = EMULATOR_WORLD): Promise<ExitCode> {
  const cloud = await startEmulator({ worldFile: absolute(io, world) });
  try {
    const { servers, volumes } = cloud.world();
    const found = Object.values(servers).find(({ id, name }) => id === server || name === server);
    if (!found)
      throw usage(
        `the emulator has no server ${server}`,
        'see which there are: vbsctl get servers --cloud emulator',
      );
    const disks = Object.values(volumes).filter(({ attachments }) =>
      attachments.some(({ server_id }) => server_id === found.id),
    );
    for (const { id } of disks) await cloud.perform({ action: 'detach', volume_id: id });
    io.stdout.write(
      `Detached from ${found.name}: ${disks.map(({ name }) => name).join(', ') || 'nothing'}.\n`,
    );
    return EXIT.done;
  } finally {
    await cloud.close();
  }
}

async function readFaults(path: string): Promise<FaultPlan> {
  try {
    return parseFaultPlan(JSON.parse(await readFile(path, 'utf8')));
  } catch (cause) {
    throw new Failure(
      'invalid',
      error('fault-plan', `${path} is no fault plan: ${(cause as Error).message}`, {
        remedy: 'see docs/emulator.md',
      }),
    );
  }
}

import { readFile } from 'node:fs/promises';
import { error } from '../domain/diagnostic.ts';
import { EXIT, type ExitCode, Failure } from '../domain/errors.ts';
import { type FaultPlan, parseFaultPlan, startEmulator } from '../emulator/index.ts';
import { hasCode, systemReason } from '../state/local/system-error.ts';
import { detachServer } from './emulator-detach.ts';
import type { Io } from './io.ts';
import { absolute } from './setup.ts';

export interface EmulatorFlags {
  readonly port: number;
  readonly world?: string;
  readonly faults?: string;
  readonly jobDuration: number;
  readonly queue: number;
  readonly volumes?: number;
  readonly quiet?: boolean;
  readonly allowHost?: readonly string[];
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
    ...(flags.allowHost === undefined ? {} : { allowHosts: flags.allowHost }),
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
      '# To detach the disks of a server, as openstack server remove volume would:',
      `#   vbsctl emulator --detach NAME, or: curl ${cloud.url}/__emulator/detach-server -H 'Content-Type: application/json' -d '{"server": "NAME"}'`,
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

/** Read first and understood then: each fails in its own words. */
async function readFaults(path: string): Promise<FaultPlan> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    const why = hasCode(cause, 'ENOENT') ? 'this file does not exist' : systemReason(cause);
    throw badFaults(
      `the fault plan ${path} cannot be read: ${why}`,
      'what one looks like: vbsctl help faults',
    );
  });
  try {
    return parseFaultPlan(JSON.parse(text));
  } catch (cause) {
    throw badFaults(
      `${path} is no fault plan: ${(cause as Error).message}`,
      'what one looks like, and every kind: vbsctl help faults',
    );
  }
}

function badFaults(summary: string, remedy: string): Failure {
  return new Failure('invalid', error('fault-plan', summary, { remedy }));
}

import { EXIT, type ExitCode, Failure } from '../../domain/errors.ts';
import { toJson } from '../../domain/escape/json.ts';
import { shellWord } from '../../domain/escape/shell-word.ts';
import { optional } from '../../domain/optional.ts';
import { type FaultPlan, parseFaultPlan, startEmulator } from '../../emulator/index.ts';
import { plainReason } from '../../files/system-error.ts';
import { unusableWorld } from '../emulator-world.ts';
import type { Io } from '../io.ts';
import { absolute, checkoutPath, readUserFile } from '../user-paths.ts';
import { detachServer } from './run-emulator-detach.ts';

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

/** Serves the emulator until the user interrupts it. */
export async function emulator(io: Io, flags: EmulatorFlags): Promise<ExitCode> {
  if (flags.detach !== undefined) return detachServer(io, flags.detach, flags.world);
  const faults = flags.faults === undefined ? undefined : await readFaults(io, flags.faults);
  const cloud = await startEmulator({
    port: flags.port,
    seed: {
      jobDurationMs: flags.jobDuration,
      queueMs: flags.queue,
      ...optional('volumes', flags.volumes),
    },
    ...(flags.world === undefined ? {} : { worldFile: await checkoutPath(io, flags.world, '--world') }),
    ...optional('faults', faults),
    ...optional('allowHosts', flags.allowHost),
    signal: io.stop,
    ...(flags.quiet ? {} : { onRequest: (request) => io.stderr.write(`${toJson(request)}\n`) }),
  }).catch((cause: unknown) => {
    throw unusableWorld(cause, 'use another --port, or another --world');
  });
  const { access_key, secret_key } = cloud.credentials;
  const exports = Object.entries(cloud.env()).map(([name, value]) => `export ${name}=${shellWord(value)}`);
  io.stdout.write(
    [
      `# An emulated VBS cloud runs on ${cloud.url} until Ctrl-C. In another terminal:`,
      ...exports,
      '# then: vbsctl get servers',
      '# To sign each request instead (AK/SK), with OS_USERNAME and OS_PASSWORD unset:',
      `#   export OS_ACCESS_KEY=${shellWord(access_key)} OS_SECRET_KEY=${shellWord(secret_key)}`,
      '# To detach the disks of a server, as openstack server remove volume would:',
      `#   vbsctl emulator --detach NAME, or: curl ${cloud.url}/__emulator/detach-server -H 'Content-Type: application/json' -d '{"server": "NAME"}'`,
      `# To see what happened in the cloud: curl ${cloud.url}/__emulator/audit`,
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

const FAULTS_BYTES_MAX = 16 * 1024 * 1024;

async function readFaults(io: Io, path: string): Promise<FaultPlan> {
  const absolutePath = absolute(io, path);
  const bytes = await readUserFile(io, path, FAULTS_BYTES_MAX).catch((cause: unknown) => {
    if (cause === io.stop.reason) throw cause;
    throw badFaults(
      `the fault plan ${absolutePath} cannot be read: ${plainReason(cause)}`,
      'to see an example: vbsctl help faults',
    );
  });
  try {
    return parseFaultPlan(parseJson(bytes.toString()));
  } catch (cause) {
    throw badFaults(
      `${absolutePath} is not a fault plan: ${(cause as Error).message}`,
      'to see an example and every kind: vbsctl help faults',
    );
  }
}

/** Without the message of the parser, which repeats the content of the file. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Error('it is not JSON');
  }
}

function badFaults(summary: string, remedy: string): Failure {
  return Failure.of('invalid', 'fault-plan', summary, { remedy });
}

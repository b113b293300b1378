import { existsSync } from 'node:fs';
import { withLeaseAndConnection } from '../../app/with-lease.ts';
import { projectText } from '../../domain/cloud-project.ts';
import { EXIT, type ExitCode } from '../../domain/errors.ts';
import { ports } from '../command-ports.ts';
import { loadContext } from '../context.ts';
import type { Io } from '../io.ts';
import { lockRequest } from '../lock-request.ts';
import { openState } from '../open-state.ts';
import type { CommonFlags } from '../options/shared.ts';
import { textOptions } from '../print.ts';
import { absolute } from '../user-paths.ts';

/** Creates the state, bound to the project of the credentials. If `--config` names no existing file, only writes one there. */
export async function init(io: Io, flags: CommonFlags): Promise<ExitCode> {
  const { config } = flags;
  if (config !== undefined && !existsSync(absolute(io, config)))
    return await (await import('./run-init-config.ts')).initConfig(io, flags, config);
  const context = await loadContext(io, flags);
  const backend = await openState(context, 'write');
  const state = await withLeaseAndConnection(
    ports(context, backend),
    lockRequest(io, 'init', { lockTimeout: 0 }),
    (lease, { driver }) => lease.create(driver.target),
  );
  io.stdout.write(
    `Created the state ${backend.location}\nfor ${projectText(state.target)} (lineage ${state.lineage}).\n` +
      `Keep it and back it up: without it, vbsctl would run every declared restore again.\n\nNext: ${textOptions(io).style.complete('vbsctl plan')}\n`,
  );
  return EXIT.done;
}

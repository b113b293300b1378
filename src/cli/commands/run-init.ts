import { projectText } from '../../domain/cloud-project.ts';
import { EXIT, type ExitCode } from '../../domain/errors.ts';
import { connectCloud } from '../connect-cloud.ts';
import type { Io } from '../io.ts';
import { nextCommand } from '../next-command.ts';
import type { CommonFlags } from '../options/shared.ts';
import { actor, backend, loadSettings } from '../setup.ts';

/** Creates the state, bound to the project that the credentials lead to. */
export async function init(io: Io, flags: CommonFlags): Promise<ExitCode> {
  const settings = await loadSettings(io, flags);
  const store = await backend(io, flags, settings, 'write');
  const connection = await connectCloud(io, flags, settings);
  try {
    const lease = await store.lock(actor(io, 'init'), 0, io.stop);
    try {
      const state = await lease.create(connection.driver.target);
      io.stdout.write(
        `Created the state ${store.location}\nfor ${projectText(state.target)} (lineage ${state.lineage}).\n` +
          'Keep it: it is what makes a restore run at most once.\n\nNext: ' +
          `${nextCommand('plan', flags)}\n`,
      );
      return EXIT.done;
    } finally {
      await lease.release();
    }
  } finally {
    await connection.close();
  }
}

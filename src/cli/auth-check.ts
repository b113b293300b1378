import { EXIT, type ExitCode } from '../domain/errors.ts';
import { checkAccess } from '../drivers/check-access.ts';
import { accessText } from '../views/access-text.ts';
import type { AuthFlags } from './auth-show.ts';
import { wayToCloud } from './cloud.ts';
import type { Io } from './io.ts';
import { settings } from './setup.ts';
import { printJson, textOptions } from './show.ts';

/** Somebody waits for it: a few attempts within a second are patience enough. */
const IMPATIENT = { min_delay_ms: 100, max_delay_ms: 300 };

/** Goes the way into the cloud step by step and tells how far it leads. Changes nothing. */
export async function authCheck(io: Io, flags: AuthFlags): Promise<ExitCode> {
  const given = await settings(io, flags);
  const way = await wayToCloud(io, flags, given);
  try {
    const { options } = way;
    const report = await checkAccess({ ...options, retry: { ...options.retry, ...IMPATIENT } });
    if (flags.output === 'json') printJson(io, { format: 1, ...report });
    else io.stdout.write(accessText(report, textOptions(io)));
    return report.ok ? EXIT.done : EXIT.error;
  } finally {
    await way.close();
  }
}

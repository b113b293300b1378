import { EXIT, type ExitCode } from '../../domain/errors.ts';
import { checkAccess } from '../../drivers/check-access.ts';
import { accessText } from '../../views/access-text.ts';
import { wayToCloud } from '../connect-cloud.ts';
import type { Io } from '../io.ts';
import { printJson, textOptions } from '../print.ts';
import { settings } from '../setup.ts';
import type { AuthFlags } from './run-auth-show.ts';

/** A person waits for the answer: a few attempts within a second are enough, and a longer `Retry-After` is the answer. */
const FOR_A_PERSON = { min_delay_ms: 100, max_delay_ms: 300, max_retry_after_ms: 1_000 };

/** Goes the way into the cloud step by step and tells how far it leads. Changes nothing. */
export async function authCheck(io: Io, flags: AuthFlags): Promise<ExitCode> {
  const given = await settings(io, flags);
  const way = await wayToCloud(io, flags, given);
  try {
    const { options } = way;
    const report = await checkAccess({ ...options, retry: { ...options.retry, ...FOR_A_PERSON } });
    if (flags.output === 'json') printJson(io, { format: 1, ...report });
    else io.stdout.write(accessText(report, textOptions(io)));
    return report.ok ? EXIT.done : EXIT.error;
  } finally {
    await way.close();
  }
}

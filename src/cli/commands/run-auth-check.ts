import { EXIT, type ExitCode } from '../../domain/errors.ts';
import { checkAccess } from '../../drivers/check-access.ts';
import { accessText } from '../../views/access-text.ts';
import { cloudOptions } from '../connect-cloud.ts';
import type { Io } from '../io.ts';
import { printJson, textOptions } from '../print.ts';
import { loadSettings } from '../setup.ts';
import type { AuthFlags } from './run-auth-show.ts';

/** A person waits for the answer: a few attempts within a second are enough, and a longer `Retry-After` is the answer. */
const FOR_A_PERSON = { min_delay_ms: 100, max_delay_ms: 300, max_retry_after_ms: 1_000 };

/** Connects to the cloud step by step and reports each step. Changes nothing. */
export async function authCheck(io: Io, flags: AuthFlags): Promise<ExitCode> {
  const settings = await loadSettings(io, flags);
  const cloud = await cloudOptions(io, flags, settings);
  try {
    const { options } = cloud;
    const report = await checkAccess({ ...options, retry: { ...options.retry, ...FOR_A_PERSON } });
    if (flags.output === 'json') printJson(io, { format: 1, ...report });
    else io.stdout.write(accessText(report, textOptions(io)));
    return report.ok ? EXIT.done : EXIT.error;
  } finally {
    await cloud.close();
  }
}

import { EXIT, type ExitCode } from '../../domain/errors.ts';
import { checkAccess } from '../../drivers/check-access.ts';
import { type ConnectOptions, inspectSettings } from '../../drivers/connect.ts';
import { accessText, settingsText } from '../../views/access-text.ts';
import { cloudOptions } from '../connect-cloud.ts';
import { loadContext } from '../context.ts';
import type { Io } from '../io.ts';
import type { CommonFlags, OutputFormat } from '../options/shared.ts';
import { inFormat, printResult, showDiagnostics, textOptions } from '../print.ts';

export interface AuthFlags extends CommonFlags {
  readonly output: OutputFormat;
}

/** Shows the settings of the connection and the source of each. Sends no request to the cloud. */
export async function authShow(io: Io, flags: AuthFlags): Promise<ExitCode> {
  const report = await withOptions(io, flags, inspectSettings);
  const { problems } = report;
  printResult(io, flags.output, {
    text: () => `${settingsText(report, textOptions(io))}${problems.length > 0 ? '\n' : ''}`,
    json: () => ({ format: 1, ...report }),
  });
  inFormat(flags.output, { text: () => showDiagnostics(io, problems), json: () => undefined });
  return problems.length > 0 ? EXIT.error : EXIT.done;
}

/** The user waits for the answer: a few attempts within a second. A longer `Retry-After` is reported as the answer. */
const QUICK_RETRY = { min_delay_ms: 100, max_delay_ms: 300, max_retry_after_ms: 1_000 };

/** Connects to the cloud step by step and reports each step. Changes nothing. */
export async function authCheck(io: Io, flags: AuthFlags): Promise<ExitCode> {
  const report = await withOptions(io, flags, (options) =>
    checkAccess({ ...options, retry: { ...options.retry, ...QUICK_RETRY } }),
  );
  printResult(io, flags.output, {
    text: () => accessText(report, textOptions(io)),
    json: () => ({ format: 1, ...report }),
  });
  return report.ok ? EXIT.done : EXIT.error;
}

async function withOptions<T>(
  io: Io,
  flags: CommonFlags,
  work: (options: ConnectOptions) => Promise<T>,
): Promise<T> {
  const cloud = await cloudOptions(await loadContext(io, flags));
  try {
    return await work(cloud.options);
  } finally {
    await cloud.close();
  }
}

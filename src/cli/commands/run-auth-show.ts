import { EXIT, type ExitCode } from '../../domain/errors.ts';
import { inspectSettings } from '../../drivers/connect.ts';
import { settingsText } from '../../views/access-text.ts';
import { cloudOptions } from '../connect-cloud.ts';
import type { Io } from '../io.ts';
import type { CommonFlags, OutputFormat } from '../options/shared.ts';
import { printJson, showDiagnostics, textOptions } from '../print.ts';
import { loadSettings } from '../setup.ts';

export interface AuthFlags extends CommonFlags {
  readonly output: OutputFormat;
}

/** Which settings the cloud would be reached with, and what gave each; nothing is asked of the cloud. */
export async function authShow(io: Io, flags: AuthFlags): Promise<ExitCode> {
  const settings = await loadSettings(io, flags);
  const cloud = await cloudOptions(io, flags, settings);
  try {
    const report = await inspectSettings(cloud.options);
    if (flags.output === 'json') printJson(io, { format: 1, ...report });
    else io.stdout.write(settingsText(report, textOptions(io)));
    if (flags.output === 'text' && report.problems.length > 0) {
      io.stdout.write('\n');
      showDiagnostics(io, report.problems);
    }
    return report.problems.length > 0 ? EXIT.error : EXIT.done;
  } finally {
    await cloud.close();
  }
}

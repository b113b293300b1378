import { type Diagnostic, hasErrors } from '../../domain/diagnostic.ts';
import { EXIT, type ExitCode } from '../../domain/errors.ts';
import { loadConfig } from '../../manifest/config-file.ts';
import { manifestPaths } from '../../manifest/default-paths.ts';
import { FOUND_LIMIT } from '../../manifest/found-limits.ts';
import { loadManifests } from '../../manifest/manifests.ts';
import { WRONG_VERSION } from '../../manifest/required-version.ts';
import { diagnosticsJson } from '../../views/diagnostics.ts';
import { plural } from '../../views/words.ts';
import { configSearch, loadIo } from '../context.ts';
import type { Io } from '../io.ts';
import type { ManifestFlags, OutputFormat } from '../options/shared.ts';
import { inFormat, printJson, showDiagnostics, textOptions } from '../print.ts';

export interface ValidateFlags extends ManifestFlags {
  readonly output: OutputFormat;
}

/** Reports every problem of config and manifests. Reads neither the cloud nor the state. */
export async function validate(io: Io, flags: ValidateFlags): Promise<ExitCode> {
  const loaded = await loadConfig(configSearch(io, flags), loadIo(io));
  const paths = await manifestPaths(flags.filename ?? [], loaded, loadIo(io));
  const { specs, files, diagnostics } = await loadManifests(paths, loadIo(io));
  const all = [...loaded.diagnostics.map(foundLimitAsWarning), ...diagnostics];
  const restores = specs.length;
  inFormat(flags.output, {
    text: () => {
      showDiagnostics(io, all);
      if (!hasErrors(all))
        io.stdout.write(
          `Valid: ${plural(restores, 'restore')} in ${plural(files.length, 'file')}.\nNext: ${textOptions(io).style.complete('vbsctl plan')}\n`,
        );
    },
    json: () => printJson(io, { ...diagnosticsJson(all), files: files.length, restores }),
  });
  if (all.some(({ code }) => code === WRONG_VERSION)) return EXIT.refused;
  return hasErrors(all) ? EXIT.error : EXIT.done;
}

/** A limit of found configs is no error here: this command does not use the config, and others may name it. */
function foundLimitAsWarning(diagnostic: Diagnostic): Diagnostic {
  return diagnostic.code === FOUND_LIMIT ? { ...diagnostic, severity: 'warning' } : diagnostic;
}

import { requireRecords } from '../../app/addresses.ts';
import { hasErrors, warning } from '../../domain/diagnostic.ts';
import { EXIT, type ExitCode, Failure } from '../../domain/errors.ts';
import { type OpenRestore, openRestores } from '../../domain/open-restores.ts';
import { isOpen } from '../../domain/record.ts';
import { isUrl } from '../../domain/shown-location.ts';
import type { RestoreSpec } from '../../domain/spec.ts';
import { manifestPaths } from '../../manifest/default-paths.ts';
import { loadManifests } from '../../manifest/manifests.ts';
import { statusJson, statusText } from '../../views/status-text.ts';
import { sanitize } from '../../views/terminal.ts';
import { type Context, loadContext, loadIo } from '../context.ts';
import type { Io } from '../io.ts';
import { openState } from '../open-state.ts';
import type { ManifestFlags, OutputFormat } from '../options/shared.ts';
import { printResult, showDiagnostics, textOptions } from '../print.ts';
import { absolute } from '../user-paths.ts';

export interface StatusFlags extends ManifestFlags {
  readonly output: OutputFormat;
}

/** Without addresses, up to this many open restores are shown in full, if one of them needs attention. */
const DETAILED_MAX = 3;
/** A record that has not changed for this long may be a case for the support of the cloud. */
const OLD_MS = 3_600_000;

/** Shows the open restores of the state. Takes no lock and asks no cloud, so it works during a run. */
export async function status(io: Io, addresses: readonly string[], flags: StatusFlags): Promise<ExitCode> {
  const context = await loadContext(io, flags);
  const backend = await openState(context, 'read');
  const { location } = backend;
  const state = await backend.read();
  if (!state) {
    printResult(io, flags.output, {
      text: () =>
        `There is no state at ${sanitize(isUrl(location) ? location : absolute(io, location))}.\n` +
        'If it is elsewhere, name it with --state or --config. To create one: vbsctl init\n',
      json: () => ({ format: 1, location, target: null, lock: null, open: [] }),
    });
    return EXIT.done;
  }
  const isAll = addresses.length === 0;
  const named = requireRecords(state, addresses);
  const open = openRestores(state, await declaredSpecs(context)).filter(
    ({ record }) => isAll || addresses.includes(record.address),
  );
  const shown = {
    target: state.target,
    location,
    lock: await backend.holder(),
    open,
    total: state.records.size,
    failed: [...state.records.values()].filter(({ status }) => status === 'failed').length,
    ...(isAll ? {} : { closed: named.filter((record) => !isOpen(record)) }),
  };
  const detailed = !isAll || (open.length <= DETAILED_MAX && open.some(needsAttention));
  printResult(io, flags.output, {
    text: () => statusText(shown, { ...textOptions(io), detailed }),
    json: () => statusJson(shown),
  });
  return EXIT.done;
}

function needsAttention({ record }: OpenRestore): boolean {
  return record.status === 'unknown' || Date.now() - Date.parse(record.updated_at) > OLD_MS;
}

/** The manifests only add which restores wait for others, so errors in them are not errors of this command. */
async function declaredSpecs({ io, flags, loaded }: Context): Promise<readonly RestoreSpec[]> {
  const paths = await manifestPaths(flags.filename ?? [], loaded, loadIo(io)).catch((cause: unknown) => {
    if (cause instanceof Failure && flags.filename === undefined) return [];
    throw cause;
  });
  const { specs, diagnostics } = await loadManifests(paths, loadIo(io));
  if (hasErrors(diagnostics))
    showDiagnostics(io, [
      warning('manifests-unread', 'restores that wait for others are not shown: the manifests have errors', {
        remedy: 'to see the errors: vbsctl validate',
      }),
    ]);
  return specs;
}

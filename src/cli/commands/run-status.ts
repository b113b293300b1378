import { recordsOf } from '../../app/addresses.ts';
import { hasErrors } from '../../domain/diagnostic.ts';
import { EXIT, type ExitCode, Failure } from '../../domain/errors.ts';
import { type OpenRestore, openRestores } from '../../domain/open-restores.ts';
import { optional } from '../../domain/optional.ts';
import { isOpen } from '../../domain/record.ts';
import { isUrl } from '../../domain/shown-location.ts';
import type { RestoreSpec } from '../../domain/spec.ts';
import { loadManifests, manifestPaths } from '../../manifest/index.ts';
import { statusJson, statusText } from '../../views/status-text.ts';
import { sanitize } from '../../views/terminal.ts';
import type { Io } from '../io.ts';
import type { ManifestFlags, OutputFormat } from '../options/shared.ts';
import { printJson, showDiagnostics, textOptions } from '../print.ts';
import { loadIo, loadSettings, openState, type Settings } from '../setup.ts';
import { absolute } from '../user-paths.ts';

export interface StatusFlags extends ManifestFlags {
  readonly output: OutputFormat;
}

/** So many open restores are shown in full without being asked for, if one of them seems to need a person. */
const DETAILED_MAX = 3;
/** What has not changed for so long may be a case for the cloud's support. */
const OLD_MS = 3_600_000;

/** What is open, from the state alone: takes no lock, asks no cloud, works beside a run. */
export async function status(io: Io, addresses: readonly string[], flags: StatusFlags): Promise<ExitCode> {
  const settings = await loadSettings(io, flags);
  const backend = await openState(io, flags, settings, 'read');
  const state = await backend.read();
  if (!state) {
    if (flags.output === 'json') printJson(io, { format: 1, location: backend.location, open: [] });
    else {
      const place = isUrl(backend.location) ? backend.location : absolute(io, backend.location);
      io.stdout.write(
        `There is no state at ${sanitize(place)}.\n` +
          'If it is elsewhere, name it with --state or --config. To create one: vbsctl init\n',
      );
    }
    return EXIT.done;
  }
  const specs = await declared(io, flags, settings);
  const all = openRestores(state, specs);
  const named = recordsOf(state, addresses);
  const open = addresses.length === 0 ? all : all.filter(({ record }) => addresses.includes(record.address));
  const closed = addresses.length === 0 ? undefined : named.filter((record) => !isOpen(record));
  const shown = {
    target: state.target,
    location: backend.location,
    lock: await backend.holder(),
    open,
    total: state.records.size,
    ...optional('closed', closed),
  };
  if (flags.output === 'json') printJson(io, statusJson(shown));
  else {
    const detailed =
      addresses.length > 0 ||
      (open.length <= DETAILED_MAX && open.some((one) => needsPerson(one, Date.now())));
    io.stdout.write(statusText(shown, { ...textOptions(io), detailed }));
  }
  return EXIT.done;
}

function needsPerson({ record }: OpenRestore, now: number): boolean {
  return record.status === 'unknown' || now - Date.parse(record.updated_at) > OLD_MS;
}

/** Manifests only tell what waits behind; without them, or with broken ones, the status is as true. */
async function declared(io: Io, flags: StatusFlags, { loaded }: Settings): Promise<readonly RestoreSpec[]> {
  const paths = await manifestPaths(flags.filename ?? [], loaded, loadIo(io)).catch((cause: unknown) => {
    if (cause instanceof Failure && flags.filename === undefined) return [];
    throw cause;
  });
  const { specs, diagnostics } = await loadManifests(paths, loadIo(io));
  if (hasErrors(diagnostics))
    showDiagnostics(io, [
      {
        severity: 'warning',
        code: 'manifests-unread',
        summary: 'restores that wait for others are not shown: the manifests have errors',
        remedy: 'see them: vbsctl validate',
      },
    ]);
  return specs;
}

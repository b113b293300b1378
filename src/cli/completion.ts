import type { Argument, Command, Option } from 'commander';
import { EXIT, type ExitCode, unreachable } from '../domain/errors.ts';
import { ADDRESS } from '../domain/spec.ts';
import { manifestPaths } from '../manifest/default-paths.ts';
import { loadManifests } from '../manifest/manifests.ts';
import { EMULATOR_CLOUD } from './cloud-settings.ts';
import { optionOf, readCommandLine, splitOption } from './command-line.ts';
import { loadContext, loadIo } from './context.ts';
import { TOPICS } from './help/help-topics.ts';
import type { Io } from './io.ts';
import { openState } from './open-state.ts';
import { completesOf } from './options/option.ts';
import type { ManifestFlags } from './options/shared.ts';

/** What fits at the end of a command line. */
type Completion =
  | { readonly kind: 'candidates'; readonly candidates: readonly Candidate[] }
  | { readonly kind: 'files' }
  /**
   * Cloud names, the addresses of the state and the manifests that these flags name, or the names of the project. Each is
   * put after the prefix.
   */
  | {
      readonly kind: 'clouds' | 'addresses' | 'servers' | 'volumes';
      readonly prefix: string;
      readonly flags: ManifestFlags;
    };

interface Candidate {
  readonly value: string;
  readonly about: string;
}

/** `words`: all that follows `vbsctl`, the unfinished one last. */
export async function printCandidates(io: Io, program: Command, words: readonly string[]): Promise<ExitCode> {
  const found = complete(program, words);
  if (found.kind === 'files') {
    io.stdout.write(':files\n');
    return EXIT.done;
  }
  const candidates = await candidatesOf(io, found);
  const current = words.at(-1) ?? '';
  // bash splits words at `=`, and expects only the part behind it.
  const isSplit = words.at(-2) === '=' || current === '=';
  const start = current === '=' ? '' : current;
  const lines = candidates
    .map(({ value, about }) => ({ value: isSplit ? value.slice(value.indexOf('=') + 1) : value, about }))
    .filter(({ value }) => value.startsWith(start))
    .map(({ value, about }) => `${value}\t${about}`);
  io.stdout.write(`${[':candidates', ...lines].join('\n')}\n`);
  return EXIT.done;
}

async function candidatesOf(
  io: Io,
  found: Exclude<Completion, { readonly kind: 'files' }>,
): Promise<readonly Candidate[]> {
  switch (found.kind) {
    case 'candidates':
      return found.candidates;
    case 'clouds':
      return [
        ...(await clouds(io, found.flags)).map((name) => ({
          value: found.prefix + name,
          about: 'of clouds.yaml',
        })),
        { value: found.prefix + EMULATOR_CLOUD, about: 'the built-in cloud' },
      ];
    case 'addresses':
      return (await addresses(io, found.flags)).map((address) => ({
        value: found.prefix + address,
        about: '',
      }));
    case 'servers':
    case 'volumes':
      return (await namesInProject(io, found.kind, found.flags)).map((name) => ({
        value: found.prefix + name,
        about: 'of the project',
      }));
    default:
      return unreachable(found);
  }
}

/** Reads the definitions of the commands, so that it knows every command and option. Pure. */
export function complete(program: Command, typed: readonly string[]): Completion {
  const words = joined(typed);
  const current = words.at(-1) ?? '';
  const { command, operands, flags, awaited } = readCommandLine(words.slice(0, -1), program);
  if (awaited) return valuesOf(awaited, '', flags, program);
  const [name, value] = splitOption(current);
  const option = value === undefined ? undefined : optionOf(command, name);
  if (option) return valuesOf(option, `${name}=`, flags, program);
  if (current.startsWith('-')) return candidates(optionsOf(command));
  if (command.commands.length > 0) return candidates(commandsOf(command));
  const declared = command.registeredArguments;
  const argument = declared[operands] ?? (declared.at(-1)?.variadic ? declared.at(-1) : undefined);
  return argument ? valuesOf(argument, '', flags, program) : candidates([]);
}

function valuesOf(
  of: Option | Argument,
  prefix: string,
  flags: Readonly<Record<string, unknown>>,
  program: Command,
): Completion {
  const completes = completesOf(of);
  switch (completes) {
    case undefined:
      return candidates((of.argChoices ?? []).map((value) => ({ value: prefix + value, about: '' })));
    case 'files':
      return { kind: 'files' };
    case 'clouds':
    case 'addresses':
    case 'servers':
    case 'volumes':
      return { kind: completes, prefix, flags };
    case 'topics':
      return candidates([
        ...Object.keys(TOPICS).map((value) => ({ value, about: 'a topic' })),
        ...commandsOf(program),
      ]);
    default:
      return unreachable(completes);
  }
}

function commandsOf({ commands }: Command): Candidate[] {
  return commands.map((each) => ({ value: each.name(), about: each.description() }));
}

function optionsOf({ options }: Command): Candidate[] {
  const own = options
    .filter(({ hidden }) => !hidden)
    .flatMap(({ long, description }) => (long ? [{ value: long, about: description }] : []));
  return [...own, { value: '--help', about: 'display help' }];
}

function candidates(list: readonly Candidate[]): Completion {
  return { kind: 'candidates', candidates: list };
}

/** `--target`, `=`, `x`, as bash passes them → `--target=x`. */
function joined(typed: readonly string[]): string[] {
  const words: string[] = [];
  for (const [index, word] of typed.entries()) {
    const last = words.at(-1);
    const joins =
      last?.startsWith('--') && (word === '=' || (typed[index - 1] === '=' && last.endsWith('=')));
    if (joins) words[words.length - 1] = `${last}${word}`;
    else words.push(word);
  }
  return words.length === 0 ? [''] : words;
}

/** Names that need no quotes in a shell, as addresses do not. No others are offered. */
const PLAIN_NAME = /^[A-Za-z0-9][\w.-]*$/;

/** The entries of clouds.yaml; none if it cannot be read. */
async function clouds(io: Io, flags: ManifestFlags): Promise<readonly string[]> {
  try {
    const context = await loadContext(silenced(io), flags);
    const { parseCloudFile } = await import('../drivers/auth/parse-cloud-file.ts');
    const files = await context.cloudFiles.used();
    const entries: unknown = files.clouds ? parseCloudFile(files.clouds).clouds : undefined;
    return typeof entries === 'object' && entries !== null
      ? Object.keys(entries).filter((name) => PLAIN_NAME.test(name))
      : [];
  } catch {
    return [];
  }
}

/** A shell waits for the candidates, and the user for the shell. */
const PROJECT_READ_MS_MAX = 5_000;

/** Logs in with the settings of the unfinished command line; none if the project cannot be listed in time. */
async function namesInProject(
  io: Io,
  kind: 'servers' | 'volumes',
  flags: ManifestFlags,
): Promise<readonly string[]> {
  try {
    const { filterOf, readProject } = await import('./read-project.ts');
    const stop = AbortSignal.any([io.stop, AbortSignal.timeout(PROJECT_READ_MS_MAX)]);
    const { inventory } = await readProject({ ...silenced(io), stop }, flags, filterOf({}));
    const names = inventory[kind].map(({ name }) => name).filter((name) => PLAIN_NAME.test(name));
    return [...new Set(names)].sort();
  } catch {
    return [];
  }
}

function silenced(io: Io): Io {
  return { ...io, stderr: { ...io.stderr, write: () => {} } };
}

/** The addresses that can be read. Errors are not shown, because the user is still typing. */
async function addresses(io: Io, flags: ManifestFlags): Promise<readonly string[]> {
  const found = new Set<string>();
  try {
    const silent = silenced(io);
    const context = await loadContext(silent, flags);
    const state = await (await openState(context, 'read')).read();
    for (const address of state?.records.keys() ?? []) found.add(address);
    const paths = await manifestPaths(flags.filename ?? [], context.loaded, loadIo(silent));
    if (!paths.includes('-'))
      for (const { address } of (await loadManifests(paths, loadIo(silent))).specs) found.add(address);
  } catch {
    // The unfinished command line may name anything.
  }
  return [...found].filter((address) => ADDRESS.test(address)).sort();
}

import type { Argument, Command, Option } from 'commander';
import { EXIT, type ExitCode, unreachable } from '../../domain/errors.ts';
import { loadManifests, manifestPaths } from '../../manifest/index.ts';
import { EMULATOR_CLOUD, trustsCwd } from '../connect-cloud.ts';
import type { Io } from '../io.ts';
import type { ManifestFlags } from '../options/shared.ts';
import { loadIo, loadSettings, openState } from '../setup.ts';
import { TOPICS } from './help-topics.ts';

/** What fits at the end of a command line: of the program’s own commands and flags, or something to be looked up. */
export type Completion =
  | { readonly kind: 'candidates'; readonly candidates: readonly Candidate[] }
  | { readonly kind: 'files' }
  /** What `--cloud` takes. */
  | { readonly kind: 'clouds'; readonly prefix: string; readonly flags: ManifestFlags }
  /** Addresses of the state and the manifests that these flags name. */
  | { readonly kind: 'addresses'; readonly prefix: string; readonly flags: ManifestFlags };

export interface Candidate {
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
  // bash breaks words at `=`; what stands before it is not typed again there.
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
    default:
      return unreachable(found);
  }
}

/** Pure: what fits, by the tree of commands itself, so that a new flag is completed the day it is there. */
export function complete(program: Command, typed: readonly string[]): Completion {
  const words = joined(typed);
  const current = words.at(-1) ?? '';
  let command = program;
  let operands = 0;
  let valueOf: Option | undefined;
  const flags: Record<string, string | string[]> = {};
  for (const word of words.slice(0, -1)) {
    if (valueOf) {
      note(flags, valueOf, word);
      valueOf = undefined;
      continue;
    }
    const [name = '', value] = splitFlag(word);
    const option = optionOf(command, name);
    if (option) {
      if (value !== undefined) note(flags, option, value);
      else if (option.required) valueOf = option;
      continue;
    }
    const below = command.commands.find((each) => each.name() === word || each.aliases().includes(word));
    if (below) command = below;
    else operands++;
  }
  if (valueOf) return valuesOf(valueOf, '', flags);
  const [name = '', value] = splitFlag(current);
  const option = value === undefined ? undefined : optionOf(command, name);
  if (option) return valuesOf(option, `${name}=`, flags);
  if (current.startsWith('-')) return candidates(flagsOf(command));
  if (command.commands.length > 0)
    return candidates(command.commands.map((each) => ({ value: each.name(), about: each.description() })));
  const declared = command.registeredArguments;
  const argument = declared[operands] ?? (declared.at(-1)?.variadic ? declared.at(-1) : undefined);
  return argument ? operandsOf(argument, program, flags) : candidates([]);
}

function operandsOf(
  argument: Argument,
  program: Command,
  flags: Record<string, string | string[]>,
): Completion {
  switch (argument.name()) {
    case 'address':
      return { kind: 'addresses', prefix: '', flags };
    case 'plan':
    case 'file':
      return { kind: 'files' };
    case 'topic':
      return candidates([
        ...Object.keys(TOPICS).map((value) => ({ value, about: 'a topic' })),
        ...program.commands.map((each) => ({ value: each.name(), about: each.description() })),
      ]);
    default:
      return candidates((argument.argChoices ?? []).map((value) => ({ value, about: '' })));
  }
}

function valuesOf(option: Option, prefix: string, flags: Record<string, string | string[]>): Completion {
  if (option.argChoices)
    return candidates(option.argChoices.map((value) => ({ value: prefix + value, about: '' })));
  if (/[<[](?:file|path|location)[\]>]/.test(option.flags)) return { kind: 'files' };
  if (option.long === '--cloud') return { kind: 'clouds', prefix, flags };
  if (/<address>/.test(option.flags)) return { kind: 'addresses', prefix, flags };
  return candidates([]);
}

function flagsOf(command: Command): Candidate[] {
  const own = command.options
    .filter(({ hidden }) => !hidden)
    .flatMap(({ long, description }) => (long ? [{ value: long, about: description }] : []));
  return [...own, { value: '--help', about: 'display help' }];
}

function candidates(list: readonly Candidate[]): Completion {
  return { kind: 'candidates', candidates: list };
}

function optionOf(command: Command, name: string): Option | undefined {
  return command.options.find(({ long, short }) => name !== '' && (name === long || name === short));
}

function splitFlag(word: string): [name: string, value: string | undefined] {
  const at = word.startsWith('--') ? word.indexOf('=') : -1;
  return at < 0 ? [word, undefined] : [word.slice(0, at), word.slice(at + 1)];
}

/** `--target`, `=`, `x` as bash hands them over → `--target=x`. */
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

function note(flags: Record<string, string | string[]>, option: Option, value: string): void {
  const key = option.attributeName();
  const repeats = key === 'filename';
  flags[key] = repeats ? [...((flags[key] as string[] | undefined) ?? []), value] : value;
}

/** A name that is safe to put on a command line unquoted; nothing else is offered. */
const ADDRESS = /^[a-z0-9-]+\/[a-z0-9-]+$/;

/** Nothing that a shell would take for its own. */
const CLOUD_NAME = /^[A-Za-z0-9][\w.-]*$/;

/** The entries of the clouds.yaml that would be used; of a file that cannot be read, none. */
async function clouds(io: Io, flags: ManifestFlags): Promise<readonly string[]> {
  try {
    const settings = await loadSettings(silenced(io), flags);
    const { readCloudFiles, parseCloudFile } = await import('../../drivers/auth/cloud-files.ts');
    const files = await readCloudFiles({
      env: io.env,
      home: io.home,
      cwd: io.cwd,
      readsCwd: trustsCwd(io, settings),
    });
    const entries: unknown = files.clouds ? parseCloudFile(files.clouds).clouds : undefined;
    return typeof entries === 'object' && entries !== null
      ? Object.keys(entries).filter((name) => CLOUD_NAME.test(name))
      : [];
  } catch {
    return [];
  }
}

function silenced(io: Io): Io {
  return { ...io, stderr: { ...io.stderr, write: () => {} } };
}

/** What can be read is offered; what cannot is no reason to disturb somebody who is typing. */
async function addresses(io: Io, flags: ManifestFlags): Promise<readonly string[]> {
  const found = new Set<string>();
  try {
    const silent = silenced(io);
    const settings = await loadSettings(silent, flags);
    const state = await (await openState(silent, flags, settings, 'read')).read();
    for (const address of state?.records.keys() ?? []) found.add(address);
    const paths = await manifestPaths(flags.filename ?? [], settings.loaded, loadIo(silent));
    if (!paths.includes('-'))
      for (const { address } of (await loadManifests(paths, loadIo(silent))).specs) found.add(address);
  } catch {
    // Half a command line may name anything.
  }
  return [...found].filter((address) => ADDRESS.test(address)).sort();
}

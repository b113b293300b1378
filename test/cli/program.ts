import type { Command } from 'commander';
import type { Io } from '../../src/cli/io.ts';
import { buildProgram } from '../../src/cli/program.ts';
import { Secrets } from '../../src/domain/secrets.ts';

/** A process that only remembers what was written. */
export function paperIo(more: Partial<Io> = {}): Io & { readonly out: string[]; readonly err: string[] } {
  const out: string[] = [];
  const err: string[] = [];
  const output = (to: string[]) => ({
    isTty: false,
    columns: 100,
    rows: 24,
    write: (text: string) => void to.push(text),
    stream: process.stdout,
    escaped: (text: string) => text,
  });
  return {
    env: {},
    cwd: '/nowhere',
    home: '/nowhere',
    who: 'test@lab',
    stdout: output(out),
    stderr: output(err),
    stdin: { isTty: false, bytes: (async function* () {})(), question: async () => undefined },
    secrets: new Secrets(),
    notesShown: new Set(),
    typed: { flags: {}, commands: [] },
    stop: new AbortController().signal,
    out,
    err,
    ...more,
  };
}

export function program(): Command {
  return buildProgram(paperIo(), () => {});
}

/** Every command a user can type, by its words. */
export function commands(command: Command = program(), path: readonly string[] = []): Map<string, Command> {
  const found = new Map<string, Command>();
  for (const below of command.commands) {
    const words = [...path, below.name()];
    found.set(words.join(' '), below);
    for (const [name, each] of commands(below, words)) found.set(name, each);
  }
  return found;
}

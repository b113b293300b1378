import { expect } from 'chai';
import { readCommandLine } from '../../../src/cli/command-line.ts';
import type { Example } from '../../../src/cli/commands/definition.ts';
import { COMMANDS } from '../../../src/cli/commands/index.ts';
import { afterHelp } from '../../../src/cli/help/after-help.ts';
import { TOPICS } from '../../../src/cli/help/help-topics.ts';
import { buildProgram, run } from '../../../src/cli/program.ts';
import { EXIT } from '../../../src/domain/errors.ts';
import { parseFaultPlan } from '../../../src/emulator/fault-plan.ts';
import { BODY_SHAPES, FAULT_KINDS, GARBAGE, ROUTE_KINDS } from '../../../src/emulator/faults.ts';
import { expectGolden } from '../../views/golden.ts';
import { commands, paperIo, program } from '../program.ts';

/** A command line as a shell would split it, up to a redirection. */
function shellWords(line: string): string[] {
  const [before = ''] = line.split(' > ');
  return [...before.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(([, a, b, c]) => a ?? b ?? c ?? '');
}

/** By the words of each command, also of the groups. */
const DEFINITIONS = new Map(
  COMMANDS.flatMap((each) => [
    [each.name, each] as const,
    ...('commands' in each ? each.commands : []).map(
      (below) => [`${each.name} ${below.name}`, below] as const,
    ),
  ]),
);
const EXAMPLES = new Map<string, readonly Example[]>(
  [...DEFINITIONS].map(([name, { examples }]) => [name, examples]),
);

describe('help', () => {
  it('has examples and exit codes for every command', () => {
    expect([...DEFINITIONS.keys()].sort()).to.deep.equal([...commands().keys()].sort());
    for (const [name, definition] of DEFINITIONS) {
      expect(afterHelp(definition), name).to.match(/^\nExamples:\n {2}(vbsctl|source)/);
      expect(afterHelp(definition), name).to.include('Exit codes').and.include('  0  ').and.include('  1  ');
    }
  });

  // Whatever is promised in an example has to exist: each is parsed, its action is not run.
  for (const [name, examples] of EXAMPLES)
    for (const [line] of examples)
      it(`has an example that can be parsed: ${line}`, async () => {
        const words = shellWords(line.replace(/^source <\((.*)\)$/, '$1'));
        expect(words[0]).to.equal('vbsctl');
        const parsed = buildProgram(paperIo(), () => {});
        let ran: string | undefined;
        for (const [path, command] of commands(parsed)) {
          if (command.commands.length === 0)
            command.action(() => {
              ran = path;
            });
        }
        await parsed.parseAsync([...readCommandLine(words.slice(1), parsed).words], { from: 'user' });
        expect(ran === name || ran?.startsWith(`${name} `), `${ran}`).to.equal(true);
      });

  it('explains every exit code', () => {
    for (const code of Object.values(EXIT))
      expect(TOPICS['exit-codes']).to.match(new RegExp(`^ +${code}  \\S`, 'm'));
  });

  it('names only commands and flags that exist', () => {
    const known = commands();
    for (const [topic, text] of Object.entries(TOPICS))
      for (const [, line = ''] of text.matchAll(/vbsctl ((?:[a-z-]+ ?)+)/g)) {
        const words = line.trim().split(' ');
        const found = words.map((_, n) => words.slice(0, n + 1).join(' ')).some((path) => known.has(path));
        // "vbsctl" in prose: "Exit codes of vbsctl".
        expect(found, `${topic}: vbsctl ${line}`).to.equal(true);
      }
    const flags = new Set([...known.values()].flatMap(({ options }) => options.map(({ long }) => long)));
    for (const [topic, text] of Object.entries(TOPICS))
      for (const [flag] of text.matchAll(/--[a-z][a-z-]+/g))
        expect(flags.has(flag), `${topic}: ${flag}`).to.equal(true);
  });

  for (const topic of ['exit-codes', 'manifest', 'config', 'recovery', 'faults'])
    it(`has the topic ${topic}`, async () => {
      const io = paperIo();
      expect(await run(['help', topic], io)).to.equal(EXIT.done);
      expect(io.out.join('')).to.equal(TOPICS[topic]).and.to.have.length.above(400);
    });

  it('names every route and kind of fault, and shows a valid fault plan', () => {
    const text = TOPICS.faults ?? '';
    for (const word of [...ROUTE_KINDS, ...FAULT_KINDS, ...BODY_SHAPES, ...GARBAGE])
      expect(text).to.match(new RegExp(`\\b${word}\\b`));
    const [, example = ''] = /echo '([^']*)' > faults\.json\n/.exec(text) ?? [];
    expect(parseFaultPlan(JSON.parse(example)).rules).to.have.length(1);
  });

  it('shows the help of one command, and of all', async () => {
    for (const words of [
      ['help', 'get', 'backups'],
      ['get', 'backup', '--help'],
      ['help', 'get', 'backup'],
    ]) {
      const io = paperIo();
      expect(await run(words, io)).to.equal(EXIT.done);
      expect(io.out.join('')).to.include('Usage: vbsctl get backups').and.include('Examples:');
    }
    const io = paperIo();
    expect(await run(['help'], io)).to.equal(EXIT.done);
    expect(io.out.join('')).to.include('A first session');
  });

  it('prints each page as reviewed', async () => {
    const pages: string[] = [];
    for (const words of [
      [],
      ...[...commands().keys()].map((name) => name.split(' ')),
      ...Object.keys(TOPICS).map((topic) => ['help', topic]),
    ]) {
      const line = words[0] === 'help' && words.length > 1 ? words : [...words, '--help'];
      const io = paperIo();
      expect(await run(line, io)).to.equal(EXIT.done);
      pages.push(`### vbsctl ${line.join(' ')}\n\n${io.out.join('')}`);
    }
    expectGolden('help', pages.join('\n'), import.meta.url);
  });

  it('lists every command on top', () => {
    const text = program().helpInformation();
    for (const name of program().commands.map((each) => each.name())) expect(text).to.include(`  ${name}`);
  });
});

import { expect } from 'chai';
import fc from 'fast-check';
import { endsMidLine, withoutLogCommands } from '../../../src/domain/escape/ci-log.ts';
import { harmlessText } from '../../../src/domain/escape/terminal.ts';
import { logCommandsIn } from '../../security/log-commands.ts';

const COMMANDS = [
  '::set-output name=approved::true',
  '::add-mask::restored',
  '  \t::error file=x,line=1::no',
  '\u00a0::stop-commands::x',
  '\u001b[31m::warning::x',
  '##[error]no',
  'text ##[add-mask]restored',
  'text ##vso[task.setvariable variable=x]y',
  '##VSO[task.complete result=Succeeded]',
  "##teamcity[buildStatus text='ok']",
  '--- a group',
  '+++ an open group',
  '~~~',
  '^^^ +++',
  'section_start:1560896352:name\r\u001b[0Khidden',
  'travis_fold:start:x\r\u001b[0K',
  '\u001b[8mha:////note\u001b[0m',
];

describe('text for the log of a pipeline', () => {
  for (const command of COMMANDS)
    it(`is escaped so that it is no command: ${JSON.stringify(command)}`, () => {
      expect(logCommandsIn(command), 'the command itself is one').not.to.deep.equal([]);
      for (const text of [command, `one\n${command}\ntwo`, `${command}\n`])
        expect(logCommandsIn(withoutLogCommands(harmlessText(text)))).to.deep.equal([]);
    });

  it('shows the code of the first character, and the rest unchanged', () => {
    expect(withoutLogCommands('  ::add-mask::x')).to.equal('  \\x3a:add-mask::x');
    expect(withoutLogCommands('a ##[group]b')).to.equal('a \\x23#[group]b');
    expect(withoutLogCommands('--- b')).to.equal('\\x2d-- b');
  });

  it('is unchanged if it is no command', () => {
    for (const text of [
      'a ::b:: c',
      '## a',
      '# [a]',
      'https://[::1]:80/',
      '-- x',
      '  ---',
      '--help',
      '----',
      'a --- b',
    ])
      expect(withoutLogCommands(text)).to.equal(text);
  });

  it('is escaped only at the start of a line', () => {
    for (const text of ['', 'a\n', '  ', 'a\n \t', '\u001b[1m'])
      expect(endsMidLine(text), text).to.equal(false);
    for (const text of ['a', 'a\nb', '\u001b[1mx']) expect(endsMidLine(text), text).to.equal(true);
  });

  it('is never a command, and is unchanged when escaped twice', () => {
    const pieces = fc.constantFrom(
      ...COMMANDS,
      '##',
      '#',
      '[',
      ':',
      '::',
      '\n',
      ' ',
      'vso',
      'x',
      '\r',
      '---',
      '\u2028',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 8 }), (parts) => {
        const once = withoutLogCommands(harmlessText(parts.join('')));
        expect(logCommandsIn(once)).to.deep.equal([]);
        expect(withoutLogCommands(harmlessText(once))).to.equal(once);
      }),
    );
  });
});

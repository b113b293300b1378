import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { OutputGuard } from '../../src/cli/output-guard.ts';
import { toJson } from '../../src/domain/escape/json.ts';
import { Secrets } from '../../src/domain/secrets.ts';
import { makeStyle } from '../../src/views/terminal.ts';

describe('the output guard', () => {
  const guard = (...secrets: string[]) => {
    const known = new Secrets();
    known.add(...secrets);
    return new OutputGuard(known);
  };

  it('keeps the colours, tabs and line breaks of vbsctl', () => {
    const { strong, faint, good, warn, bad, accent } = makeStyle(true);
    const text = `${strong(bad('error:'))} a\n\t${faint('b')} ${good('c')} ${warn('d')} ${accent(strong('e'))}\n`;
    expect(guard().next(text)).to.equal(text);
  });

  it('removes every other control sequence', () => {
    for (const code of [
      '\u001b[2J',
      '\u001b[8m',
      '\u001b]0;x\u0007',
      '\u001b[48;5;1m',
      '\u009b31m',
      '\r',
      '\u202e',
    ])
      expect(guard().next(`a${code}b`)).to.not.include(code);
  });

  it('recognises a command whose line an earlier text began', () => {
    const one = guard();
    expect(one.next('name: ')).to.equal('name: ');
    expect(one.next('::add-mask::x\n')).to.equal('::add-mask::x\n');
    expect(one.next('  ')).to.equal('  ');
    expect(one.next('::add-mask::x\n')).to.equal('\\x3a:add-mask::x\n');
    expect(one.next('a\n')).to.equal('a\n');
    expect(one.next('::b::\n--- c\n')).to.equal('\\x3a:b::\n\\x2d-- c\n');
  });

  it('masks secrets, also in JSON, which stays valid', () => {
    const secret = 'pa"ss\\word/1';
    const text = toJson({ message: `got ${secret} ##[error]` }, 2);
    expect(JSON.parse(guard(secret).next(text)))
      .to.have.property('message')
      .that.includes('got ***');
    expect(guard(secret).next(`got ${secret}\n`)).to.equal('got ***\n');
  });

  it('is the only code that writes to the streams of the process', () => {
    const source = join(import.meta.dirname, '../../src');
    const writers = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter(
      (name) =>
        name.endsWith('.ts') &&
        /process\.std(out|err)|console\.\w/.test(readFileSync(join(source, name), 'utf8')),
    );
    expect(writers.filter((name) => name !== 'main.ts')).to.deep.equal([]);
  });
});

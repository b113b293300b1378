import { execFileSync, spawnSync } from 'node:child_process';
import { expect } from 'chai';
import fc from 'fast-check';
import {
  LIKE_AN_OPTION,
  shellOperand,
  shellPath,
  shellWord,
  UNPRINTABLE,
} from '../../../src/domain/escape/shell-word.ts';

/** Those that are on this machine: each reads quotes in its own way. */
const SHELLS = ['sh', 'bash', 'zsh', 'fish', 'dash'].filter((shell) => !spawnSync(shell, ['-c', ':']).error);

describe('a word for the shell', () => {
  it('has no quotes if it needs none', () => {
    for (const plain of ['vbsctl.state.json', './a/b-1.yaml', 'https://gitlab.example/x', 'set/disk-1', '-x'])
      expect(shellWord(plain)).to.equal(plain);
  });

  it('quotes what a shell would interpret', () => {
    expect(shellWord('s3://b/k?endpoint=x&region=y')).to.equal(`'s3://b/k?endpoint=x&region=y'`);
    expect(shellWord("it's; $(rm -rf /)")).to.equal(`'it'\\''s; $(rm -rf /)'`);
    expect(shellWord('')).to.equal(`''`);
    expect(shellWord('~/x')).to.equal(`'~/x'`);
    expect(shellWord('=ls')).to.equal(`'=ls'`);
    expect(shellWord('%self')).to.equal(`'%self'`);
  });

  it('does not end its quotes early in fish, where a backslash escapes within them', () => {
    expect(shellWord("\\';touch x;#")).to.equal(`''\\\\''\\'';touch x;#'`);
  });

  it('says so if the text cannot be pasted', () => {
    for (const text of ['a\nb', 'a\rb', 'a\tb', '\u001b[31m', 'a\u202eb', 'a\u200bb', '\u2028', '\u0085'])
      expect(shellWord(text)).to.equal(UNPRINTABLE);
  });

  it('is not read as an option', () => {
    expect(shellPath('--state=https://evil')).to.equal('./--state=https://evil');
    expect(shellPath('-')).to.equal('-');
    expect(shellPath('plan.json')).to.equal('plan.json');
    expect(shellOperand('--state=https://evil')).to.equal(LIKE_AN_OPTION);
    expect(shellOperand('4711')).to.equal('4711');
  });

  it('is read unchanged by a real shell', () => {
    const text = fc.string({ unit: fc.constantFrom(...'ab \'"$`\\&;|<>(){}*?!~#%=^@-é'), maxLength: 12 });
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 40 }), (words) => {
        const script = `printf '%s\\0' ${words.map((word) => `x${shellWord(word)}`).join(' ')} ${words.map((word) => `x ${shellWord(word)}`).join(' ')}`;
        const expected = [...words.map((word) => `x${word}`), ...words.flatMap((word) => ['x', word])];
        for (const shell of SHELLS) {
          const back = execFileSync(shell, ['-c', script], { encoding: 'utf8' }).split('\0').slice(0, -1);
          expect(back, shell).to.deep.equal(expected);
        }
      }),
      { numRuns: 30 },
    );
  });
});

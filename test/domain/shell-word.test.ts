import { execFileSync } from 'node:child_process';
import { expect } from 'chai';
import fc from 'fast-check';
import { shellWord } from '../../src/domain/shell-word.ts';

describe('a word for the shell', () => {
  it('has no quotes where it needs none', () => {
    for (const plain of ['vbsctl.state.json', './a/b-1.yaml', 'https://gitlab.example/x', 'set/disk-1'])
      expect(shellWord(plain)).to.equal(plain);
  });

  it('quotes what the shell would read otherwise', () => {
    expect(shellWord('s3://b/k?endpoint=x&region=y')).to.equal(`'s3://b/k?endpoint=x&region=y'`);
    expect(shellWord("it's; $(rm -rf /)")).to.equal(`'it'\\''s; $(rm -rf /)'`);
    expect(shellWord('')).to.equal(`''`);
    expect(shellWord('~/x')).to.equal(`'~/x'`);
  });

  it('comes back from a real shell as it was', () => {
    const text = fc.string({ unit: fc.constantFrom(...'ab \'"$`\\&;|<>(){}*?!~#%-\n\té'), maxLength: 12 });
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 40 }), (words) => {
        const script = `printf '%s\\0' ${words.map(shellWord).join(' ')}`;
        const back = execFileSync('/bin/sh', ['-c', script], { encoding: 'utf8' }).split('\0').slice(0, -1);
        expect(back).to.deep.equal(words);
      }),
      { numRuns: 30 },
    );
  });
});

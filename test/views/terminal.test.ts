import { expect } from 'chai';
import fc from 'fast-check';
import { MultilineText } from '../../src/domain/diagnostic.ts';
import { quoted } from '../../src/domain/escape/quoted.ts';
import { shellWord } from '../../src/domain/escape/shell-word.ts';
import {
  clip,
  displayWidth,
  makeStyle,
  padEnd,
  paragraphs,
  sanitize,
  wantsColor,
  wrap,
  wrapRemedy,
} from '../../src/views/terminal.ts';
import { expectHarmless } from './golden.ts';

describe('text for a terminal', () => {
  describe('sanitize', () => {
    const cases: [string, string, string][] = [
      ['a colour', '\u001b[31mred\u001b[0m', '\\x1b[31mred\\x1b[0m'],
      ['a window title', '\u001b]0;owned\u0007', '\\x1b]0;owned\\x07'],
      ['an eight-bit CSI', '\u009b2J', '\\x9b2J'],
      ['line breaks and tabs', 'a\r\n\tb', 'a\\r\\n\\tb'],
      ['a bidi override', 'txt\u202egpj', 'txt\\u{202e}gpj'],
      ['a bidi isolate', '\u2066a\u2069', '\\u{2066}a\\u{2069}'],
      ['a zero-width space', 'pay\u200bdb', 'pay\\u{200b}db'],
      ['a tag character', 'a\u{e0041}', 'a\\u{e0041}'],
      ['a line separator', 'a\u2028b', 'a\\u{2028}b'],
      ['a lone surrogate', 'a\ud800b', 'a\\u{d800}b'],
      ['delete', '\u007f', '\\x7f'],
    ];
    for (const [what, text, shown] of cases)
      it(`makes ${what} visible`, () => {
        expect(sanitize(text)).to.equal(shown);
      });

    it('leaves names in any language unchanged', () => {
      for (const name of ['pay-db-data', 'Größe 500', 'データ', 'قاعدة', 'диск', '💾 backup'])
        expect(sanitize(name)).to.equal(name);
    });

    it('removes all hostile characters, and changes nothing twice', () => {
      fc.assert(
        fc.property(fc.string({ unit: 'binary' }), (text) => {
          const safe = sanitize(text);
          expectHarmless(safe);
          expect(safe).not.to.contain('\n');
          expect(sanitize(safe)).to.equal(safe);
        }),
      );
    });
  });

  describe('widths', () => {
    it('counts columns, not code units', () => {
      expect(displayWidth('abc')).to.equal(3);
      expect(displayWidth('データ')).to.equal(6);
      expect(displayWidth('e\u0301')).to.equal(1);
      expect(displayWidth('💾')).to.equal(2);
    });

    it('pads wide names to the same column', () => {
      expect(displayWidth(padEnd('データ', 10))).to.equal(10);
      expect(padEnd('longer than that', 4)).to.equal('longer than that');
    });

    it('clips to at most the width and says so', () => {
      expect(clip('payments/db-data', 8)).to.equal('payment…');
      expect(clip('short', 8)).to.equal('short');
      fc.assert(
        fc.property(fc.string({ unit: 'grapheme' }), fc.integer({ min: 1, max: 40 }), (text, width) => {
          expect(displayWidth(clip(text, width))).to.be.at.most(width);
        }),
      );
    });
  });

  describe('wrap', () => {
    it('breaks at spaces and keeps every word', () => {
      fc.assert(
        fc.property(
          fc.array(fc.stringMatching(/^[a-z]{1,12}$/)),
          fc.integer({ min: 1, max: 60 }),
          (words, width) => {
            const lines = wrap(words.join(' '), width);
            expect(lines.join(' ')).to.equal(words.join(' '));
            for (const line of lines) if (line.includes(' ')) expect(displayWidth(line)).to.be.at.most(width);
          },
        ),
      );
    });

    it('does not break a command of ours, so that it can be pasted', () => {
      expect(
        wrapRemedy('check the disk, then: vbsctl resolve a/b --as failed --reason "…"', 30),
      ).to.deep.equal(['check the disk, then:', 'vbsctl resolve a/b --as failed --reason "…"']);
    });

    it('never begins a line with the arrow that stands for what to do', () => {
      for (let width = 10; width < 60; width++)
        for (const line of wrap('named x → vbsctl-apply --auto-approve → → now', width).slice(1))
          expect(line).not.to.match(/^→/);
    });

    const lookalike = fc
      .array(
        fc.constantFrom(
          'x',
          'vbsctl',
          'openstack',
          '→',
          'apply',
          '--auto-approve',
          '“',
          '”',
          '"',
          "'",
          ':',
          '\n',
          '\t',
          '\u00a0',
          '\u00a0vbsctl',
          'x\u2003vbsctl',
          '\u3000→',
          '\u2800openstack',
        ),
        {
          minLength: 1,
          maxLength: 20,
        },
      )
      .map((words) => words.join(' '));
    const widths = fc.integer({ min: 10, max: 120 });

    it('never begins a line of prose with what looks like a command of ours, whatever it holds', () => {
      fc.assert(
        fc.property(lookalike, widths, (text, width) => {
          for (const line of [...wrap(`disk ${sanitize(text)}`, width), ...paragraphs(text, width)])
            expect(line).not.to.match(/^[\s\u2800]*(→|vbsctl|openstack)(?!\S)/);
        }),
      );
    });

    it('takes nothing for a command that is quoted within what to do, and breaks no quotation', () => {
      fc.assert(
        fc.property(lookalike, lookalike, widths, (one, other, width) => {
          const lines = wrapRemedy(
            `put ${quoted(one)} in place of ${quoted(other)}, then: vbsctl plan -f FILE`,
            width,
          );
          expect(lines.join(' ')).to.include(quoted(one)).and.include(quoted(other));
          for (const line of lines) {
            const begins = /^(?:vbsctl|openstack)(?!\S)/.test(line);
            expect(begins, line).to.equal(line === 'vbsctl plan -f FILE');
            expect(line.split('“').length, line).to.equal(line.split('”').length);
          }
        }),
      );
    });

    it('takes nothing for a command that is a word of a command to paste', () => {
      fc.assert(
        fc.property(lookalike, widths, (text, width) => {
          const word = shellWord(text);
          const lines = wrapRemedy(`name it: --config ${word}, or VBSCTL_CONFIG`, width);
          expect(lines.join(' ')).to.equal(`name it: --config ${word}, or VBSCTL_CONFIG`);
          for (const line of lines) expect(line).not.to.match(/^(→|vbsctl|openstack)(?!\S)/);
        }),
      );
    });

    it('quotes a text of somebody else unless it is one plain word', () => {
      for (const text of [
        'pay-db-data',
        'Größe',
        'データ',
        'c96e4a94-927a-425c-8795-63f9964cfebd',
        'a.b/c:1',
      ])
        expect(quoted(text)).to.equal(text);
      for (const [text, shown] of [
        ['pay db', '“pay db”'],
        ['vbsctl', '“vbsctl”'],
        ['a\n→ vbsctl apply', '“a → vbsctl apply”'],
        ['x” then “y', '“x" then "y”'],
        ['', '“”'],
        ['x '.repeat(500), `“${'x '.repeat(29)}x…”`],
      ] as const)
        expect(quoted(text)).to.equal(shown);
    });

    it('keeps the line breaks that were meant, and no others', () => {
      expect(paragraphs(new MultilineText('one\nand', 'two\r'), 80)).to.deep.equal(['one\\nand', 'two\\r']);
    });

    it('begins no line with what looks like our arrow', () => {
      for (const arrow of [
        '→',
        '→\ufe0e',
        '→\u034f',
        '➜',
        '⇒',
        '⟶',
        '⮕',
        '\u{1f816}',
        '\uffeb',
        '->',
        '=>',
        '-->',
      ])
        for (let before = 1; before < 60; before++)
          for (const shown of [
            wrap(sanitize(`${'x'.repeat(before)} ${arrow} vbsctl apply ${arrow} now`), 30),
            paragraphs(`${'x'.repeat(before)} ${arrow} vbsctl apply ${arrow} now`, 30),
          ])
            for (const line of shown) expect(line, arrow).to.match(/^(x|apply|now)/);
    });
  });

  describe('colour', () => {
    it('is used on a terminal unless it is switched off', () => {
      expect(wantsColor({}, true)).to.equal(true);
      expect(wantsColor({}, false)).to.equal(false);
      expect(wantsColor({ TERM: 'dumb' }, true)).to.equal(false);
      expect(wantsColor({ NO_COLOR: '1' }, true)).to.equal(false);
      expect(wantsColor({ FORCE_COLOR: '1' }, false)).to.equal(true);
      expect(wantsColor({ FORCE_COLOR: '0' }, true)).to.equal(false);
      expect(wantsColor({ FORCE_COLOR: '1', NO_COLOR: '1' }, true)).to.equal(false);
    });

    it('is present if requested, and absent otherwise', () => {
      expect(makeStyle(true).bad('x')).to.equal('\u001b[31mx\u001b[39m');
      expect(makeStyle(false).bad('x')).to.equal('x');
    });
  });
});

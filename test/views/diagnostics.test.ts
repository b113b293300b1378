import { expect } from 'chai';
import { type Diagnostic, MultilineText } from '../../src/domain/diagnostic.ts';
import { diagnosticsJson, diagnosticsText } from '../../src/views/diagnostics.ts';
import { displayWidth, makeStyle } from '../../src/views/terminal.ts';
import { expectGolden } from './golden.ts';

const style = makeStyle(false);

const SAMPLES: readonly Diagnostic[] = [
  {
    severity: 'error',
    code: 'unknown-key',
    summary: 'unknown key "volum_id"',
    detail:
      'A restore names its disk by volume_id, or by volume: {name: …} where the name is unique in the project.',
    remedy: 'did you mean volume_id?',
    where: {
      file: 'restores/payments.yaml',
      line: 12,
      column: 7,
      text: '      volum_id: c96e4a94-927a-425c-8795-63f9964cfebd',
    },
  },
  {
    severity: 'error',
    code: 'outcome-unknown',
    summary: 'the outcome of its last attempt is unknown',
    remedy:
      'check the disk, then: vbsctl resolve payments/wal --as succeeded|not-started|failed --reason "…"',
    where: { address: 'payments/wal' },
  },
  {
    severity: 'warning',
    code: 'latest',
    summary: 'as_of: latest picks another backup each time',
    where: { file: 'restores.yaml', line: 3, address: 'payments/log' },
  },
  { severity: 'note', code: 'no-state', summary: 'there is no state yet', remedy: 'vbsctl init' },
];

function caretOf(where: Diagnostic['where'], width = 80): { line: string; caret: string } {
  const text = diagnosticsText(
    [{ severity: 'error', code: 'x', summary: 's', ...(where ? { where } : {}) }],
    {
      style,
      width,
    },
  );
  const [, line = '', caret = ''] = text.split('\n');
  return { line, caret };
}

describe('the text of a diagnostic', () => {
  it('matches the golden file', () => {
    expectGolden('diagnostics', diagnosticsText(SAMPLES, { style, width: 80 }));
  });

  it('is empty without a diagnostic', () => {
    expect(diagnosticsText([], { style, width: 80 })).to.equal('');
  });

  it('puts the caret under the column as shown, tabs and wide characters included', () => {
    const { line, caret } = caretOf({ file: 'f', line: 3, column: 8, text: '\tデータ : [x' });
    const before = line.slice(0, line.indexOf('[x'));
    expect(displayWidth(before)).to.equal(caret.indexOf('^'));
  });

  it('shows a window of a line that is far too long', () => {
    const text = `${'a'.repeat(2_000_000)}HERE${'b'.repeat(2_000_000)}`;
    const { line, caret } = caretOf({ file: 'f.json', line: 1, column: 2_000_001, text });
    expect(displayWidth(line)).to.be.at.most(80);
    expect(line.slice(caret.indexOf('^'), caret.indexOf('^') + 4)).to.equal('HERE');
  });

  it('stands at the end of a line when the column is past it', () => {
    const { line, caret } = caretOf({ file: 'f', line: 1, column: 4, text: 'abc' });
    expect(caret.indexOf('^')).to.equal(line.length);
  });

  it('cannot be made to look like another diagnostic', () => {
    const text = diagnosticsText(
      [{ severity: 'note', code: 'x', summary: 'a\nerror: forged', detail: 'b\nerror: forged' }],
      { style, width: 80 },
    );
    expect(text).to.equal('note: a\\nerror: forged\n  b\\nerror: forged\n');
    const lines = new MultilineText('b\nc', 'error: forged', ' → vbsctl apply');
    const more = diagnosticsText(
      [{ severity: 'note', code: 'x', summary: 'a', detail: lines, remedy: lines }],
      {
        style,
        width: 80,
      },
    );
    const advised = '  → b\\nc\n    error: forged\n    \\u{2192} vbsctl apply\n';
    expect(more).to.equal(`note: a\n  b\\nc\n  error: forged\n  \\u{2192} vbsctl apply\n${advised}`);
  });

  it('has no run of blanks that could fill a line of the terminal', () => {
    const padded = `prod${' '.repeat(40)}\u00a0\u00a0→ first:${' '.repeat(60)}vbsctl state push x`;
    const text = diagnosticsText([{ severity: 'error', code: 'x', summary: `the cloud ${padded}` }], {
      style,
      width: 80,
    });
    expect(text).to.equal('error: the cloud prod → first: vbsctl state push x\n');
  });

  it('has the lines of a text as one text in JSON', () => {
    const diagnostic = {
      severity: 'note',
      code: 'x',
      summary: 'a',
      detail: new MultilineText('b', undefined, 'c'),
    } as const;
    expect(JSON.parse(JSON.stringify(diagnosticsJson([diagnostic]))).diagnostics[0].detail).to.equal('b\nc');
  });

  it('gives the same as data', () => {
    expect(diagnosticsJson(SAMPLES)).to.deep.equal({ format: 1, diagnostics: SAMPLES });
  });
});

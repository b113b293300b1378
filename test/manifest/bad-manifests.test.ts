import { expect } from 'chai';
import { loadConfig } from '../../src/manifest/config-file.ts';
import { loadManifests } from '../../src/manifest/manifests.ts';
import { diagnosticsText } from '../../src/views/diagnostics.ts';
import { makeStyle } from '../../src/views/terminal.ts';
import { expectGolden } from '../views/golden.ts';
import { BAD_CONFIGS, BAD_MANIFESTS } from './bad-inputs.ts';
import { type Files, spot, within, words } from './helpers.ts';

for (const [title, cases] of Object.entries(BAD_MANIFESTS)) {
  describe(`the loader of manifests, for bad ${title.toLowerCase()},`, () => {
    for (const [what, given, ...expected] of cases) {
      it(`refuses ${what}`, async () => {
        const files = typeof given === 'string' ? { 'm.yaml': given } : given;
        const { diagnostics } = await within(files, ({ io }) => loadManifests(Object.keys(files), io));
        expect(diagnostics.map(spot)).to.deep.equal(expected.map(([place]) => place));
        for (const [index, [, part]] of expected.entries()) {
          const found = diagnostics[index];
          expect(found && words(found)).to.contain(part);
          expect(found?.remedy ?? '', 'what to do').to.not.equal('');
        }
      });
    }
  });
}

describe('every message about a bad file', () => {
  const options = { style: makeStyle(false), width: 100 };

  it('reads as reviewed: manifests', async () => {
    const texts: string[] = [];
    for (const [what, given] of Object.values(BAD_MANIFESTS).flat()) {
      const files: Files = typeof given === 'string' ? { 'm.yaml': given } : given;
      const { diagnostics } = await within(files, ({ io }) => loadManifests(Object.keys(files), io));
      texts.push(`### ${what}\n${diagnosticsText(diagnostics, options)}`);
    }
    expectGolden('bad-manifests', texts.join('\n'), import.meta.url);
  });

  it('reads as reviewed: configs', async () => {
    const texts: string[] = [];
    for (const [what, text] of BAD_CONFIGS) {
      const { diagnostics } = await within({ 'c.yaml': text }, ({ io }) =>
        loadConfig({ flag: 'c.yaml', manifests: [] }, io),
      );
      texts.push(`### ${what}\n${diagnosticsText(diagnostics, options)}`);
    }
    expectGolden('bad-configs', texts.join('\n'), import.meta.url);
  });
});

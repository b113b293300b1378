import { expect } from 'chai';
import { loadManifests } from '../../src/manifest/index.ts';
import { BAD_MANIFESTS } from './bad-inputs.ts';
import { spot, within, words } from './helpers.ts';

for (const [title, cases] of Object.entries(BAD_MANIFESTS)) {
  describe(`bad manifests: ${title.toLowerCase()}`, () => {
    for (const [what, given, ...expected] of cases) {
      it(what, async () => {
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

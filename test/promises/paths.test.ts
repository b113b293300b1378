import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { expect } from 'chai';

const DOCUMENTS = [
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  ...readdirSync('docs').map((name) => `docs/${name}`),
];

/** A file of the code. `NAME` stands for any; docs/ leave out the first folders of a path. */
const PATH = /`((?:[a-z][\w.-]*\/)+[\w.-]+\.(?:ts|mjs|cjs|json))`/g;

describe('the files that documents name', () => {
  const code = readdirSync('src', { recursive: true }).map((path) => `src/${path}`);

  for (const document of DOCUMENTS)
    it(`exist: ${document}`, () => {
      const text = readFileSync(document, 'utf8');
      const named = [...text.matchAll(PATH)]
        .map(([, path = '']) => path)
        .filter((path) => !path.includes('NAME'));
      const missing = named.filter(
        (path) => !existsSync(path) && !code.some((file) => file.endsWith(`/${path}`)),
      );
      expect(missing).to.deep.equal([]);
    });
});

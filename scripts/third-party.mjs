/**
 * What of others is in the files that we publish: their licences as one text, and a software bill of materials
 * (CycloneDX 1.6, https://cyclonedx.org/docs/1.6/json/). Both come from what esbuild really bundled.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** Licences that allow us to distribute a package in a bundle. Another one ends the build: look at it, then list it. */
const ALLOWED = new Set(['0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', 'MIT']);

/** Packages without a text of their licence, and the package of the same repository that has it. */
const SAME_REPOSITORY = {
  '@aws-sdk/credential-provider-http': '@aws-sdk/client-s3',
  '@aws-sdk/credential-provider-login': '@aws-sdk/client-s3',
  '@aws-sdk/nested-clients': '@aws-sdk/client-s3',
};

/**
 * The packages that have code in a bundle, by name and version.
 *
 * @param root folder with `node_modules` and `package-lock.json`, ending in a slash
 * @param metafiles what esbuild says of each bundle
 * @throws for a package without a licence that is allowed, or without its text
 */
export function bundledPackages(root, metafiles) {
  const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'));
  const folders = new Set(metafiles.flatMap(bundledFiles).map(packageFolder).filter(Boolean));
  const packages = [...folders].map((folder) => describe(root, folder, lock.packages[folder]));
  return packages.sort((a, b) => (a.id < b.id ? -1 : 1));
}

function bundledFiles({ outputs }) {
  return Object.values(outputs).flatMap(({ inputs }) =>
    Object.entries(inputs)
      .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
      .map(([file]) => file),
  );
}

/** `node_modules/a/node_modules/@b/c/d.js` is of the package in `node_modules/a/node_modules/@b/c`. */
function packageFolder(file) {
  return /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(file)?.[0];
}

function describe(root, folder, locked) {
  const {
    name,
    version,
    license,
    dependencies = {},
  } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
  const id = `${name}@${version}`;
  if (!ALLOWED.has(license))
    throw new Error(
      `${id} has the licence ${license}, which ALLOWED in scripts/third-party.mjs does not list`,
    );
  const beside = SAME_REPOSITORY[name];
  const texts = licenceTexts(join(root, beside === undefined ? folder : `node_modules/${beside}`));
  if (texts.length === 0) throw new Error(`${id} has no licence text in ${folder}`);
  return {
    id,
    name,
    version,
    license,
    texts,
    integrity: locked?.integrity,
    dependencies: Object.keys(dependencies),
  };
}

/** Of its licence files and notices; where there is none, of that section of its README. */
function licenceTexts(folder) {
  const read = (file) => readFileSync(join(folder, file), 'utf8').replace(/\r\n/g, '\n').trim();
  const files = readdirSync(folder).sort();
  const licences = files.filter((file) => /^(licen[cs]e|copying)/i.test(file)).map(read);
  const notices = files.filter((file) => /^notice/i.test(file)).map(read);
  if (licences.length > 0) return [...licences, ...notices];
  const readme = files.find((file) => /^readme/i.test(file));
  const section = readme === undefined ? undefined : licenceSection(read(readme));
  return section?.includes('Permission is hereby granted') ? [section] : [];
}

/** Without its heading, up to the next heading or the definitions of links. */
function licenceSection(readme) {
  const heading = /^(#+ *licen[cs]e *|licen[cs]e *\n-+ *)$/im.exec(readme);
  const rest = heading && readme.slice(heading.index + heading[0].length);
  return rest?.split(/\n(?=#|\[)/)[0]?.trim();
}

/** One text that names every package, and holds each licence text once. `more`: notices found in their sources. */
export function licencesText(packages, more = []) {
  const byText = new Map();
  for (const { id, texts } of packages)
    for (const text of texts) byText.set(text, [...(byText.get(text) ?? []), id]);
  const rule = '-'.repeat(80);
  return [
    'vbsctl is distributed with code of the packages below. Their licences follow.',
    packages.map(({ id, license }) => `${id}  ${license}`).join('\n'),
    ...[...byText].map(([text, ids]) => `${rule}\n${ids.join(', ')}\n${rule}\n\n${text}`),
    ...more.map((text) => `${rule}\nNotices in their sources\n${rule}\n\n${text.trim()}`),
    '',
  ].join('\n\n');
}

/** The bill of materials. The same input gives the same bytes: it has no time and no random number. */
export function billOfMaterials({ name, version, license, description }, packages) {
  const self = purl(name, version);
  // Names are not unique in a tree; each that fits is named.
  const refsOf = (dependency) =>
    packages.filter((each) => each.name === dependency).map((each) => purl(each.name, each.version));
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.6',
    version: 1,
    metadata: {
      component: {
        type: 'application',
        'bom-ref': self,
        name,
        version,
        description,
        licenses: [{ license: { id: license } }],
        purl: self,
      },
    },
    components: packages.map((each) => ({
      type: 'library',
      'bom-ref': purl(each.name, each.version),
      ...scoped(each.name),
      version: each.version,
      scope: 'required',
      ...(each.integrity === undefined ? {} : { hashes: [hash(each.integrity)] }),
      licenses: [{ license: { id: each.license } }],
      purl: purl(each.name, each.version),
    })),
    dependencies: [
      { ref: self, dependsOn: packages.map((each) => purl(each.name, each.version)) },
      ...packages.map((each) => ({
        ref: purl(each.name, each.version),
        dependsOn: [...new Set(each.dependencies.flatMap(refsOf))],
      })),
    ],
  };
}

function scoped(name) {
  const [group, rest] = name.split('/');
  return rest === undefined ? { name } : { group, name: rest };
}

/** A package URL: https://github.com/package-url/purl-spec */
function purl(name, version) {
  return `pkg:npm/${name.replace('@', '%40')}@${version}`;
}

/** `sha512-…` of the lockfile, which is of the package as published. */
function hash(integrity) {
  const [algorithm, base64] = integrity.split('-');
  if (algorithm !== 'sha512') throw new Error(`the lockfile has a hash that is no sha512: ${algorithm}`);
  return { alg: 'SHA-512', content: Buffer.from(base64, 'base64').toString('hex') };
}

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'chai';

const ROOT = new URL('../..', import.meta.url).pathname;

/** The package as it would be published, unpacked where no other package is. */
describe('the published package', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'vbsctl-package-'));
  const unpacked = join(scratch, 'package');
  const home = join(scratch, 'home');
  const read = (file: string) => readFileSync(join(unpacked, file), 'utf8');
  before(() => {
    mkdirSync(home);
    // What was built is packed: building it here would take the program away from other tests.
    const told = execFileSync('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', scratch], {
      cwd: ROOT,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [{ filename }] = JSON.parse(told) as [{ filename: string }];
    execFileSync('tar', ['-xzf', join(scratch, filename), '-C', scratch]);
  });
  after(() => rmSync(scratch, { recursive: true, force: true }));

  function run(...args: readonly string[]): string {
    const options = { cwd: home, encoding: 'utf8', env: { PATH: process.env.PATH, HOME: home } } as const;
    return execFileSync(process.execPath, [join(unpacked, 'dist/vbsctl.cjs'), ...args], options);
  }

  function files(folder = unpacked, path = ''): string[] {
    return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
      entry.isDirectory()
        ? files(join(folder, entry.name), `${path}${entry.name}/`)
        : [`${path}${entry.name}`],
    );
  }

  it('contains everything it needs in less than 5 MB', () => {
    const needless = files().filter(
      (file) =>
        !/^(package\.json|README\.md|LICENSE|CHANGELOG\.md)$/.test(file) &&
        !/^(schemas\/[a-z-]+\.schema\.json|examples\/.*\.(yaml|json|md))$/.test(file) &&
        !/^dist\/([a-z0-9-]+\.cjs|program\.cjs(\.help)?\.cache|THIRD_PARTY_LICENSES\.txt|sbom\.cdx\.json)$/.test(
          file,
        ),
    );
    expect(needless).to.deep.equal([]);
    const bytes = files().map((file) => statSync(join(unpacked, file)).size);
    expect(bytes.reduce((sum, size) => sum + size, 0)).to.be.below(5_000_000);
  });

  it('needs no other package and declares none', () => {
    const { dependencies, optionalDependencies, peerDependencies, scripts } = JSON.parse(
      read('package.json'),
    );
    expect([dependencies, optionalDependencies, peerDependencies]).to.deep.equal([
      undefined,
      undefined,
      undefined,
    ]);
    expect(Object.keys(scripts).filter((name) => /install|^prepare$/.test(name))).to.deep.equal([]);
    expect(files().some((file) => file.includes('node_modules'))).to.equal(false);
  });

  it('works without other packages, also each part that is loaded separately', () => {
    expect(run('version')).to.contain('vbsctl 0.1.0');
    expect(run('get', 'volumes', '--cloud', 'emulator')).to.contain('pay-db-data');
    for (const part of ['pg', 'pgpass', 'aws-sdk-client-s3']) {
      const path = JSON.stringify(join(unpacked, `dist/${part}.cjs`));
      execFileSync(process.execPath, ['-e', `require(${path})`], { cwd: home });
    }
  });

  it('names every package in it with a licence text', () => {
    const licences = read('dist/THIRD_PARTY_LICENSES.txt');
    const { components } = JSON.parse(read('dist/sbom.cdx.json')) as {
      components: {
        group?: string;
        name: string;
        version: string;
        licenses: [{ license: { id: string } }];
      }[];
    };
    for (const { group, name, version, licenses } of components)
      expect(licences).to.contain(
        `${group === undefined ? '' : `${group}/`}${name}@${version}  ${licenses[0].license.id}`,
      );
    for (const name of ['axios', 'commander', 'yaml', 'pg', 'pgpass', '@aws-sdk/client-s3', 'ajv'])
      expect(licences).to.contain(`\n${name}@`);
    expect(licences).to.contain('Permission is hereby granted').and.contain('Apache License');
    expect(licences).to.contain('Bowser - a browser detector');
  });

  describe('the bill of materials', () => {
    interface Component {
      readonly type: string;
      readonly 'bom-ref': string;
      readonly name: string;
      readonly version: string;
      readonly purl: string;
      readonly scope?: string;
      readonly hashes?: readonly { readonly alg: string; readonly content: string }[];
      readonly licenses: readonly { readonly license: { readonly id: string } }[];
    }
    const bom = () =>
      JSON.parse(read('dist/sbom.cdx.json')) as {
        readonly bomFormat: string;
        readonly specVersion: string;
        readonly version: number;
        readonly metadata: { readonly component: Component };
        readonly components: readonly Component[];
        readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[];
      };

    /** What https://cyclonedx.org/schema/bom-1.6.schema.json asks of the fields that are used. */
    it('is CycloneDX 1.6', () => {
      const { bomFormat, specVersion, version, metadata, components, dependencies } = bom();
      expect([bomFormat, specVersion, version]).to.deep.equal(['CycloneDX', '1.6', 1]);
      const all = [metadata.component, ...components];
      for (const one of all) {
        expect(one.type).to.be.oneOf(['application', 'library']);
        expect(one.name).to.match(/^[a-z0-9._-]+$/);
        expect(one.version).to.match(/^\d+\.\d+\.\d+/);
        expect(one.purl).to.match(/^pkg:npm\/(%40[a-z0-9-]+\/)?[a-z0-9._-]+@\d/);
        expect(one.licenses.map(({ license }) => license.id)).to.have.length(1);
        for (const { alg, content } of one.hashes ?? []) {
          expect(alg).to.equal('SHA-512');
          expect(content).to.match(/^[0-9a-f]{128}$/);
        }
      }
      const refs = all.map((one) => one['bom-ref']);
      expect(new Set(refs).size, 'bom-ref is unique').to.equal(refs.length);
      expect(dependencies.map(({ ref }) => ref).sort()).to.deep.equal([...refs].sort());
      for (const { dependsOn } of dependencies) {
        expect(refs).to.include.members([...dependsOn]);
        expect(new Set(dependsOn).size).to.equal(dependsOn.length);
      }
    });

    it('names packages of the lockfile, by its versions and hashes', () => {
      const { packages } = JSON.parse(readFileSync(join(ROOT, 'package-lock.json'), 'utf8')) as {
        packages: Record<string, { version: string; integrity?: string }>;
      };
      const known = new Set(
        Object.entries(packages).map(([path, { version, integrity = '' }]) => {
          const name = path.replace(/^.*node_modules\//, '').replace('@', '%40');
          const hash = Buffer.from(integrity.replace('sha512-', ''), 'base64').toString('hex');
          return `pkg:npm/${name}@${version} ${hash}`;
        }),
      );
      expect(bom().components.length).to.be.above(20);
      for (const { purl, hashes } of bom().components)
        expect(known).to.include(`${purl} ${hashes?.[0]?.content}`);
    });
  });
});

describe('the packages that vbsctl is built from', () => {
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'));

  it('are pinned to one version each', () => {
    expect(manifest).not.to.have.property('dependencies');
    for (const [name, version] of Object.entries<string>(manifest.devDependencies))
      expect(version, name).to.match(/^\d+\.\d+\.\d+$/);
  });

  it('are locked by hash, without the name of a registry', () => {
    const text = readFileSync(join(ROOT, 'package-lock.json'), 'utf8');
    expect(text).not.to.match(/"resolved"|https?:\/\/[^"]*\.tgz/);
    const { packages } = JSON.parse(text) as { packages: Record<string, { integrity?: string }> };
    for (const [path, { integrity }] of Object.entries(packages))
      if (path !== '') expect(integrity, path).to.match(/^sha512-/);
  });

  describe('a package that cannot be distributed', () => {
    const build = (license: unknown, text: string | undefined) => {
      const root = mkdtempSync(join(tmpdir(), 'vbsctl-licence-'));
      try {
        const script = `
          import { mkdirSync, writeFileSync } from 'node:fs';
          import { bundledPackages } from ${JSON.stringify(`${ROOT}scripts/third-party.mjs`)};
          const [root, license, text] = JSON.parse(process.argv[1]);
          mkdirSync(root + '/node_modules/@a/b', { recursive: true });
          writeFileSync(root + '/package-lock.json', '{"packages": {}}');
          writeFileSync(root + '/node_modules/@a/b/package.json', JSON.stringify({ name: '@a/b', version: '1.0.0', license }));
          if (text) writeFileSync(root + '/node_modules/@a/b/LICENSE.md', text);
          const inputs = { 'node_modules/@a/b/c/index.js': { bytesInOutput: 1 }, 'src/x.ts': { bytesInOutput: 1 } };
          try {
            console.log(bundledPackages(root, [{ outputs: { 'x.js': { inputs } } }]).map(({ id }) => id).join());
          } catch ({ message }) {
            console.log(message);
          }`;
        return execFileSync(
          process.execPath,
          ['--input-type=module', '-e', script, JSON.stringify([root, license, text])],
          { encoding: 'utf8' },
        ).trim();
      } finally {
        rmSync(root, { recursive: true, force: true });
      }
    };

    it('fails the build if its licence is missing or not listed', () => {
      for (const license of ['GPL-3.0-only', 'UNLICENSED', 'MIT OR GPL-2.0', undefined])
        expect(build(license, 'text')).to.contain('@a/b@1.0.0 has the licence');
    });

    it('fails the build if it has no licence text', () => {
      expect(build('MIT', undefined)).to.contain('@a/b@1.0.0 has no licence text');
      expect(build('MIT', 'text')).to.equal('@a/b@1.0.0');
    });
  });
});

import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'chai';
import { DEFAULT_CONFIG } from '../../src/domain/config.ts';
import { Failure } from '../../src/domain/errors.ts';
import { manifestPaths } from '../../src/manifest/default-paths.ts';
import { LIMITS } from '../../src/manifest/limits.ts';
import { loadManifests } from '../../src/manifest/manifests.ts';
import { restore, set, spot, within } from './helpers.ts';

const one = (name: string) => set(restore('db'), name);

describe('the loader of manifests', () => {
  it('reads the manifests of a directory recursively and in order', async () => {
    const files = {
      'm/b.yaml': one('b'),
      'm/a.yml': one('a'),
      'm/sub/c.json': JSON.stringify({
        apiVersion: 'vbsctl.dev/v1',
        kind: 'RestoreSet',
        metadata: { name: 'c' },
        spec: { restores: [] },
      }),
      'm/.hidden.yaml': 'x',
      'm/.git/x.yaml': 'x',
      'm/README.md': 'x',
      'm/vbsctl.yaml': 'x',
      'm/vbsctl.state.json': 'x',
    };
    const loaded = await within(files, ({ io }) => loadManifests(['m'], io));
    expect(loaded.diagnostics).to.deep.equal([]);
    expect(loaded.files.map(({ path }) => path)).to.deep.equal(['m/a.yml', 'm/b.yaml', 'm/sub/c.json']);
    expect(loaded.specs.map(({ address }) => address)).to.deep.equal(['a/db', 'b/db']);
  });

  it('reads a file once, however often it is named', async () => {
    const loaded = await within({ 'a.yaml': one('a') }, async ({ io, path }) => {
      symlinkSync('a.yaml', join(path, 'link.yaml'));
      return await loadManifests(['a.yaml', '.', './a.yaml', 'link.yaml'], io);
    });
    expect(loaded.diagnostics).to.deep.equal([]);
    expect(loaded.files).to.have.length(1);
  });

  it('reads standard input once, as YAML or as JSON', async () => {
    const yaml = await within({}, ({ io }) => loadManifests(['-', '-'], io), one('a'));
    expect(yaml.specs.map(({ source }) => source)).to.deep.equal([{ file: '-', line: 6, column: 5 }]);
    const json = await within({}, ({ io }) => loadManifests(['-'], io), '{"kind": 1}');
    expect(json.diagnostics.map(spot)).to.include('-:1:10 not-allowed');
  });

  it('reads the pipe of a shell, and stops if it is interrupted before anything is written', async () => {
    await within({ 'repo/a.yaml': one('a') }, async ({ io, path }) => {
      const pipe = join(path, 'pipe');
      execFileSync('mkfifo', [pipe]);
      const stop = new AbortController();
      const checkout = { ...io, cwd: join(path, 'repo'), signal: stop.signal };
      const [loaded] = await Promise.all([loadManifests([pipe], checkout), writeFile(pipe, one('a'))]);
      expect(loaded.diagnostics).to.deep.equal([]);
      expect(loaded.specs).to.have.length(1);
      const waiting = loadManifests([pipe], checkout).catch((cause: unknown) => cause);
      stop.abort(new Error('stopped'));
      expect(await waiting).to.equal(stop.signal.reason);
    });
  });

  it('does not wait for a pipe in the working directory', async () => {
    const loaded = await within({ 'd/a.yaml': one('a') }, async ({ io, path }) => {
      execFileSync('mkfifo', [join(path, 'd/pipe.yaml')]);
      return await loadManifests(['d', 'd/pipe.yaml'], io);
    });
    expect(loaded.diagnostics.map(spot)).to.deep.equal(['d/pipe.yaml not-regular']);
  });

  it('returns the SHA-256 of each file', async () => {
    const { files } = await within({ 'a.yaml': 'a' }, ({ io }) => loadManifests(['a.yaml'], io));
    expect(files[0]?.sha256).to.equal('ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb');
  });

  const problems: readonly (readonly [string, (path: string) => void, string[], string[]])[] = [
    ['a missing file', () => {}, ['no.yaml'], ['no.yaml missing-file']],
    ['a file taken for a directory', () => {}, ['good.yaml/x'], ['good.yaml/x missing-file']],
    [
      'a directory without manifests',
      (path) => mkdirSync(join(path, 'empty')),
      ['empty'],
      ['empty no-manifests'],
    ],
    ['a link to itself', (path) => symlinkSync('loop', join(path, 'loop')), ['loop'], ['loop symlink-loop']],
    [
      'a directory that leads back to itself',
      (path) => {
        mkdirSync(join(path, 'd'));
        mkdirSync(join(path, '.git'));
        symlinkSync('../d', join(path, 'd/again'));
        symlinkSync('../good.yaml', join(path, 'd/good.yaml'));
      },
      ['d'],
      ['d/again symlink-loop'],
    ],
    [
      'a link to nothing',
      (path) => {
        mkdirSync(join(path, 'd'));
        symlinkSync('nowhere', join(path, 'd/a.yaml'));
      },
      ['d'],
      ['d/a.yaml missing-file'],
    ],
    [
      'directories without end',
      (path) => mkdirSync(join(path, `deep/${'d/'.repeat(LIMITS.directoryDepth + 1)}`), { recursive: true }),
      ['deep'],
      [`deep/${'d/'.repeat(LIMITS.directoryDepth)}d too-deep`, 'deep no-manifests'],
    ],
    [
      'binary noise',
      (path) => writeFileSync(join(path, 'noise.yaml'), Buffer.from([0x89, 0x50, 0xff, 0x00, 0x01])),
      ['noise.yaml'],
      ['noise.yaml not-text'],
    ],
    ['an endless file', () => {}, ['/dev/zero'], ['/dev/zero too-large']],
  ];
  for (const [what, prepare, paths, expected] of problems) {
    it(`says what is wrong with ${what}`, async () => {
      const loaded = await within({ 'good.yaml': one('good') }, async ({ io, path }) => {
        prepare(path);
        return await loadManifests(['good.yaml', ...paths], io);
      });
      expect(loaded.diagnostics.map(spot)).to.deep.equal(expected);
      for (const { remedy } of loaded.diagnostics) expect(remedy).to.be.a('string');
      expect(
        loaded.specs.map(({ address }) => address),
        'the good one is loaded',
      ).to.deep.equal(['good/db']);
    });
  }

  const isRoot = process.getuid?.() === 0;
  const reason = isRoot ? ' (skipped: root may read every file)' : '';
  (isRoot ? it.skip : it)(`says what is wrong with a file that may not be read${reason}`, async () => {
    const loaded = await within({ 'a.yaml': one('a') }, async ({ io, path }) => {
      chmodSync(join(path, 'a.yaml'), 0);
      return await loadManifests(['a.yaml'], io);
    });
    expect(loaded.diagnostics.map(spot)).to.deep.equal(['a.yaml unreadable-file']);
  });
});

describe('links in a checkout', () => {
  const SECRET = 'hunter2: 1\n';

  /** A checkout in `repo`, and beside it what its author would like to see. */
  async function loaded(link: (repo: string) => void, paths: readonly string[]) {
    const files = { 'home/.netrc': SECRET, 'home/d/token.yaml': SECRET, 'repo/a.yaml': one('a') };
    return within(files, async ({ io, path }) => {
      mkdirSync(join(path, 'repo/restores'));
      link(join(path, 'repo'));
      const { specs, diagnostics } = await loadManifests(
        paths.map((each) => each.replace('ROOT', path)),
        { ...io, cwd: join(path, 'repo') },
      );
      expect(JSON.stringify(diagnostics)).not.to.include('hunter2');
      for (const { code, remedy } of diagnostics.filter(({ code }) => code === 'link-leads-out'))
        expect(remedy, code).to.include('-f ');
      return { addresses: specs.map(({ address }) => address), problems: diagnostics.map(spot) };
    });
  }

  const out: readonly (readonly [string, (repo: string) => void, string, string])[] = [
    [
      'a file',
      (repo) => symlinkSync('../../home/.netrc', join(repo, 'restores/x.yaml')),
      'restores',
      'restores/x.yaml',
    ],
    [
      'the file that is named',
      (repo) => symlinkSync('../home/.netrc', join(repo, 'restores.yaml')),
      'restores.yaml',
      'restores.yaml',
    ],
    [
      'a directory',
      (repo) => symlinkSync('../../home/d', join(repo, 'restores/x')),
      'restores',
      'restores/x',
    ],
    [
      'the directory that is named',
      (repo) => symlinkSync('../home/d', join(repo, 'night')),
      'night',
      'night',
    ],
    [
      'a directory on the way',
      (repo) => symlinkSync('../home', join(repo, 'env')),
      'env/d/token.yaml',
      'env/d/token.yaml',
    ],
    [
      'into what git keeps',
      (repo) => {
        mkdirSync(join(repo, '.git'));
        writeFileSync(join(repo, '.git/config'), SECRET);
        symlinkSync('../.git/config', join(repo, 'restores/x.yaml'));
      },
      'restores',
      'restores/x.yaml',
    ],
    [
      'a file, by a path from the root',
      (repo) => symlinkSync('../../home/.netrc', join(repo, 'restores/x.yaml')),
      'ROOT/repo/restores',
      'restores/x.yaml',
    ],
  ];
  for (const [what, link, path, place] of out)
    it(`are not followed out of it: ${what}`, async () => {
      const { problems } = await loaded(link, [path]);
      expect(problems[0]).to.match(new RegExp(`${place} link-leads-out$`));
    });

  it('are followed within it', async () => {
    const linked = (repo: string) => symlinkSync('../a.yaml', join(repo, 'restores/x.yaml'));
    const inside = await loaded(
      (repo) => {
        mkdirSync(join(repo, '.git'));
        linked(repo);
      },
      ['restores'],
    );
    expect(inside).to.deep.equal({ addresses: ['a/db'], problems: [] });
    const withoutRepository = await loaded(linked, ['restores']);
    expect(withoutRepository.problems).to.deep.equal(['restores/x.yaml link-leads-out']);
    const named = await loaded(
      (repo) => {
        mkdirSync(join(repo, '../mount/..data'), { recursive: true });
        writeFileSync(join(repo, '../mount/..data/m.yaml'), one('m'));
        symlinkSync('..data/m.yaml', join(repo, '../mount/m.yaml'));
      },
      ['ROOT/mount', '../mount/m.yaml'],
    );
    expect(named).to.deep.equal({ addresses: ['m/db'], problems: [] });
  });
});

describe('the manifests that are used', () => {
  const config = (manifests: string[], named = true) => ({
    path: 'ops/vbsctl.yaml',
    named,
    config: { ...DEFAULT_CONFIG, manifests },
  });
  const none = { config: DEFAULT_CONFIG, named: false };
  const both = { 'restores.yaml': '', 'restores/a.yaml': '' };

  it('are those of the command line, if it names any', async () => {
    const paths = await within(both, ({ io }) => manifestPaths(['-', 'x.yaml'], config(['a.yaml']), io));
    expect(paths).to.deep.equal(['-', 'x.yaml']);
  });
  it('are otherwise those of the config, relative to its file', async () => {
    const paths = await within(both, ({ io }) => manifestPaths([], config(['a.yaml', '/abs', '../b']), io));
    expect(paths).to.deep.equal(['ops/a.yaml', '/abs', 'b']);
  });
  it('cannot be standard input in a config', async () => {
    const here = { ...config(['-']), path: 'vbsctl.yaml' };
    expect(await within({}, ({ io }) => manifestPaths([], here, io))).to.deep.equal(['./-']);
  });
  it('lie in the directory of the config if it was found', async () => {
    await within({ 'ops/a.yaml': one('a'), secret: '' }, async ({ io, path }) => {
      symlinkSync('..', join(path, 'ops/up'));
      const checkout = { ...io, cwd: join(path, 'ops') };
      const found = (manifest: string) => ({ ...config([manifest], false), path: 'vbsctl.yaml' });
      expect(await manifestPaths([], found('a.yaml'), checkout)).to.deep.equal(['a.yaml']);
      for (const outside of [
        '../secret',
        'up/secret',
        join(path, 'secret'),
        '/etc/passwd',
        '.git/config',
        '.GIT/config',
      ]) {
        const cause = await manifestPaths([], found(outside), checkout).catch((thrown: unknown) => thrown);
        expect(cause, outside).to.be.instanceOf(Failure);
        expect((cause as Failure).diagnostics[0]).to.include({ code: 'manifest-outside' });
        expect((cause as Failure).diagnostics[0]?.remedy)
          .to.include('-f ')
          .and.include('--config vbsctl.yaml');
      }
    });
  });
  it('are otherwise restores.yaml or restores/', async () => {
    expect(await within(both, ({ io }) => manifestPaths([], none, io))).to.deep.equal(['restores.yaml']);
    const only = { 'restores/a.yaml': '' };
    expect(await within(only, ({ io }) => manifestPaths([], config([]), io))).to.deep.equal(['restores/']);
  });
  it('are reported as missing, with the paths that were looked for', async () => {
    const cause = await within({}, ({ io }) => manifestPaths([], none, io)).catch(
      (thrown: unknown) => thrown,
    );
    expect(cause).to.be.instanceOf(Failure);
    const [diagnostic] = (cause as Failure).diagnostics;
    expect(diagnostic?.summary).to.contain('restores.yaml').and.contain('restores/');
    expect(diagnostic?.remedy).to.contain('vbsctl plan -f FILE');
  });
});

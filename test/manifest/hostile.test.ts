import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { runSync } from '../../src/domain/chunked-work.ts';
import { loadConfig } from '../../src/manifest/config-file.ts';
import { crossCheck } from '../../src/manifest/cross-checks.ts';
import { readDocuments, type SourceDocument } from '../../src/manifest/documents.ts';
import { type Allowance, LIMITS, wholeAllowance } from '../../src/manifest/limits.ts';
import { loadManifests } from '../../src/manifest/manifests.ts';
import { readJson } from '../../src/manifest/read-json.ts';
import { SourceText } from '../../src/manifest/source.ts';
import { EXAMPLES, exampleNames, set, within } from './helpers.ts';

const examples = exampleNames().map((name) => readFileSync(join(EXAMPLES, name), 'utf8'));

/** What makes parsers stumble. */
const shards = fc.constantFrom(
  ...[
    '\t',
    '\n',
    '\r',
    ' ',
    '- ',
    ': ',
    '? ',
    '#',
    '"',
    "'",
    '{',
    '}',
    '[',
    ']',
    ',',
    '&a ',
    '*a',
    '!x ',
    '!!int ',
  ],
  ...[
    '|',
    '>',
    '%YAML 1.1',
    '---\n',
    '...',
    '<<: ',
    '__proto__: ',
    'null',
    '~',
    '.inf',
    '0123',
    'no',
    '\\',
    '@',
    '`',
  ],
  ...['\u2028', '\ufeff', '\0', '\u{1f4be}', '2026-02-30T00:00:00Z', '{}', '[]', '1e999', 'restores: '],
);

/** An example with pieces cut out, doubled or put in. */
const mutated = fc
  .tuple(
    fc.constantFrom(...examples),
    fc.array(fc.tuple(fc.nat(), fc.nat(40), fc.oneof(shards, fc.string({ maxLength: 8 }))), {
      minLength: 1,
      maxLength: 6,
    }),
  )
  .map(([text, edits]) =>
    edits.reduce((now, [at, cut, put]) => {
      const from = at % (now.length + 1);
      return now.slice(0, from) + put + now.slice(from + cut);
    }, text),
  );

const read = (source: SourceText, allowance: Allowance) => runSync(readDocuments(source, allowance));

describe('a prepared manifest', () => {
  /** Of one small input. CPU and not wall time: other programs may use the machine, too. */
  const CPU_MS_MAX = 10_000;
  /** Over all of them. */
  const GROWTH_BYTES_MAX = 512 * 1024 * 1024;
  const rssBefore = process.memoryUsage.rss();

  const harmless = async (text: string) => {
    const before = process.cpuUsage();
    await told(text);
    const { user, system } = process.cpuUsage(before);
    expect((user + system) / 1_000, 'ms of CPU').to.be.lessThan(CPU_MS_MAX);
    expect(process.memoryUsage.rss() - rssBefore, 'bytes').to.be.lessThan(GROWTH_BYTES_MAX);
  };

  const told = async (text: string) =>
    within({ 'm.yaml': text, 'm.json': text }, async ({ io }) => {
      const loaded = [
        await loadManifests(['m.yaml'], io),
        await loadManifests(['m.json'], io),
        await loadConfig({ flag: 'm.yaml', manifests: [] }, io),
      ];
      for (const { diagnostics } of loaded)
        for (const { remedy, where } of diagnostics) {
          expect(remedy, 'what to do').to.be.a('string');
          expect(where?.file, 'where').to.be.oneOf(['m.yaml', 'm.json']);
        }
    });

  it('never makes loading throw if it is a mutated example', async () => {
    await fc.assert(fc.asyncProperty(mutated, harmless), { numRuns: 200 });
  });

  it('never makes loading throw if it is made of parts of YAML', async () => {
    const texts = fc
      .array(fc.oneof(shards, fc.string({ maxLength: 5 })), { maxLength: 40 })
      .map((parts) => parts.join(''));
    await fc.assert(fc.asyncProperty(texts, harmless), { numRuns: 200 });
  });

  it('never makes loading throw if a restore is any other data', async () => {
    const data = fc.json({ maxDepth: 4 });
    await fc.assert(
      fc.asyncProperty(data, (text) => harmless(set(`  - ${text}\n`))),
      { numRuns: 200 },
    );
  });

  it('is reported once if it has too many problems, and not read further', () => {
    const wrong = `labels: {${Array.from({ length: LIMITS.problems + 10 }, (_, i) => `k${i}: no`).join(', ')}}`;
    const { problems } = read(new SourceText('m.yaml', wrong), wholeAllowance());
    expect(problems).to.have.length(LIMITS.problems + 1);
    expect(problems.at(-1)?.code).to.equal('too-many-problems');
  });

  it('is reported once if all files together have too many problems', async () => {
    const restores = Array.from({ length: LIMITS.problems + 10 }, (_, i) => `  - name: r${i}\n`).join('');
    const { diagnostics } = await within({ 'm.yaml': set(restores) }, ({ io }) =>
      loadManifests(['m.yaml'], io),
    );
    expect(diagnostics).to.have.length(LIMITS.problems + 1);
    expect(diagnostics.at(-1)?.code).to.equal('too-many-problems');
  });

  it('is refused for too many restores before they are compared', () => {
    const restores = Array.from({ length: LIMITS.restores + 1 }, () => ({
      name: 'same',
      depends_on: ['none'],
    }));
    const document = {
      value: { metadata: { name: 'night' }, spec: { restores } },
    } as unknown as SourceDocument;
    expect([...crossCheck([document], true)]).to.have.length(1);
    expect([...crossCheck([document], true)][0]?.summary).to.contain(`${LIMITS.restores + 1}`);
  });

  it('is read in short time with thousands of undeclared dependencies', async () => {
    const name = (letter: string, n: number) => `${letter}${'a'.repeat(54)}${String(n).padStart(8, '0')}`;
    const id = (n: number) => `${String(n).padStart(8, '0')}-0000-4000-8000-000000000000`;
    const restores = Array.from(
      { length: 2_000 },
      (_, n) =>
        `    - {name: ${name('n', n)}, volume_id: ${id(n)}, backup_id: ${id(n)}, depends_on: [${name('m', n + 1)}]}\n`,
    );
    await within({ 'm.yaml': set(restores.join('')) }, async ({ io }) => {
      const began = process.cpuUsage();
      const { diagnostics } = await loadManifests(['m.yaml'], io);
      const { user } = process.cpuUsage(began);
      expect(diagnostics.length).to.equal(LIMITS.problems + 1);
      expect(diagnostics[0]?.remedy).to.contain('did you mean');
      // 71 s before there was a limit; of the processor, because tests share the machine.
      expect(user / 1e6).to.be.below(5);
    });
  });

  it('can be interrupted within a document and within its problems', async () => {
    for (const [name, text] of [
      ['long.yaml', set(Array.from({ length: 5_000 }, (_, n) => `    - {name: r${n}, none: 1}\n`).join(''))],
      ['wide.json', JSON.stringify(wide(2_000))],
    ] as const)
      await within({ [name]: text }, async ({ io }) => {
        const stop = new AbortController();
        let turns = 0;
        const turn = () => {
          if (++turns === 10) stop.abort(new Error('stopped in between'));
          else setImmediate(turn);
        };
        setImmediate(turn);
        const loaded = loadManifests([name], { ...io, signal: stop.signal });
        const problem = await loaded.then(
          () => 'it was not heard',
          (cause: Error) => cause.message,
        );
        expect(problem, name).to.equal('stopped in between');
      });
  });

  it('is read in short time with millions of unknown keys', async () => {
    const many = wide(
      0,
      Array.from({ length: 40_000 }, () => unknownKeys(10)),
    );
    for (const [name, data, count, code] of [
      ['wide.json', wide(500_000), 1, 'too-many-keys'],
      ['wide.yaml', wide(20_000), 1, 'too-many-keys'],
      ['fits.json', wide(LIMITS.keys - 1), LIMITS.problems + 1, 'too-many-problems'],
      ['many.json', many, LIMITS.problems + 1, 'too-many-problems'],
    ] as const)
      await within({ [name]: JSON.stringify(data) }, async ({ io }) => {
        const began = process.cpuUsage();
        const { diagnostics } = await loadManifests([name], io);
        const { user } = process.cpuUsage(began);
        expect(diagnostics.length, name).to.equal(count);
        expect(diagnostics[count - 2]?.where ?? diagnostics[0]?.where, name).to.include({ line: 1 });
        expect(
          diagnostics.map((one) => one.code),
          name,
        ).to.include(code);
        // Minutes before, for each problem looked through all keys and took its line out of the file.
        expect(user / 1e6, name).to.be.below(8);
      });
  });

  it('can be interrupted while large configs beside it are read', async () => {
    const config = `{"apiVersion": "vbsctl.dev/v1", "kind": "Config", "z": [${'1,'.repeat(500_000)}1]}`;
    const files = Object.fromEntries(
      Array.from({ length: 7 }, (_, n) => [[`sets/d${n}/vbsctl.yaml`, config]]).flat(),
    );
    await within({ 'vbsctl.yaml': 'apiVersion: vbsctl.dev/v1\nkind: Config\n', ...files }, async ({ io }) => {
      const { diagnostics } = await loadConfig({ manifests: ['sets'] }, io);
      expect(diagnostics.map(({ code }) => code)).to.include('too-many-values');
    });
  });

  it('is not parsed if earlier files have used up the number of values', () => {
    const { problems } = read(new SourceText('m.yaml', 'not: [closed'), { ...wholeAllowance(), values: -1 });
    expect(problems.map(({ code }) => code)).to.deep.equal(['too-many-values']);
  });

  it('is quoted only in part, and not searched again for each document', async () => {
    const long = '1'.repeat(5_000_000);
    const head = 'apiVersion: vbsctl.dev/v1\nkind: RestoreSet\n';
    for (const [what, text] of [
      ['a duration', `${head}spec: {restores: [{timeout: "${long}"}]}\n`],
      ['a number in quotes', `${head}spec: {restores: [{generation: "${long}"}]}\n`],
      ['a leading zero', `a: 0${long}\n`],
      ['a key', `? ${long}\n: 1\n`],
      ['an alias', `a: *${long}\n`],
      ['minutes and seconds', `a: 1${':11'.repeat(2_000_000)}\n`],
      ['another version', `%YAML 1.1\n---\n1\n#${long}${long}\n${'---\n1\n'.repeat(2_000)}`],
    ] as const)
      await within({ 'm.yaml': text }, async ({ io }) => {
        const began = process.cpuUsage();
        const { diagnostics } = await loadManifests(['m.yaml'], io);
        // The last one took 21 s for 20 MB.
        expect(process.cpuUsage(began).user / 1e6, what).to.be.below(10);
        expect(diagnostics, what).not.to.deep.equal([]);
        for (const { summary, detail = '', remedy = '' } of diagnostics)
          expect((summary + detail + remedy).length, what).to.be.below(1_000);
      });
  });

  it('is stopped at the maximum number of documents', () => {
    const { problems } = read(new SourceText('m.yaml', '--- 1\n'.repeat(20)), {
      ...wholeAllowance(),
      documents: 10,
    });
    expect(problems.map(({ code, where }) => [code, where?.line])).to.deep.equal([
      ['too-many-documents', 11],
    ]);
  });

  it('is stopped at the maximum number of empty documents', () => {
    const { problems } = read(new SourceText('m.yaml', '---\n'.repeat(20)), {
      ...wholeAllowance(),
      values: 10,
    });
    expect(problems.map(({ code }) => code)).to.deep.equal(['too-many-values']);
  });

  const linear: readonly (readonly [string, (n: number) => string])[] = [
    ['a wide map', (n) => Array.from({ length: n }, (_, i) => `k${i}: 1\n`).join('')],
    ['one key again and again', (n) => 'k: 1\n'.repeat(n)],
    ['many documents', (n) => '--- 1\n'.repeat(n)],
    ['many anchors', (n) => Array.from({ length: n }, (_, i) => `- &a${i} 1\n`).join('')],
    ['open brackets', (n) => '[{'.repeat(n)],
    [
      'indentation without end',
      (n) => Array.from({ length: Math.sqrt(n) }, (_, i) => `${' '.repeat(i)}a:\n`).join(''),
    ],
    ['quotes', (n) => '"\n'.repeat(n)],
    ['colons', (n) => ':'.repeat(n)],
    ['question marks', (n) => '? '.repeat(n)],
    ['percent signs', (n) => '%a\n'.repeat(n)],
    ['one long line', (n) => 'a'.repeat(n)],
    ['spaces', (n) => ' '.repeat(n)],
  ];
  for (const [what, make] of linear) {
    it(`is read in time: ${what}`, () => {
      const { problems } = read(new SourceText('m.yaml', make(40_000)), wholeAllowance());
      expect(problems.length).to.be.lessThan(LIMITS.problems + 2);
    });
  }
});

describe('a JSON manifest', () => {
  const read = (text: string) => {
    const result = readJson(new SourceText('m.json', text), wholeAllowance());
    return result.kind === 'read' ? { value: result.value, problems: result.problems.length } : undefined;
  };

  it('is read as JSON.parse reads it', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 5 }), (text) => {
        const result = read(text);
        if (result?.problems === 0) expect(result.value).to.deep.equal(JSON.parse(text));
        else expect(text).to.match(/"(?:__proto__|constructor|prototype)"/);
      }),
    );
  });

  it('is refused where JSON.parse refuses it', () => {
    const broken = fc
      .tuple(
        fc.json({ maxDepth: 3 }),
        fc.nat(),
        fc.nat(3),
        fc.oneof(shards, fc.constantFrom(...'01-.eE+\\u"tn')),
      )
      .map(([text, at, cut, put]) => {
        const from = at % (text.length + 1);
        return text.slice(0, from) + put + text.slice(from + cut);
      });
    fc.assert(
      fc.property(broken, (text) => {
        expect(read(text) !== undefined).to.equal(isJson(text));
      }),
      { numRuns: 1_000 },
    );
  });

  function isJson(text: string): boolean {
    try {
      JSON.parse(text);
      return true;
    } catch {
      return false;
    }
  }
});

function unknownKeys(count: number): Readonly<Record<string, number>> {
  return Object.fromEntries(Array.from({ length: count }, (_, n) => [`z${n}`, 1]));
}

function wide(keys: number, more: readonly unknown[] = []): unknown {
  return {
    apiVersion: 'vbsctl.dev/v1',
    kind: 'RestoreSet',
    metadata: { name: 'night' },
    spec: { restores: [{ name: 'data', ...unknownKeys(keys) }, ...more] },
  };
}

import { expect } from 'chai';
import { loadManifests } from '../../src/manifest/index.ts';
import { LIMITS } from '../../src/manifest/limits.ts';
import { BACKUP, type Files, OTHER_VOLUME, restore, set, spot, VOLUME, within, words } from './helpers.ts';

/** What is wrong, the files, and all diagnostics in order: `file:line:column code`, then a part of the words. */
type Case = readonly [what: string, files: string | Files, ...expected: (readonly [string, string])[]];

const HEAD = 'apiVersion: vbsctl.dev/v1\nkind: RestoreSet\n';
const line = (text: string) => set(restore('db', VOLUME, `    ${text}\n`));
const labels = (text: string) => `${HEAD}metadata: {name: a, labels: {${text}}}\nspec: {restores: []}\n`;

const SYNTAX: Case[] = [
  ['a tab as indentation', `${HEAD}metadata:\n\tname: a\n`, ['m.yaml:4:1 yaml-tab', 'replace each tab']],
  [
    'a missing bracket',
    `${HEAD}metadata: {name: a\nspec: {restores: []}\n`,
    ['m.yaml:4:1 yaml-syntax', 'indent'],
  ],
  ['an unclosed quote', `${HEAD}metadata: {name: "a}\n`, ['m.yaml:4:1 yaml-syntax', 'closing quote']],
  [
    'wrong indentation',
    `${HEAD}metadata:\n    name: a\n  labels: {}\n`,
    ['m.yaml:5:3 yaml-syntax', 'not valid YAML'],
  ],
  ['two keys on a line', `${HEAD}metadata: name: a\n`, ['m.yaml:3:11 yaml-syntax', 'line of its own']],
  ['an unknown escape', labels('a: "\\q"'), ['m.yaml:3:34 yaml-syntax', 'backslash']],
  ['a text that starts with @', labels('a: @b'), ['m.yaml:3:33 yaml-syntax', 'quote the text']],
  ['a duplicate key', line(`volume_id: ${VOLUME}`), ['m.yaml:9:5 duplicate-key', 'First at m.yaml:8:5']],
  ['a merge key', line('<<: {timeout: 2h}'), ['m.yaml:9:5 merge-key', 'spec.defaults']],
  ['__proto__', line('__proto__: {a: 1}'), ['m.yaml:9:5 forbidden-key', '__proto__']],
  ['constructor', line('constructor: 1'), ['m.yaml:9:5 forbidden-key', 'constructor']],
  [
    'prototype in JSON',
    { 'm.json': '{"prototype": 1, "kind": "Config"}' },
    ['m.json:1:2 forbidden-key', 'prototype'],
    ['m.json:1:26 wrong-kind', '--config'],
  ],
  ['a number as a key', labels('1: a'), ['m.yaml:3:30 key-not-text', 'quote it: "1"']],
  ['an empty key', labels(': a'), ['m.yaml:3:30 key-not-text', 'an empty key']],
  ['a list as a key', labels('? [a] : b'), ['m.yaml:3:32 key-not-text', 'not a map']],
  ['an unknown tag', labels('a: !secret b'), ['m.yaml:3:41 yaml-tag', '!secret']],
  ['YAML 1.1', `%YAML 1.1\n---\n${set(restore('db'))}`, ['m.yaml:1:1 yaml-version', 'only YAML 1.2']],
  ['an alias without its anchor', line('timeout: *t'), ['m.yaml:9:14 unknown-anchor', '&t']],
  [
    'an alias within its own value',
    labels('a: &a [*a]'),
    ['m.yaml:3:37 unknown-anchor', '"a"'],
    ['m.yaml:3:36 wrong-type', 'a list'],
  ],
  [
    'too many aliases',
    `a: &a 1\nb: [${'*a, '.repeat(LIMITS.aliases + 1)}]\n`,
    [`m.yaml:2:${5 + 4 * LIMITS.aliases} too-many-aliases`, '100'],
  ],
  ['an alias bomb', bomb(), ['m.yaml:7:12 too-many-values', 'more than']],
  ['lists too deep', '['.repeat(LIMITS.nesting + 2), ['m.yaml:1:66 too-deep', '64']],
  ['block lists too deep', '- '.repeat(LIMITS.nesting + 2), ['m.yaml:1:128 too-deep', '64']],
  ['JSON too deep', { 'm.json': '['.repeat(10_000) }, ['m.json:1:66 too-deep', '64']],
  ['an empty file', '', ['m.yaml:1:1 empty-file', 'nothing']],
  ['an empty JSON file', { 'm.json': ' \n' }, ['m.json:1:1 empty-file', 'nothing']],
  ['only comments', '# a\n---\n# b\n', ['m.yaml:1:1 empty-file', 'comments']],
  [
    'not UTF-8',
    { 'm.yaml': Buffer.from('a: 1\nb: \xe4\n', 'latin1') },
    ['m.yaml:2:4 not-utf8', 'save it as UTF-8'],
  ],
  ['UTF-16', { 'm.yaml': Buffer.from('\ufeffa: 1', 'utf16le') }, ['m.yaml not-utf8', 'UTF-16']],
  ['binary noise', { 'm.yaml': 'PK\x03\x04abc' }, ['m.yaml:1:3 not-text', '0x03']],
  ['JSON with a comment', { 'm.json': '{\n  // no\n}' }, ['m.json:2:3 json-syntax', 'double quotes']],
  ['JSON with a trailing comma', { 'm.json': '[1,]' }, ['m.json:1:4 json-syntax', 'not a JSON value']],
  ['JSON without a comma', { 'm.json': '{"a": 1 "b": 2}' }, ['m.json:1:9 json-syntax', 'comma']],
  ['JSON without a colon', { 'm.json': '{"a" 1}' }, ['m.json:1:6 json-syntax', 'colon']],
  ['JSON that ends early', { 'm.json': '{"a": ' }, ['m.json:1:7 json-syntax', 'too early']],
  ['JSON with more behind it', { 'm.json': '{} {}' }, ['m.json:1:4 json-syntax', 'more text']],
  [
    'JSON with an open text',
    { 'm.json': '{"a": "b\n"}' },
    ['m.json:1:7 json-syntax', 'closing double quote'],
  ],
  ['JSON with a wrong escape', { 'm.json': '{"a": "\\q"}' }, ['m.json:1:7 json-syntax', 'backslash']],
  [
    'JSON with a duplicate key',
    { 'm.json': '{"kind": "Config",\n "kind": "Config"}' },
    ['m.json:2:2 duplicate-key', 'First at m.json:1:2'],
    ['m.json:1:10 wrong-kind', 'Config'],
  ],
];

const KIND: Case[] = [
  ['a text', 'hello\n', ['m.yaml:1:1 not-a-map', 'apiVersion']],
  ['a list', '- a\n', ['m.yaml:1:1 not-a-map', 'RestoreSet']],
  ['neither kind nor version', 'services: {}\n', ['m.yaml:1:1 not-a-manifest', 'kind: RestoreSet']],
  ['a config', 'apiVersion: vbsctl.dev/v1\nkind: Config\n', ['m.yaml:2:7 wrong-kind', '--config']],
  [
    'another kind of Kubernetes',
    'apiVersion: v1\nkind: ConfigMap\n',
    ['m.yaml:2:7 unknown-kind', 'Understood: RestoreSet'],
  ],
  [
    'a misspelt kind',
    'apiVersion: vbsctl.dev/v1\nkind: restoreset\n',
    ['m.yaml:2:7 unknown-kind', 'did you mean RestoreSet?'],
  ],
  [
    'another version',
    set(restore('db')).replace('/v1', '/v2'),
    ['m.yaml:1:13 unknown-version', 'Understood: vbsctl.dev/v1'],
  ],
  ['no kind', set(restore('db')).replace('kind: RestoreSet\n', ''), ['m.yaml:1:1 missing-key', 'no kind']],
  [
    'no version',
    set(restore('db')).replace('apiVersion: vbsctl.dev/v1\n', ''),
    ['m.yaml:1:1 missing-key', 'no apiVersion'],
  ],
  [
    'a kind that is no text',
    'apiVersion: vbsctl.dev/v1\nkind: 1\nmetadata: {name: a}\nspec: {restores: []}\n',
    ['m.yaml:2:7 not-allowed', 'must be RestoreSet, not 1'],
  ],
];

const SHAPE: Case[] = [
  ['an unknown key', line('volumeid: x'), ['m.yaml:9:5 unknown-key', 'did you mean volume_id?']],
  [
    'an unknown key nobody meant',
    line('zebra: x'),
    ['m.yaml:9:5 unknown-key', 'Known here: name, backup_id'],
  ],
  [
    'an unknown key at the top',
    `${set(restore('db'))}status: {}\n`,
    ['m.yaml:9:1 unknown-key', 'this document'],
  ],
  [
    'an unknown key in metadata',
    `${HEAD}metadata: {name: a, label: {}}\nspec: {restores: []}\n`,
    ['m.yaml:3:21 unknown-key', 'labels'],
  ],
  ['no metadata', `${HEAD}spec: {restores: []}\n`, ['m.yaml:1:1 missing-key', 'metadata']],
  ['no spec', `${HEAD}metadata: {name: a}\n`, ['m.yaml:1:1 missing-key', 'spec']],
  ['no restores', `${HEAD}metadata: {name: a}\nspec: {}\n`, ['m.yaml:4:1 missing-key', 'restores']],
  [
    'restores without a value',
    `${HEAD}metadata: {name: a}\nspec:\n  restores:\n`,
    ['m.yaml:5:12 wrong-type', 'not empty'],
  ],
  [
    'a map of restores',
    `${HEAD}metadata: {name: a}\nspec: {restores: {}}\n`,
    ['m.yaml:4:18 wrong-type', 'must be a list of restores, not a map'],
  ],
  ['a restore that is a text', set('  - db\n'), ['m.yaml:6:5 wrong-type', 'must be a restore, not "db"']],
  [
    'no name',
    set(`  - volume_id: ${VOLUME}\n    backup_id: ${BACKUP}\n`),
    ['m.yaml:6:5 missing-key', 'no name'],
  ],
  [
    'neither disk nor backup',
    set('  - name: db\n'),
    ['m.yaml:6:5 missing-key', 'neither backup_id nor backup'],
    ['m.yaml:6:5 missing-key', 'neither volume_id nor volume'],
  ],
  ['both backups', line('backup: {as_of: latest}'), ['m.yaml:9:5 both-given', 'both backup_id and backup']],
  ['both disks', line('volume: {name: a}'), ['m.yaml:9:5 both-given', 'both volume_id and volume']],
  ['a name in upper case', set(restore('DB_Data')), ['m.yaml:6:11 malformed-name', 'for example: db-data']],
  ['a name too long', set(restore('a'.repeat(64))), ['m.yaml:6:11 malformed-name', 'at most 63']],
  ['a set name with a slash', set(restore('db'), 'a/b'), ['m.yaml:3:18 malformed-name', 'dashes']],
  [
    'no UUID',
    set(restore('db', 'pay-db-data')),
    ['m.yaml:8:16 malformed-uuid', 'must be a UUID, not "pay-db-data"'],
  ],
  [
    'a UUID without dashes',
    set(restore('db', VOLUME.replaceAll('-', ''))),
    ['m.yaml:8:16 malformed-uuid', `with dashes: ${VOLUME}`],
  ],
  [
    'a UUID with a prefix',
    set(restore('db', `urn:uuid:${VOLUME}`)),
    ['m.yaml:8:16 malformed-uuid', 'must be a UUID'],
  ],
  ['a duration in words', line('timeout: 2 hours'), ['m.yaml:9:14 malformed-duration', '250ms']],
  ['a duration without a unit', line('timeout: 90'), ['m.yaml:9:14 wrong-type', 'add the unit: 90s']],
  [
    'a quoted duration without a unit',
    line('timeout: "90"'),
    ['m.yaml:9:14 malformed-duration', 'add the unit: 90s'],
  ],
  ['a timeout too short', line('timeout: 10ms'), ['m.yaml:9:14 out-of-range', 'from 1s to 365d']],
  [
    'a default timeout too long',
    `${HEAD}metadata: {name: a}\nspec: {defaults: {timeout: 400d}, restores: []}\n`,
    ['m.yaml:4:28 out-of-range', 'not 400d'],
  ],
  [
    'a time without a zone',
    until('2026-11-24T06:00:00'),
    ['m.yaml:4:21 malformed-time', 'another moment on another machine'],
  ],
  ['a date', until('2026-11-24'), ['m.yaml:4:21 malformed-time', '2026-11-24T00:00:00Z']],
  ['a day that does not exist', until('2026-02-30T06:00:00Z'), ['m.yaml:4:21 malformed-time', 'time zone']],
  ['a leap second', until('2026-12-31T23:59:60Z'), ['m.yaml:4:21 malformed-time', 'time zone']],
  ['as_of in words', rule('{as_of: yesterday}'), ['m.yaml:8:21 malformed-time', '"yesterday"']],
  ['a rule without as_of', rule('{within: 6h}'), ['m.yaml:8:5 missing-key', 'backup has no as_of']],
  [
    'a rule with a wrong within',
    rule('{as_of: latest, within: 6x}'),
    ['m.yaml:8:37 malformed-duration', '"6x"'],
  ],
  [
    'a rule of a disk by name',
    rule('{as_of: latest, of_volume: a}'),
    ['m.yaml:8:40 malformed-uuid', 'of_volume'],
  ],
  ['generation 0', line('generation: 0'), ['m.yaml:9:17 out-of-range', 'from 1 to 1000000, not 0']],
  ['generation too high', line('generation: 1000001'), ['m.yaml:9:17 out-of-range', '1000001']],
  ['a broken generation', line('generation: 1.5'), ['m.yaml:9:17 wrong-type', 'not 1.5']],
  ['a generation in quotes', line('generation: "2"'), ['m.yaml:9:17 wrong-type', 'without quotes: 2']],
  ['a size with a unit', line('expect: {size: 500GB}'), ['m.yaml:9:20 wrong-type', 'size in GB']],
  ['an infinite size', line('expect: {size: .inf}'), ['m.yaml:9:20 wrong-type', 'not .inf']],
  ['no expectation', line('expect: {}'), ['m.yaml:9:13 too-few', 'expect is empty']],
  ['an empty name of a disk', line('expect: {volume_name: ""}'), ['m.yaml:9:27 out-of-range', '1 to 255']],
  [
    'a name of a server too long',
    line(`expect: {server: ${'a'.repeat(256)}}`),
    ['m.yaml:9:22 out-of-range', '1 to 255'],
  ],
  ['depends_on as a text', line('depends_on: db-log'), ['m.yaml:9:17 wrong-type', 'write it as a list']],
  ['depends_on with a wrong name', line('depends_on: [a/b/c]'), ['m.yaml:9:18 malformed', 'set/name']],
  [
    'depends_on too long',
    line(`depends_on: [${Array.from({ length: 1001 }, (_, i) => `d${i}`).join()}]`).concat(many(1001)),
    ['m.yaml:9:17 too-many', '1000'],
  ],
  [
    'depends_on naming one twice',
    set(restore('a') + restore('b', OTHER_VOLUME, '    depends_on: [a, a]\n')),
    ['m.yaml:12:21 listed-twice', 'First at m.yaml:12:18'],
  ],
  ['a label that is a number', labels('ticket: 4711'), ['m.yaml:3:38 wrong-type', 'quote it: "4711"']],
  ['a label name with a space', labels('"a b": c'), ['m.yaml:3:30 malformed', 'label name']],
  ['a label too long', labels(`a: ${'b'.repeat(257)}`), ['m.yaml:3:33 out-of-range', 'at most 256']],
  [
    'too many labels',
    labels(Array.from({ length: 65 }, (_, i) => `l${i}: a`).join()),
    ['m.yaml:3:29 too-many', '64'],
  ],
];

const TRAPS: Case[] = [
  ['no', set(restore('no')), ['m.yaml:6:11 yaml-ambiguous', 'quote it: "no"']],
  ['On', labels('a: On'), ['m.yaml:3:33 yaml-ambiguous', 'true or false']],
  ['a key yes', labels('yes: a'), ['m.yaml:3:30 yaml-ambiguous', 'quote it: "yes"']],
  [
    '0123 where a text belongs',
    set(restore('0123')),
    ['m.yaml:6:11 yaml-ambiguous', 'quote it if it is a text: "0123"'],
  ],
  ['0123 where a number belongs', line('generation: 0123'), ['m.yaml:9:17 yaml-ambiguous', 'else write 123']],
  ['1e3', set(restore('1e3')), ['m.yaml:6:11 wrong-type', 'quote it: "1e3"']],
  ['true', set(restore('true')), ['m.yaml:6:11 wrong-type', 'quote it: "true"']],
  ['null', set(restore('~')), ['m.yaml:6:11 wrong-type', 'not empty']],
  ['12:30', labels('a: 12:30'), ['m.yaml:3:33 yaml-ambiguous', 'a number']],
  ['0x1f', labels('a: 0x1f'), ['m.yaml:3:33 wrong-type', 'quote it: "0x1f"']],
];

const TOGETHER: Case[] = [
  [
    'one name twice',
    set(restore('a') + restore('a', OTHER_VOLUME)),
    ['m.yaml:9:11 duplicate-restore', 'First at m.yaml:6:11'],
  ],
  [
    'one name in two files',
    { 'a.yaml': set(restore('a')), 'b.yaml': set(restore('a')) },
    ['b.yaml:6:11 duplicate-restore', 'First at a.yaml:6:11'],
  ],
  [
    'one disk twice',
    set(restore('a') + restore('b', VOLUME.toUpperCase())),
    ['m.yaml:11:16 volume-twice', 'First at m.yaml:8:16'],
  ],
  [
    'one disk twice in two documents of a set',
    `${set(restore('a'))}---\n${set(restore('b'))}`,
    ['m.yaml:17:16 volume-twice', 'payments/b and payments/a'],
  ],
  [
    'one disk twice by name',
    set(['a', 'b'].map((name) => `  - {name: ${name}, backup_id: ${BACKUP}, volume: {name: x}}\n`).join('')),
    ['m.yaml:7:79 volume-twice', 'same disk'],
  ],
  [
    'an unknown dependency',
    set(restore('db-data') + restore('b', OTHER_VOLUME, '    depends_on: [db-dta]\n')),
    ['m.yaml:12:18 unknown-dependency', 'did you mean payments/db-data?'],
  ],
  [
    'an unknown dependency nobody meant',
    line('depends_on: [zebra]'),
    ['m.yaml:9:18 unknown-dependency', '-f'],
  ],
  [
    'an unknown dependency in another set',
    line('depends_on: [other/db]'),
    ['m.yaml:9:18 unknown-dependency', 'other/db'],
  ],
  [
    'a set misspelt',
    line('depends_on: [paymets/db]'),
    ['m.yaml:9:18 unknown-dependency', 'did you mean payments/db?'],
  ],
  ['itself', line('depends_on: [db]'), ['m.yaml:9:18 circular-dependency', 'payments/db → payments/db']],
  [
    'a circle',
    set(
      ['a b', 'b c', 'c a']
        .map((pair, i) => restore(pair.slice(0, 1), volume(i), `    depends_on: [${pair.slice(2)}]\n`))
        .join(''),
    ),
    ['m.yaml:17:18 circular-dependency', 'payments/a → payments/b → payments/c → payments/a'],
  ],
  [
    'a circle through two sets',
    `${set(restore('a', VOLUME, '    depends_on: [y/b]\n'), 'x')}---\n${set(restore('b', VOLUME, '    depends_on: [x/a]\n'), 'y')}`,
    ['m.yaml:19:18 circular-dependency', 'x/a → y/b → x/a'],
  ],
  [
    'problems of every sort at once',
    { 'a.yaml': 'a: [', 'b.yaml': set(restore('B', 'x')), 'c.yaml': `${HEAD}metadata: {name: c}\n` },
    ['a.yaml:1:5 yaml-syntax', ''],
    ['b.yaml:6:11 malformed-name', ''],
    ['b.yaml:8:16 malformed-uuid', ''],
    ['c.yaml:1:1 missing-key', 'spec'],
  ],
  [
    'a document behind a broken one',
    `a: "\\q"\n---\n${set(restore('B'))}`,
    ['m.yaml:1:5 yaml-syntax', ''],
    ['m.yaml:8:11 malformed-name', ''],
  ],
];

for (const [title, cases] of Object.entries({ SYNTAX, KIND, SHAPE, TRAPS, TOGETHER })) {
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

function until(time: string): string {
  return `${HEAD}metadata: {name: a}\nspec: {valid_until: ${time}, restores: []}\n`.replace(
    'valid_until: ',
    'valid_until: ',
  );
}

function rule(backup: string): string {
  return set(`  - name: db\n    volume_id: ${VOLUME}\n    backup: ${backup}\n`);
}

function volume(n: number): string {
  return `${VOLUME.slice(0, -2)}${String(n).padStart(2, '0')}`;
}

/** So many more restores, `d0` and on, each of a disk of its own. */
function many(count: number): string {
  return Array.from({ length: count }, (_, i) =>
    restore(`d${i}`, `${VOLUME.slice(0, -4)}${String(i).padStart(4, '0')}`),
  ).join('');
}

/** Ten times ten times ten …: small to write, endless to walk. */
function bomb(): string {
  const rows = ['a: &a [x, x, x, x, x, x, x, x, x, x]'];
  for (const [above, name] of ['ab', 'bc', 'cd', 'de', 'ef', 'fg', 'gh'].map((pair) => [...pair]))
    rows.push(`${name}: &${name} [${Array(10).fill(`*${above}`).join(', ')}]`);
  return `${rows.join('\n')}\n`;
}

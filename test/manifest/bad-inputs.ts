import { LIMITS } from '../../src/manifest/limits.ts';
import { BACKUP, type Files, OTHER_VOLUME, restore, set, VOLUME } from './helpers.ts';

/** What is wrong, the files, and all diagnostics in order: `file:line:column code`, then a part of the words. */
export type Case = readonly [what: string, files: string | Files, ...expected: (readonly [string, string])[]];

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
  [
    'a line that is indented too little in a list',
    `${HEAD}metadata: {name: a}\nspec:\n  restores:\n    - name: a\n      volume_id: x\n     backup_id: y\n`,
    ['m.yaml:8:6 yaml-syntax', 'indent entries'],
  ],
  [
    'a line that is indented too much',
    `${HEAD}metadata: {name: a}\nspec:\n  restores:\n    - name: a\n      volume_id: x\n        backup_id: y\n`,
    ['m.yaml:8:9 yaml-syntax', 'indent entries'],
  ],
  [
    'a line that is indented too much at the top',
    `${HEAD}metadata: {name: a}\n  spec: {}\n`,
    ['m.yaml:4:3 yaml-syntax', 'indent entries'],
  ],
  [
    'an entry of a list without a dash',
    `${HEAD}metadata: {name: a}\nspec:\n  restores:\n    - name: a\n    volume_id: x\n`,
    ['m.yaml:7:5 yaml-syntax', 'with a dash'],
  ],
  ['two keys on a line', `${HEAD}metadata: name: a\n`, ['m.yaml:3:11 yaml-syntax', 'line of its own']],
  ['an unknown escape', labels('a: "\\q"'), ['m.yaml:3:34 yaml-syntax', 'backslash']],
  ['a text that starts with @', labels('a: @b'), ['m.yaml:3:33 yaml-syntax', 'quote the string']],
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
  [
    'lines that start with %',
    `${'%a\n'.repeat(LIMITS.yamlDirectives + 1)}---\na: 1\n`,
    [`m.yaml:${LIMITS.yamlDirectives + 1}:1 yaml-syntax`, 'lines of one document start with %'],
  ],
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
  ['an empty file', '', ['m.yaml:1:1 empty-file', 'the file is empty']],
  ['an empty JSON file', { 'm.json': ' \n' }, ['m.json:1:1 empty-file', 'the file is empty']],
  ['only comments', '# a\n---\n# b\n', ['m.yaml:1:1 empty-file', 'the file is empty']],
  [
    'not UTF-8',
    { 'm.yaml': Buffer.from('a: 1\nb: \xe4\n', 'latin1') },
    ['m.yaml:2:4 not-utf8', 'save it as UTF-8'],
  ],
  ['UTF-16', { 'm.yaml': Buffer.from('\ufeffa: 1', 'utf16le') }, ['m.yaml not-utf8', 'UTF-16']],
  ['binary noise', { 'm.yaml': 'PK\x03\x04abc' }, ['m.yaml:1:3 not-text', '0x03']],
  ['JSON with a comment', { 'm.json': '{\n  // no\n}' }, ['m.json:2:3 json-syntax', 'JSON has no comments']],
  ['JSON with a trailing comma', { 'm.json': '[1,]' }, ['m.json:1:4 json-syntax', 'not a JSON value']],
  ['JSON without a comma', { 'm.json': '{"a": 1 "b": 2}' }, ['m.json:1:9 json-syntax', 'comma']],
  ['JSON without a colon', { 'm.json': '{"a" 1}' }, ['m.json:1:6 json-syntax', 'colon']],
  ['JSON that ends early', { 'm.json': '{"a": ' }, ['m.json:1:7 json-syntax', 'too early']],
  ['JSON with more behind it', { 'm.json': '{} {}' }, ['m.json:1:4 json-syntax', 'text after the end']],
  [
    'JSON with an open text',
    { 'm.json': '{"a": "b\n"}' },
    ['m.json:1:7 json-syntax', 'closing double quote'],
  ],
  ['JSON with a wrong escape', { 'm.json': '{"a": "\\q"}' }, ['m.json:1:7 json-syntax', 'backslash']],
  ['JSON that ends in a list', { 'm.json': '[1' }, ['m.json:1:3 json-syntax', 'closing bracket']],
  [
    'JSON with a zero in front',
    { 'm.json': '{"a": 012}' },
    ['m.json:1:8 json-syntax', 'must not begin with 0'],
  ],
  ['JSON with single quotes', { 'm.json': "{'a': 1}" }, ['m.json:1:2 json-syntax', 'double quotes']],
  [
    'JSON with spaces without end',
    { 'm.json': `[${' '.repeat(LIMITS.spaces + 1)}]` },
    [`m.json:1:${LIMITS.spaces + 2} too-many-spaces`, `${LIMITS.spaces}`],
  ],
  [
    'JSON in a YAML file, with tabs without end',
    `[${'\t'.repeat(LIMITS.spaces + 1)}]`,
    [`m.yaml:1:${LIMITS.spaces + 2} too-many-spaces`, `${LIMITS.spaces}`],
  ],
  [
    'JSON with escapes without end',
    { 'm.json': `["${'\\n'.repeat(LIMITS.escapes + 1)}"]` },
    [`m.json:1:${2 * LIMITS.escapes + 3} too-many-escapes`, `${LIMITS.escapes}`],
  ],
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
    ['m.yaml:2:7 unknown-kind', 'Supported: RestoreSet'],
  ],
  [
    'a misspelt kind',
    'apiVersion: vbsctl.dev/v1\nkind: restoreset\n',
    ['m.yaml:2:7 unknown-kind', 'did you mean RestoreSet?'],
  ],
  [
    'another version',
    set(restore('db')).replace('/v1', '/v2'),
    ['m.yaml:1:13 unknown-version', 'Supported: vbsctl.dev/v1'],
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
  ...['yesterday', '2d', 'last night', '3 days ago'].map(
    (text): Case => [
      `the relative time ${text}`,
      `${HEAD}metadata: {name: a}\nspec: {defaults: {backup: {as_of: ${text}}}, restores: []}\n`,
      ['m.yaml:4:35 malformed-time', '2026-11-23T22:00:00+01:00'],
    ],
  ),
  ['an unknown key', line('volumeid: x'), ['m.yaml:9:5 unknown-key', 'did you mean volume_id?']],
  ['an unknown key nobody meant', line('zebra: x'), ['m.yaml:9:5 unknown-key', 'Allowed: name, backup_id']],
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
  [
    'generation without a value',
    line('generation:'),
    ['m.yaml:9:16 wrong-type', 'write a value, or remove the key'],
  ],
  ['depends_on as a number', line('depends_on: 5'), ['m.yaml:9:17 wrong-type', 'write a list of restores']],
  ['a size that is a map', line('expect: {size: {gb: 5}}'), ['m.yaml:9:20 wrong-type', 'for example: 500']],
  [
    'a time that is a word',
    until('tonight'),
    ['m.yaml:4:21 malformed-time', 'for example: 2026-11-23T22:00:00+01:00'],
  ],
  [
    'a restore that is a text',
    set('  - db\n'),
    ['m.yaml:6:5 wrong-type', 'must be a map that describes one restore, not "db"'],
  ],
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
  [
    'misspelt keys: not also missing',
    set(`  - nmae: db\n    volumeid: ${VOLUME}\n    backupid: ${BACKUP}\n`),
    ['m.yaml:6:5 unknown-key', 'did you mean name?'],
    ['m.yaml:7:5 unknown-key', 'did you mean volume_id?'],
    ['m.yaml:8:5 unknown-key', 'did you mean backup_id?'],
  ],
  [
    'a misspelt disk, and no backup at all',
    set(`  - name: db\n    volumeid: ${VOLUME}\n`),
    ['m.yaml:6:5 missing-key', 'neither backup_id nor backup'],
    ['m.yaml:7:5 unknown-key', 'did you mean volume_id?'],
  ],
  [
    'a saved plan',
    '{"kind": "SavedPlan", "apiVersion": "vbsctl.dev/v1"}\n',
    ['m.yaml:1:10 wrong-kind', 'vbsctl apply m.yaml'],
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
    ['m.yaml:4:21 malformed-time', 'would depend on the machine'],
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
    ['m.yaml:12:21 duplicate-item', 'First at m.yaml:12:18'],
  ],
  ['a label that is a number', labels('ticket: 4711'), ['m.yaml:3:38 wrong-type', 'quote it: "4711"']],
  ['a label name with a space', labels('"a b": c'), ['m.yaml:3:30 malformed', 'label name']],
  ['a label too long', labels(`a: ${'b'.repeat(257)}`), ['m.yaml:3:33 out-of-range', 'at most 256']],
  [
    'too many labels',
    labels(Array.from({ length: 65 }, (_, i) => `l${i}: a`).join()),
    ['m.yaml:3:29 too-many', '64'],
  ],
  [
    'a metadata that is a text',
    `${HEAD}metadata: a\nspec: {restores: []}\n`,
    ['m.yaml:3:11 wrong-type', 'name and labels'],
  ],
  [
    'no name of the set',
    `${HEAD}metadata: {labels: {a: b}}\nspec: {restores: []}\n`,
    ['m.yaml:3:1 missing-key', 'no name'],
  ],
  [
    'labels as a list',
    `${HEAD}metadata: {name: a, labels: [b]}\nspec: {restores: []}\n`,
    ['m.yaml:3:29 wrong-type', 'a map of labels'],
  ],
  [
    'a spec that is a list',
    `${HEAD}metadata: {name: a}\nspec: []\n`,
    ['m.yaml:4:7 wrong-type', 'a map with a list of restores'],
  ],
  [
    'an unknown key in spec',
    `${HEAD}metadata: {name: a}\nspec: {restore: [], restores: []}\n`,
    ['m.yaml:4:8 unknown-key', 'did you mean restores?'],
  ],
  ['defaults as a text', defaults('2h'), ['m.yaml:4:18 wrong-type', 'must be a map of defaults']],
  [
    'an unknown key in defaults',
    defaults('{time_out: 2h}'),
    ['m.yaml:4:19 unknown-key', 'did you mean timeout?'],
  ],
  [
    'no backup, where the defaults name none either',
    `${HEAD}metadata: {name: a}\nspec: {defaults: {timeout: 2h}, restores: [{name: db, volume_id: ${VOLUME}}]}\n`,
    ['m.yaml:4:44 missing-key', 'neither backup_id nor backup'],
  ],
  ['a wrong default timeout', defaults('{timeout: soon}'), ['m.yaml:4:28 malformed-duration', '250ms']],
  [
    'a default rule that is a time',
    defaults('{backup: 2026-11-24T06:00:00Z}'),
    ['m.yaml:4:27 wrong-type', 'a map with as_of'],
  ],
  ['a disk by number', line('').replace(VOLUME, '4711'), ['m.yaml:8:16 wrong-type', 'for example: c96e4a94']],
  [
    'a wrong backup',
    line('').replace(BACKUP, 'nightly'),
    ['m.yaml:7:16 malformed-uuid', 'must be a UUID, not "nightly"'],
  ],
  ['valid_until as a number', until('20261124'), ['m.yaml:4:21 wrong-type', 'time with a time zone']],
  ['as_of as a number', rule('{as_of: 20261124}'), ['m.yaml:8:21 wrong-type', 'or latest']],
  ['a time without its T', until('"2026-11-24 06:00:00Z"'), ['m.yaml:4:21 malformed-time', 'time zone']],
  [
    'an unknown key in a rule',
    rule('{as_of: latest, whithin: 6h}'),
    ['m.yaml:8:29 unknown-key', 'did you mean within?'],
  ],
  ['an empty name in a rule', rule('{as_of: latest, name: ""}'), ['m.yaml:8:35 out-of-range', '1 to 255']],
  [
    'a disk that is a text',
    set(`  - {name: db, backup_id: ${BACKUP}, volume: pay-db-data}\n`),
    ['m.yaml:6:73 wrong-type', 'a map with the name of the disk'],
  ],
  [
    'a disk without a name',
    set(`  - {name: db, backup_id: ${BACKUP}, volume: {}}\n`),
    ['m.yaml:6:65 missing-key', 'volume has no name'],
  ],
  [
    'an unknown key in volume',
    set(`  - {name: db, backup_id: ${BACKUP}, volume: {name: x, id: y}}\n`),
    ['m.yaml:6:83 unknown-key', 'Allowed: name'],
  ],
  [
    'a disk whose name is a number',
    set(`  - {name: db, backup_id: ${BACKUP}, volume: {name: 47}}\n`),
    ['m.yaml:6:80 wrong-type', 'quote it: "47"'],
  ],
  [
    'expect as a text',
    line('expect: pay-db-data'),
    ['m.yaml:9:13 wrong-type', 'a map of expected properties'],
  ],
  [
    'an unknown expectation',
    line('expect: {volume: pay-db-data}'),
    ['m.yaml:9:14 unknown-key', 'Allowed: volume_name'],
  ],
  ['a size of nothing', line('expect: {size: 0}'), ['m.yaml:9:20 out-of-range', '1 to 1048576']],
  ['a size beyond all disks', line('expect: {size: 1048577}'), ['m.yaml:9:20 out-of-range', '1 to 1048576']],
  ['depends_on with a number', line('depends_on: [1]'), ['m.yaml:9:18 wrong-type', 'quote it: "1"']],
  ['protect as a text', line('protect: "true"'), ['m.yaml:9:14 wrong-type', 'true or false']],
];

const TRAPS: Case[] = [
  ['no', set(restore('no')), ['m.yaml:6:11 yaml-ambiguous', 'quote it: "no"']],
  ['On', labels('a: On'), ['m.yaml:3:33 yaml-ambiguous', 'true or false']],
  ['a key yes', labels('yes: a'), ['m.yaml:3:30 yaml-ambiguous', 'quote it: "yes"']],
  [
    '0123 where a text belongs',
    set(restore('0123')),
    ['m.yaml:6:11 yaml-ambiguous', 'quote it if it is a string: "0123"'],
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
    ['m.yaml:11:16 duplicate-volume', 'First at m.yaml:8:16'],
  ],
  [
    'one disk twice in two documents of a set',
    `${set(restore('a'))}---\n${set(restore('b'))}`,
    ['m.yaml:17:16 duplicate-volume', 'payments/b and payments/a'],
  ],
  [
    'one disk twice by name',
    set(['a', 'b'].map((name) => `  - {name: ${name}, backup_id: ${BACKUP}, volume: {name: x}}\n`).join('')),
    ['m.yaml:7:79 duplicate-volume', 'same disk'],
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
    'a dependency on what may stand in a file that cannot be read',
    { 'a.yaml': 'a: [', 'b.yaml': set(restore('b', VOLUME, '    depends_on: [other/a]\n')) },
    ['a.yaml:1:5 yaml-syntax', ''],
  ],
  [
    'a name too long to be repeated, twice',
    set(restore('a'.repeat(64)) + restore('a'.repeat(64), OTHER_VOLUME)),
    ['m.yaml:6:11 malformed-name', ''],
    ['m.yaml:9:11 malformed-name', ''],
  ],
  [
    'a document behind a broken one',
    `a: "\\q"\n---\n${set(restore('B'))}`,
    ['m.yaml:1:5 yaml-syntax', ''],
    ['m.yaml:8:11 malformed-name', ''],
  ],
];

export const BAD_MANIFESTS: Readonly<Record<string, readonly Case[]>> = {
  SYNTAX,
  KIND,
  SHAPE,
  TRAPS,
  TOGETHER,
};

const CONFIG_HEAD = 'apiVersion: vbsctl.dev/v1\nkind: Config\n';

/** The same for the operator's settings, in `c.yaml`. */
export const BAD_CONFIGS: readonly (readonly [
  what: string,
  text: string,
  ...expected: (readonly [string, string])[],
])[] = [
  ['a manifest', set(restore('db')), ['c.yaml:2:7 wrong-kind', '-f']],
  [
    'another version',
    'apiVersion: vbsctl.dev/v9\nkind: Config\n',
    ['c.yaml:1:13 unknown-version', 'vbsctl.dev/v1'],
  ],
  [
    'two documents',
    `${CONFIG_HEAD}---\n${CONFIG_HEAD}`,
    ['c.yaml:4:1 several-documents', 'one YAML document'],
  ],
  ['nothing', '', ['c.yaml:1:1 empty-file', 'the file is empty']],
  ['an unknown key', `${CONFIG_HEAD}zebra: 1\n`, ['c.yaml:3:1 unknown-key', 'Allowed: apiVersion']],
  [
    'a key one level too high',
    `${CONFIG_HEAD}paralelism: 1\nmax-failure: 1\nrequest_timeout: 5s\n`,
    ['c.yaml:3:1 unknown-key', 'did you mean parallelism under apply?'],
    ['c.yaml:4:1 unknown-key', 'did you mean max_failures under apply?'],
    ['c.yaml:5:1 unknown-key', 'did you mean request_timeout under http?'],
  ],
  [
    'an unknown key further in',
    `${CONFIG_HEAD}apply: {paralelism: 1}\n`,
    ['c.yaml:3:9 unknown-key', 'did you mean parallelism?'],
  ],
  ['a secret', `${CONFIG_HEAD}password: hunter2\n`, ['c.yaml:3:1 unknown-key', 'password']],
  ['an unknown API', `${CONFIG_HEAD}api: cindr\n`, ['c.yaml:3:6 not-allowed', 'did you mean cinder?']],
  [
    'an unknown way',
    `${CONFIG_HEAD}retry: {after_ambiguous: ask}\n`,
    ['c.yaml:3:26 not-allowed', 'retry or stop'],
  ],
  ['an empty cloud', `${CONFIG_HEAD}cloud: ""\n`, ['c.yaml:3:8 out-of-range', '1 to 255']],
  [
    'too much parallelism',
    `${CONFIG_HEAD}apply: {parallelism: 1001}\n`,
    ['c.yaml:3:22 out-of-range', '1 to 1000'],
  ],
  [
    'no requests',
    `${CONFIG_HEAD}apply: {requests_per_second: 0}\n`,
    ['c.yaml:3:30 out-of-range', '0.1 to 1000'],
  ],
  [
    'a text for a number',
    `${CONFIG_HEAD}apply: {max_failures: many}\n`,
    ['c.yaml:3:23 wrong-type', 'whole number'],
  ],
  [
    'a number for a duration',
    `${CONFIG_HEAD}poll: {min_interval: 2}\n`,
    ['c.yaml:3:22 wrong-type', 'add the unit: 2s'],
  ],
  [
    'a settle of nothing',
    `${CONFIG_HEAD}retry: {settle: 0s}\n`,
    ['c.yaml:3:17 out-of-range', 'from 1s to 1d'],
  ],
  [
    'an endless age',
    `${CONFIG_HEAD}policy: {max_backup_age: 99999d}\n`,
    ['c.yaml:3:26 out-of-range', '36500d'],
  ],
  [
    'delays the wrong way round',
    `${CONFIG_HEAD}retry: {min_delay: 3s, max_delay: 2s}\n`,
    ['c.yaml:3:20 wrong-order', 'retry.min_delay'],
  ],
  [
    'delays the wrong way round, both given: nothing about defaults',
    `${CONFIG_HEAD}retry:\n  min_delay: 3s\n  max_delay: 2s\n`,
    ['c.yaml:4:14 wrong-order', 'larger than retry.max_delay | make min_delay no larger'],
  ],
  [
    'a delay above the default',
    `${CONFIG_HEAD}poll:\n  min_interval: 1m\n`,
    ['c.yaml:4:17 wrong-order', 'default'],
  ],
  [
    'a limit below the default',
    `${CONFIG_HEAD}http: {request_timeout: 1s}\n`,
    ['c.yaml:3:25 wrong-order', 'default'],
  ],
  ['no manifests', `${CONFIG_HEAD}manifests: []\n`, ['c.yaml:3:12 too-few', 'remove the key']],
  [
    'a manifest twice',
    `${CONFIG_HEAD}manifests: [a, a]\n`,
    ['c.yaml:3:16 duplicate-item', 'First at c.yaml:3:13'],
  ],
  [
    'a password in the state',
    `${CONFIG_HEAD}state: postgres://u:hunter2@h/db\n`,
    ['c.yaml:3:8 password-in-state', 'environment'],
  ],
  [
    'an answer without a limit',
    `${CONFIG_HEAD}http: {max_response_bytes: 1}\n`,
    ['c.yaml:3:28 out-of-range', '65536'],
  ],
  [
    'a required version that is a number',
    `${CONFIG_HEAD}required_version: 1\n`,
    ['c.yaml:3:19 wrong-type', 'quote it: "1"'],
  ],
  [
    'a required version of nothing',
    `${CONFIG_HEAD}required_version: ""\n`,
    ['c.yaml:3:19 out-of-range', '1 to 100'],
  ],
  [
    'a required version without end',
    `${CONFIG_HEAD}required_version: ">=0.0.0${' '.repeat(101)}"\n`,
    ['c.yaml:3:19 out-of-range', '1 to 100'],
  ],
  ['no kind', 'apiVersion: vbsctl.dev/v1\ncloud: a\n', ['c.yaml:1:1 missing-key', 'no kind']],
  ['no version', 'kind: Config\n', ['c.yaml:1:1 missing-key', 'no apiVersion']],
  [
    'a kind that is no text',
    'apiVersion: vbsctl.dev/v1\nkind: [Config]\n',
    ['c.yaml:2:7 not-allowed', 'must be Config'],
  ],
  ['a cloud that is a number', `${CONFIG_HEAD}cloud: 1\n`, ['c.yaml:3:8 wrong-type', 'quote it: "1"']],
  [
    'a cloud with an endless name',
    `${CONFIG_HEAD}cloud: ${'a'.repeat(256)}\n`,
    ['c.yaml:3:8 out-of-range', '1 to 255'],
  ],
  [
    'manifests as a text',
    `${CONFIG_HEAD}manifests: restores.yaml\n`,
    ['c.yaml:3:12 wrong-type', 'write it as a list'],
  ],
  [
    'manifests without end',
    `${CONFIG_HEAD}manifests: [${Array.from({ length: 1001 }, (_, i) => `m${i}`).join()}]\n`,
    ['c.yaml:3:12 too-many', '1000'],
  ],
  [
    'a manifest that is a number',
    `${CONFIG_HEAD}manifests: [1]\n`,
    ['c.yaml:3:13 wrong-type', 'quote it: "1"'],
  ],
  ['a manifest without a name', `${CONFIG_HEAD}manifests: [""]\n`, ['c.yaml:3:13 out-of-range', 'a path']],
  [
    'a manifest with an endless name',
    `${CONFIG_HEAD}manifests: [${'a'.repeat(4097)}]\n`,
    ['c.yaml:3:13 out-of-range', 'a path'],
  ],
  ['a state that is a map', `${CONFIG_HEAD}state: {path: a}\n`, ['c.yaml:3:8 wrong-type', 'a path or URL']],
  ['a state without a name', `${CONFIG_HEAD}state: ""\n`, ['c.yaml:3:8 out-of-range', '1 to 4096']],
  [
    'a state with an endless name',
    `${CONFIG_HEAD}state: ${'a'.repeat(4097)}\n`,
    ['c.yaml:3:8 out-of-range', '1 to 4096'],
  ],
  [
    'apply that is a text',
    `${CONFIG_HEAD}apply: fast\n`,
    ['c.yaml:3:8 wrong-type', 'a map of apply settings'],
  ],
  [
    'retry that is a text',
    `${CONFIG_HEAD}retry: fast\n`,
    ['c.yaml:3:8 wrong-type', 'a map of retry settings'],
  ],
  ['an unknown key in retry', `${CONFIG_HEAD}retry: {zebra: 1}\n`, ['c.yaml:3:9 unknown-key', 'Allowed']],
  [
    'poll that is a text',
    `${CONFIG_HEAD}poll: fast\n`,
    ['c.yaml:3:7 wrong-type', 'a map of polling settings'],
  ],
  ['an unknown key in poll', `${CONFIG_HEAD}poll: {zebra: 1}\n`, ['c.yaml:3:8 unknown-key', 'Allowed']],
  ['http that is a text', `${CONFIG_HEAD}http: fast\n`, ['c.yaml:3:7 wrong-type', 'a map of HTTP settings']],
  ['an unknown key in http', `${CONFIG_HEAD}http: {zebra: 1}\n`, ['c.yaml:3:8 unknown-key', 'Allowed']],
  [
    'policy that is a text',
    `${CONFIG_HEAD}policy: fast\n`,
    ['c.yaml:3:9 wrong-type', 'a map of policy settings'],
  ],
  ['an unknown key in policy', `${CONFIG_HEAD}policy: {zebra: 1}\n`, ['c.yaml:3:10 unknown-key', 'Allowed']],
  [
    'parallelism in words',
    `${CONFIG_HEAD}apply: {parallelism: ten}\n`,
    ['c.yaml:3:22 wrong-type', '1 to 1000'],
  ],
  ['no parallelism', `${CONFIG_HEAD}apply: {parallelism: 0}\n`, ['c.yaml:3:22 out-of-range', '1 to 1000']],
  [
    'a rate in words',
    `${CONFIG_HEAD}apply: {requests_per_second: fast}\n`,
    ['c.yaml:3:30 wrong-type', '0.1 to 1000'],
  ],
  [
    'a rate too high',
    `${CONFIG_HEAD}apply: {requests_per_second: 1001}\n`,
    ['c.yaml:3:30 out-of-range', '0.1 to 1000'],
  ],
  [
    'failures below nothing',
    `${CONFIG_HEAD}apply: {max_failures: -1}\n`,
    ['c.yaml:3:23 out-of-range', '0 to 1000000'],
  ],
  [
    'failures without end',
    `${CONFIG_HEAD}apply: {max_failures: 1000001}\n`,
    ['c.yaml:3:23 out-of-range', '0 to 1000000'],
  ],
  [
    'apply.timeout in words',
    `${CONFIG_HEAD}apply: {timeout: soon}\n`,
    ['c.yaml:3:18 malformed-duration', 'must be a duration'],
  ],
  [
    'retry.give_up_after in words',
    `${CONFIG_HEAD}retry: {give_up_after: soon}\n`,
    ['c.yaml:3:24 malformed-duration', 'must be a duration'],
  ],
  [
    'retry.min_delay in words',
    `${CONFIG_HEAD}retry: {min_delay: soon}\n`,
    ['c.yaml:3:20 malformed-duration', 'must be a duration'],
  ],
  [
    'retry.max_delay in words',
    `${CONFIG_HEAD}retry: {max_delay: soon}\n`,
    ['c.yaml:3:20 malformed-duration', 'must be a duration'],
  ],
  [
    'retry.max_retry_after in words',
    `${CONFIG_HEAD}retry: {max_retry_after: soon}\n`,
    ['c.yaml:3:26 malformed-duration', 'must be a duration'],
  ],
  [
    'retry.settle in words',
    `${CONFIG_HEAD}retry: {settle: soon}\n`,
    ['c.yaml:3:17 malformed-duration', 'must be a duration'],
  ],
  [
    'poll.max_interval in words',
    `${CONFIG_HEAD}poll: {max_interval: soon}\n`,
    ['c.yaml:3:22 malformed-duration', 'must be a duration'],
  ],
  [
    'http.connect_timeout in words',
    `${CONFIG_HEAD}http: {connect_timeout: soon}\n`,
    ['c.yaml:3:25 malformed-duration', 'must be a duration'],
  ],
  [
    'http.request_timeout in words',
    `${CONFIG_HEAD}http: {request_timeout: soon}\n`,
    ['c.yaml:3:25 malformed-duration', 'must be a duration'],
  ],
  [
    'policy.max_backup_age in words',
    `${CONFIG_HEAD}policy: {max_backup_age: soon}\n`,
    ['c.yaml:3:26 malformed-duration', 'must be a duration'],
  ],
  [
    'an answer limited in words',
    `${CONFIG_HEAD}http: {max_response_bytes: much}\n`,
    ['c.yaml:3:28 wrong-type', '65536'],
  ],
  [
    'an answer too large',
    `${CONFIG_HEAD}http: {max_response_bytes: 1073741825}\n`,
    ['c.yaml:3:28 out-of-range', '1073741824'],
  ],
  [
    'max_list_pages in words',
    `${CONFIG_HEAD}http: {max_list_pages: much}\n`,
    ['c.yaml:3:24 wrong-type', '1'],
  ],
  [
    'max_list_pages too small',
    `${CONFIG_HEAD}http: {max_list_pages: 0}\n`,
    ['c.yaml:3:24 out-of-range', '1'],
  ],
  [
    'max_list_pages too large',
    `${CONFIG_HEAD}http: {max_list_pages: 1000001}\n`,
    ['c.yaml:3:24 out-of-range', '1000000'],
  ],
  [
    'max_list_bytes in words',
    `${CONFIG_HEAD}http: {max_list_bytes: much}\n`,
    ['c.yaml:3:24 wrong-type', '65536'],
  ],
  [
    'max_list_bytes too small',
    `${CONFIG_HEAD}http: {max_list_bytes: 65535}\n`,
    ['c.yaml:3:24 out-of-range', '65536'],
  ],
  [
    'max_list_bytes too large',
    `${CONFIG_HEAD}http: {max_list_bytes: 1099511627777}\n`,
    ['c.yaml:3:24 out-of-range', '1099511627776'],
  ],
  [
    'max_run_bytes in words',
    `${CONFIG_HEAD}http: {max_run_bytes: much}\n`,
    ['c.yaml:3:23 wrong-type', '65536'],
  ],
  [
    'max_run_bytes too small',
    `${CONFIG_HEAD}http: {max_run_bytes: 65535}\n`,
    ['c.yaml:3:23 out-of-range', '65536'],
  ],
  [
    'max_run_bytes too large',
    `${CONFIG_HEAD}http: {max_run_bytes: 1125899906842625}\n`,
    ['c.yaml:3:23 out-of-range', '1125899906842624'],
  ],
  [
    'a limit in words',
    `${CONFIG_HEAD}policy: {max_restores: few}\n`,
    ['c.yaml:3:24 wrong-type', '1 to 1000000'],
  ],
  [
    'a limit of nothing',
    `${CONFIG_HEAD}policy: {max_restores: 0}\n`,
    ['c.yaml:3:24 out-of-range', '1 to 1000000'],
  ],
  [
    'a limit without end',
    `${CONFIG_HEAD}policy: {max_restores: 1000001}\n`,
    ['c.yaml:3:24 out-of-range', '1 to 1000000'],
  ],
  [
    'protected_volumes as a text',
    `${CONFIG_HEAD}policy: {protected_volumes: a}\n`,
    ['c.yaml:3:29 wrong-type', 'write it as a list'],
  ],
  [
    'protected_volumes without end',
    `${CONFIG_HEAD}policy: {protected_volumes: [${Array.from({ length: 10001 }, (_, i) => `n${i}`).join()}]}\n`,
    ['c.yaml:3:29 too-many', '10000'],
  ],
  [
    'one of protected_volumes twice',
    `${CONFIG_HEAD}policy: {protected_volumes: [a, b, a]}\n`,
    ['c.yaml:3:36 duplicate-item', 'First at'],
  ],
  [
    'a number among protected_volumes',
    `${CONFIG_HEAD}policy: {protected_volumes: [1]}\n`,
    ['c.yaml:3:30 wrong-type', 'quote it: "1"'],
  ],
  [
    'an empty one of protected_volumes',
    `${CONFIG_HEAD}policy: {protected_volumes: [""]}\n`,
    ['c.yaml:3:30 out-of-range', 'an ID or a name pattern'],
  ],
  [
    'an endless one of protected_volumes',
    `${CONFIG_HEAD}policy: {protected_volumes: [${'a'.repeat(256)}]}\n`,
    ['c.yaml:3:30 out-of-range', 'an ID or a name pattern'],
  ],
  [
    'require_labels as a text',
    `${CONFIG_HEAD}policy: {require_labels: a}\n`,
    ['c.yaml:3:26 wrong-type', 'write it as a list'],
  ],
  [
    'require_labels without end',
    `${CONFIG_HEAD}policy: {require_labels: [${Array.from({ length: 65 }, (_, i) => `n${i}`).join()}]}\n`,
    ['c.yaml:3:26 too-many', '64'],
  ],
  [
    'one of require_labels twice',
    `${CONFIG_HEAD}policy: {require_labels: [a, b, a]}\n`,
    ['c.yaml:3:33 duplicate-item', 'First at'],
  ],
  [
    'a number among require_labels',
    `${CONFIG_HEAD}policy: {require_labels: [1]}\n`,
    ['c.yaml:3:27 wrong-type', 'quote it: "1"'],
  ],
  [
    'an empty one of require_labels',
    `${CONFIG_HEAD}policy: {require_labels: [""]}\n`,
    ['c.yaml:3:27 out-of-range', 'a label name'],
  ],
  [
    'an endless one of require_labels',
    `${CONFIG_HEAD}policy: {require_labels: [${'a'.repeat(254)}]}\n`,
    ['c.yaml:3:27 out-of-range', 'a label name'],
  ],
  [
    'allowed_sets as a text',
    `${CONFIG_HEAD}policy: {allowed_sets: a}\n`,
    ['c.yaml:3:24 wrong-type', 'write it as a list'],
  ],
  [
    'allowed_sets without end',
    `${CONFIG_HEAD}policy: {allowed_sets: [${Array.from({ length: 10001 }, (_, i) => `n${i}`).join()}]}\n`,
    ['c.yaml:3:24 too-many', '10000'],
  ],
  [
    'one of allowed_sets twice',
    `${CONFIG_HEAD}policy: {allowed_sets: [a, b, a]}\n`,
    ['c.yaml:3:31 duplicate-item', 'First at'],
  ],
  [
    'a number among allowed_sets',
    `${CONFIG_HEAD}policy: {allowed_sets: [1]}\n`,
    ['c.yaml:3:25 wrong-type', 'quote it: "1"'],
  ],
  [
    'an empty one of allowed_sets',
    `${CONFIG_HEAD}policy: {allowed_sets: [""]}\n`,
    ['c.yaml:3:25 out-of-range', 'the name of a set'],
  ],
  [
    'an endless one of allowed_sets',
    `${CONFIG_HEAD}policy: {allowed_sets: [${'a'.repeat(64)}]}\n`,
    ['c.yaml:3:25 out-of-range', 'the name of a set'],
  ],
  [
    'require_expect in words',
    `${CONFIG_HEAD}policy: {require_expect: maybe}\n`,
    ['c.yaml:3:26 wrong-type', 'true or false'],
  ],
  [
    'require_valid_until as a number',
    `${CONFIG_HEAD}policy: {require_valid_until: 1}\n`,
    ['c.yaml:3:31 wrong-type', 'true or false'],
  ],
  [
    'require_signed_plans as a number',
    `${CONFIG_HEAD}policy: {require_signed_plans: 1}\n`,
    ['c.yaml:3:32 wrong-type', 'true or false'],
  ],
];

function until(time: string): string {
  return `${HEAD}metadata: {name: a}\nspec: {valid_until: ${time}, restores: []}\n`;
}

function defaults(text: string): string {
  return `${HEAD}metadata: {name: a}\nspec: {defaults: ${text}, restores: []}\n`;
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

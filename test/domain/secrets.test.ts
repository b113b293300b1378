import { expect } from 'chai';
import fc from 'fast-check';
import { formsOf, spellings } from '../../src/domain/secret-forms.ts';
import { MASK, Secrets, WITHHELD } from '../../src/domain/secrets.ts';

const PASSWORD = `p<&"'\\/ü w+=rd=9`;
const TOKEN = `gAAAAAB${'Qx7_-vR2kPz'.repeat(16)}`;

function secrets(...values: string[]): Secrets {
  const known = new Secrets();
  known.add(...values);
  return known;
}

describe('secrets', () => {
  const forms: Readonly<Record<string, (text: string) => string>> = {
    'as it is': (text) => text,
    'in capitals': (text) => text.replace(/[a-z]/g, (c) => c.toUpperCase()),
    'in JSON': (text) => JSON.stringify(text),
    'in JSON within JSON': (text) => JSON.stringify(JSON.stringify({ text })),
    'in JSON as Go writes it': (text) =>
      JSON.stringify(text).replace(/[<>&]/g, (c) => `\\u00${c.charCodeAt(0).toString(16)}`),
    'in JSON as PHP writes it': (text) =>
      JSON.stringify(text)
        .replaceAll('/', '\\/')
        .replace(/[\u0080-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`),
    'in JSON, every letter by its number': (text) =>
      [...text].map((c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`).join(''),
    'in an address': encodeURIComponent,
    'in an address, in small letters': (text) => encodeURIComponent(text).toLowerCase(),
    'in an address, every byte': (text) => Buffer.from(text).toString('hex').replace(/../g, '%$&'),
    'in an address, twice': (text) => encodeURIComponent(encodeURIComponent(text)),
    'in a form': (text) => new URLSearchParams({ text }).toString(),
    'in HTML': (text) =>
      text
        .replaceAll('&', '&amp;')
        .replaceAll('<', '&lt;')
        .replaceAll('"', '&quot;')
        .replaceAll("'", '&#39;'),
    'in HTML, every letter by its number': (text) => [...text].map((c) => `&#${c.codePointAt(0)};`).join(''),
    'in HTML, in hex': (text) => [...text].map((c) => `&#x${c.codePointAt(0)?.toString(16)};`).join(''),
    'in base64': (text) => Buffer.from(text).toString('base64'),
    'in base64, one byte on': (text) => Buffer.from(`:${text}:`).toString('base64'),
    'in base64, two bytes on': (text) => Buffer.from(`u:${text}`).toString('base64'),
    'in base64 for addresses': (text) => Buffer.from(`ann:${text}`).toString('base64url'),
    'in base64, twice': (text) => Buffer.from(Buffer.from(text).toString('base64')).toString('base64'),
    'in hex': (text) => Buffer.from(text).toString('hex'),
    'in hex, in capitals': (text) => Buffer.from(text).toString('hex').toUpperCase(),
    'in hex with colons': (text) => Buffer.from(text).toString('hex').replace(/../g, '$&:'),
    'quoted-printable': (text) =>
      Buffer.from(text)
        .toString('latin1')
        .replace(/[^ -~]|=/g, (c) => `=${c.charCodeAt(0).toString(16).toUpperCase()}`),
    'over two lines': (text) => `${text.slice(0, 7)}\n${text.slice(7)}`,
    'with spaces between': (text) => [...text].join(' '),
    'with characters between that nobody sees': (text) => [...text].join('\u200b'),
    'with marks between that nobody sees': (text) => [...text].join('\ufe0f\u3164\u2800'),
  };

  for (const [form, write] of Object.entries(forms))
    for (const secret of [PASSWORD, TOKEN, 'hunter2hunter3'])
      it(`are masked in a message ${form} (${secret.slice(0, 8)}…)`, () => {
        const shown = secrets(secret).maskMessage(`before ${write(secret)} after`);
        expect(shown).to.satisfy((text: string) => text.includes(MASK) || text === WITHHELD);
        expect(shown).not.to.include(write(secret));
        expect(shown.toLowerCase()).not.to.include(secret.slice(0, 8).toLowerCase());
      });

  const hex = (bytes: Buffer) => bytes.toString('hex');
  const octal = (bytes: Buffer) =>
    [...bytes].map((byte) => `\\${byte.toString(8).padStart(3, '0')}`).join('');
  const latin1 = (text: string) => Buffer.from(text, 'latin1');
  /** Only for letters beyond ASCII: a server that uses another encoding, and a composed or decomposed accent. */
  const encodings: Readonly<Record<string, (text: string) => string>> = {
    octal: (text) => octal(Buffer.from(text)),
    'octal, Latin-1': (text) => octal(latin1(text)),
    'Latin-1 in an address': escape,
    'Latin-1 that was read as UTF-8': (text) => latin1(text).toString(),
    'UTF-8 that was read as Latin-1': (text) => Buffer.from(text).toString('latin1'),
    'Latin-1 in base64': (text) => latin1(`u:${text}`).toString('base64'),
    'Latin-1 in hex': (text) => hex(latin1(text)),
    'decomposed accents': (text) => text.normalize('NFD'),
    'decomposed accents in an address': (text) => encodeURIComponent(text.normalize('NFD')),
    'decomposed accents in base64': (text) => Buffer.from(text.normalize('NFD')).toString('base64'),
    'UTF-16 with its zeros': (text) => Buffer.from(text, 'utf16le').toString('latin1'),
    'UTF-16 in base64': (text) => Buffer.from(text, 'utf16le').toString('base64'),
    'names of HTML': (text) => text.replace(/[äö-]/g, (c) => `&${{ ä: 'auml', ö: 'ouml' }[c] ?? 'hyphen'};`),
    'as JavaScript once escaped': (text) =>
      [...text].map((c) => `%u${c.charCodeAt(0).toString(16).padStart(4, '0')}`).join(''),
    'over lines of JSON': (text) => JSON.stringify(text.replace(/.{5}/g, '$&\n')),
    'base64 in lines of JSON': (text) =>
      JSON.stringify(Buffer.from(`u:${text}`).toString('base64').replace(/.{8}/g, '$&\r\n')),
    'base64 in an address': (text) => encodeURIComponent(Buffer.from(`u:${text}`).toString('base64')),
    'with many zeros': (text) => [...text].map((c) => `&#x0000${c.charCodeAt(0).toString(16)};`).join(''),
  };
  for (const [encoding, write] of Object.entries(encodings))
    for (const secret of ['Bärenhöhle-1234', 'Ba\u0308renho\u0308hle-1234', 'Correct-Horse-77'])
      it(`are masked in messages and names, ${encoding} (${secret})`, () => {
        for (const shown of [
          secrets(secret).maskMessage(`x ${write(secret)} y`),
          secrets(secret).maskName(`x ${write(secret)} y`),
        ])
          expect(shown).to.satisfy((text: string) => text.includes(MASK) || text === WITHHELD);
      });

  it('are found in up to three forms within each other, as SECURITY.md says, in a message and in a state', () => {
    const code = (c: string) => c.charCodeAt(0).toString(16).padStart(4, '0');
    const bytes = (text: string, before: string) =>
      Buffer.from(text).toString('hex').replace(/../g, `${before}$&`);
    const within: readonly ((text: string) => string)[] = [
      JSON.stringify,
      (text) => text.replace(/./gs, (c) => `\\u${code(c)}`),
      encodeURIComponent,
      (text) => bytes(text, '%'),
      (text) => new URLSearchParams({ text }).toString(),
      (text) => text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`),
      (text) => text.replace(/./gs, (c) => `&#x${code(c)};`),
      (text) => Buffer.from(`ann:${text}`).toString('base64'),
      (text) => Buffer.from(`u:${text}!`).toString('base64url'),
      (text) => octal(Buffer.from(text)),
      (text) => bytes(text, '\\x'),
      (text) => bytes(text, '=').toUpperCase(),
    ];
    const same = (text: string) => text;
    const known = secrets('a%41"=42\\x43&amp;ü1');
    for (const inner of [same, (text: string) => hex(Buffer.from(text))])
      for (const a of within)
        for (const b of [same, ...within])
          for (const c of [same, ...within]) {
            const text = `x ${c(b(a(inner('a%41"=42\\x43&amp;ü1'))))} y`;
            expect(known.maskMessage(text)).to.satisfy(
              (shown: string) => shown.includes(MASK) || shown === WITHHELD,
            );
            expect(known.isIn(text), text).to.equal(true);
          }
  });

  it('are masked in a message with spaces between six characters, or others between eight', () => {
    for (const [secret, gap] of [
      ['s3cret', ' '],
      ['s3cret', '\u200b'],
      ['s3crets8', '.'],
    ] as const)
      expect(secrets(secret).maskMessage([...secret].join(gap))).to.equal(WITHHELD);
  });

  it('are masked before dots if a text was cut within an escape', () => {
    const secret = 'kWq8zLmPv3TnBx7';
    const bytes = (before: string) => hex(Buffer.from(secret)).replace(/../g, `${before}$&`);
    for (const [escaped, length] of [
      [bytes('\\u00'), 6],
      [bytes('\\x'), 4],
      [bytes('%'), 3],
      [bytes('='), 3],
      [octal(Buffer.from(secret)), 4],
      [secret.replace(/./g, (c) => `&#${`${c.charCodeAt(0)}`.padStart(3, '0')};`), 6],
      [secret.replace(/./g, (c) => `&#x${c.charCodeAt(0).toString(16)};`), 6],
    ] as const)
      for (let cut = 5 * length; cut <= escaped.length; cut++)
        for (const dots of ['…', '...'])
          expect(secrets(secret).maskMessage(`x ${escaped.slice(0, cut)}${dots}`)).to.equal(WITHHELD);
  });

  it('are found in base64 after any character that is not of its alphabet', () => {
    const odd = 'pa"ss/wo&rd<1>2';
    for (const [encoding, alphabet] of [
      ['base64', /[A-Za-z0-9+/]/],
      ['base64url', /[\w-]/],
    ] as const)
      for (const write of [JSON.stringify, encodeURIComponent])
        for (let code = 0x20; code < 0x7f; code++) {
          const before = String.fromCharCode(code);
          const text = `${before}${Buffer.from(write(odd)).toString(encoding)}`;
          if (!alphabet.test(before))
            expect(secrets(odd).maskMessage(text), text).to.satisfy(
              (shown: string) => shown.includes(MASK) || shown === WITHHELD,
            );
        }
  });

  it('are masked before dots if a text was cut within them', () => {
    const known = secrets('Correct-Horse-77', TOKEN);
    for (const secret of ['Correct-Horse-77', TOKEN])
      for (let length = 4; length < 16; length++)
        for (const dots of ['…', '...', '…: and more'])
          expect(known.maskName(`disk ${secret.slice(0, length)}${dots}`)).to.equal(`disk ***${dots}`);
    expect(known.maskMessage(`disk ${encodeURIComponent('Corr"ect').slice(0, 3)}…`)).to.equal('disk Cor…');
    for (const text of ['and so on…', 'wait...', 'Cor...', '....', '…'])
      expect(known.maskMessage(text)).to.equal(text);
  });

  it('count in an id or stored text only as a whole', () => {
    const known = secrets('Correct-Horse-77', 'deadbeef42', 'c96e4a94-927a-425c-8795-63f9964cfebd');
    const uuid = (digits: string) =>
      digits.padEnd(32, '0').replace(/(.{8})(.{4})(.{4})(.{4})(.{12}).*/, '$1-$2-$3-$4-$5');
    for (const text of [
      'Correct-Horse-77',
      'x "correct-horse-77" y',
      uuid(hex(Buffer.from('Correct-Horse-77'))).toUpperCase(),
      uuid('0deadbeef42'),
      Buffer.from(uuid('0deadbeef42')).toString('base64url'),
      'c96e4a94927a425c879563f9964cfebd',
      `{"name":"${encodeURIComponent('Correct-Horse-77').replace('C', '%43')}"}`,
    ])
      expect(known.isIn(text), text).to.equal(true);
    for (const text of ['Correct-Horse', uuid('0deadbeef4'), 'c96e4a94-92', ''])
      expect(known.isIn(text), text).to.equal(false);
  });

  it('are masked where a server cut them', () => {
    const shown = secrets(TOKEN).mask(`invalid token ${TOKEN.slice(0, 100)}`);
    expect(shown).to.equal('invalid token ***');
    expect(secrets(TOKEN).mask(TOKEN.slice(30, 90))).to.equal('***');
  });

  for (const length of [9, 12, 16, 20, 23])
    it(`are masked if a server cut the last two of ${length} characters`, () => {
      const secret = 'Abcdefghijklmnopqrstuvw'.slice(0, length);
      expect(secrets(secret).maskMessage(`login ci:${secret.slice(0, -2)}... refused`)).to.not.include(
        secret.slice(0, 6),
      );
      expect(secrets(secret).maskMessage(`login ...${secret.slice(2)} refused`)).to.not.include(
        secret.slice(2, 8),
      );
    });

  it('leave all other text unchanged', () => {
    const known = secrets(PASSWORD, TOKEN, 'correct-horse-battery');
    for (const text of [
      '',
      'a correct horse',
      'no secret here: gAAAAABq',
      'x'.repeat(1_000),
      '%41&amp;\\u0041',
    ])
      expect(known.maskMessage(text)).to.equal(text);
  });

  it('are masked everywhere if long, and in messages if short', () => {
    const known = secrets('data', 'abc', 'hunter2');
    expect(known.mask('data hunter2 abc')).to.equal('data hunter2 abc');
    expect(known.maskMessage('data hunter2 abc')).to.equal('*** *** abc');
    expect(secrets('12345678').mask('012345678')).to.equal('0***');
  });

  it('include each line of a private key', () => {
    const line = 'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj';
    const known = secrets(`-----BEGIN PRIVATE KEY-----\n${line}\n-----END PRIVATE KEY-----\n`);
    expect(known.mask(`-----BEGIN PRIVATE KEY----- ${line}`)).to.equal('-----BEGIN PRIVATE KEY----- ***');
  });

  it('include the signature of a request, which could be replayed', () => {
    expect(secrets().maskMessage(`SDK-HMAC-SHA256 Access=AK, Signature=${'0f'.repeat(32)}`)).to.equal(
      'SDK-HMAC-SHA256 Access=AK, Signature=***',
    );
  });

  it('are found at any position in any text', () => {
    const part = fc.string({ unit: fc.constantFrom(...'abAB01:= \n'), maxLength: 40 });
    const secret = fc.string({ unit: fc.constantFrom(...'abAB01'), minLength: 8, maxLength: 60 });
    fc.assert(
      fc.property(part, fc.array(secret, { minLength: 1, maxLength: 5 }), part, (before, values, after) => {
        const known = secrets(...values);
        for (const value of values)
          for (const form of formsOf(value))
            expect(known.mask(before + form + after).toLowerCase()).not.to.include(form.toLowerCase());
      }),
    );
  });

  it('are masked to their ends although another one, or another form, begins, ends or goes on alike', () => {
    const letters = (minLength: number, maxLength: number) =>
      fc.string({ unit: fc.constantFrom(...'ab01"<\\/&'), minLength, maxLength });
    const alike = fc
      .tuple(letters(0, 30), fc.array(letters(24, 40), { minLength: 1, maxLength: 4 }), letters(0, 30))
      .map(([before, each, after]) => each.map((own) => before + own + after));
    fc.assert(
      fc.property(alike, fc.nat(), fc.nat(), fc.nat(3), (values, at, length, group) => {
        const known = secrets(...values.slice(0, group));
        for (const token of values.slice(group)) known.addToken(token);
        for (const value of values) {
          const from = at % (value.length - 22);
          const cut = value.slice(from, from + 23 + (length % (value.length - from - 22)));
          for (const text of [value, cut]) expect(known.mask(`:${text}:`)).to.equal(':***:');
        }
      }),
      { numRuns: 500 },
    );
  });

  it('are found although they look like escapes', () => {
    const odd = 'a%41"=42\\x43&amp;ü1';
    for (const write of [
      encodeURIComponent,
      JSON.stringify,
      (text: string) => text.replace(/\W/g, (c) => `&#${c.charCodeAt(0)};`),
    ])
      for (const twice of [(text: string) => text, write]) {
        const shown = secrets(odd).maskMessage(twice(write(odd)));
        expect(shown).to.satisfy((text: string) => text.includes(MASK) || text === WITHHELD);
      }
  });

  it('are found whichever of their characters a program escapes, also in two forms within each other', () => {
    const code = (char: string, length = 4) => (char.codePointAt(0) ?? 0).toString(16).padStart(length, '0');
    const units = (char: string, write: (unit: string) => string) => char.split('').map(write).join('');
    const bytes = (char: string, before: string) => hex(Buffer.from(char)).replace(/../g, `${before}$&`);
    const names: Readonly<Record<string, string>> = Object.fromEntries(
      '& amp < lt > gt " quot + plus # num ! excl = equals ; semi @ commat . period / sol _ lowbar % percnt $ dollar \\ bsol'
        .match(/\S+ \S+/g)
        ?.map((pair) => [pair[0], `&${pair.slice(2)};`]) ?? [],
    );
    /** What each escapes always, and how; the others it escapes or not. */
    const programs: Readonly<Record<string, readonly [always: RegExp, escape: (char: string) => string]>> = {
      'JSON, \\u0041': [/[\\"]/, (char) => units(char, (unit) => `\\u${code(unit)}`)],
      'JSON, \\u0041 and \\"': [
        /[\\"]/,
        (char) => (/[\\"/]/.test(char) ? `\\${char}` : units(char, (unit) => `\\u${code(unit)}`)),
      ],
      'code, \\u{41}': [/[\\"]/, (char) => `\\u{${code(char, 1)}}`],
      'code, \\U00000041': [/[\\"]/, (char) => `\\U${code(char, 8)}`],
      'code, \\x41': [/[\\"]|[^ -~]/, (char) => bytes(char, '\\x')],
      'code, \\101': [/[\\"]|[^ -~]/, (char) => octal(Buffer.from(char))],
      'a shell': [/[\\"]/, (char) => (/\w/.test(char) ? char : `\\${char}`)],
      'an address': [/[%]|[^ -~]/, (char) => bytes(char, '%').toUpperCase()],
      'a form': [/[%+ ]|[^ -~]/, (char) => (char === ' ' ? '+' : bytes(char, '%'))],
      'JavaScript, %u0041': [/%/, (char) => units(char, (unit) => `%u${code(unit)}`)],
      'quoted-printable': [/=|[^ -~]/, (char) => bytes(char, '=').toUpperCase()],
      'HTML, by number': [/&/, (char) => `&#${char.codePointAt(0)};`],
      'HTML, in hex': [/&/, (char) => `&#x${code(char, 1)};`],
      'HTML, by name': [/[&<>"]/, (char) => names[char] ?? `&#${char.codePointAt(0)};`],
    };
    const program = fc.record({
      by: fc.constantFrom(...Object.keys(programs)),
      which: fc.array(fc.boolean(), { minLength: 1, maxLength: 20 }),
    });
    const secret = fc
      .string({
        unit: fc.constantFrom(...'abef0147uxnAEQz-_.~!$&+=/<>"\'\\%;#@ ü€😀'),
        minLength: 10,
        maxLength: 30,
      })
      .filter((text) => text === text.trim());
    const around = fc.constantFrom('', 'x ', 'password=', '"', '&user=', '\\', '1', '%', ':');
    fc.assert(
      fc.property(
        secret,
        fc.array(program, { minLength: 1, maxLength: 2 }),
        around,
        (value, writers, before) => {
          const written = (part: string) =>
            writers.reduce((text, { by, which }) => {
              const [always, escape] = programs[by] ?? expect.fail();
              const escaped = (char: string, n: number) => always.test(char) || which[n % which.length];
              return Array.from(text, (char, n) => (escaped(char, n) ? escape(char) : char)).join('');
            }, part);
          const text = `${written(before)}${written(value)}${written(' y')}`;
          const known = secrets(value);
          expect(known.isIn(text), text).to.equal(true);
          const shown = known.maskMessage(text);
          // Not a part of it. A backslash or blank before or after it may be masked with it.
          const rest = `${written(before)}${written(' y')}`;
          const isWhole = shown.includes(MASK) && shown.length <= MASK.length + rest.length;
          expect(isWhole || shown === WITHHELD, `${text} is shown as ${shown}`).to.equal(true);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('include the last signatures in any form, and no older ones', () => {
    const known = secrets();
    const signature = (n: number) => `${n}`.padStart(4, '0').repeat(16);
    for (let n = 0; n < 100; n++)
      known.addSignature(`AWS4-HMAC-SHA256 Credential=AK, Signature=${signature(n)}`);
    for (const write of Object.values(forms)) {
      const shown = known.maskName(write(signature(99)));
      expect(shown).to.satisfy((text: string) => text.includes(MASK) || text === WITHHELD);
    }
    expect(known.mask(signature(99))).to.equal(MASK);
    expect(known.mask(signature(0))).to.equal(signature(0));
    known.addSignature(undefined);
    known.addSignature('Basic YTpi');
    expect(known.mask('Basic YTpi')).to.equal('Basic YTpi');
  });

  it('include the newest tokens in any form, and no replaced ones', () => {
    const known = secrets(PASSWORD);
    const tokens = Array.from({ length: 100 }, (_, n) => `${n}`.padStart(4, 'x').repeat(8));
    for (const token of tokens) known.addToken(token);
    for (const token of tokens.slice(-4)) {
      expect(known.isIn(token)).to.equal(true);
      for (const write of Object.values(forms)) {
        const shown = known.maskMessage(write(token));
        expect(shown).to.satisfy((text: string) => text.includes(MASK) || text === WITHHELD);
      }
    }
    expect(known.mask(tokens[0] ?? '')).to.equal(tokens[0]);
    expect(known.mask(PASSWORD)).to.equal(MASK);
  });

  for (const [what, token] of [
    ['one character', '"'.repeat(60_000)],
    ['parts that end alike', Array.from({ length: 5_000 }, (_, n) => `""${n}`.padStart(10, '.')).join('""')],
    [
      'parts that begin alike',
      Array.from({ length: 5_000 }, (_, n) => `""""""${n}`.padEnd(12))
        .join('')
        .trim(),
    ],
  ] as const)
    it(`are found in bounded time: ${what}`, () => {
      const known = secrets('short');
      known.addToken(token);
      const begun = process.cpuUsage();
      expect(known.maskMessage(`got ${token}.`)).to.equal('got ***.');
      const text = 'x""'.repeat(300_000);
      expect(known.mask(text)).to.equal(text);
      expect(process.cpuUsage(begun).user / 1e6).to.be.below(15);
    });

  it('cost time linear in the length of the text', () => {
    const piece = fc.constantFrom(
      ...[
        '%',
        '25',
        '%41',
        '\\',
        '\\u005c',
        'x',
        '&',
        '&amp;',
        '&#x26;',
        '=',
        '=3D',
        '=\n',
        'QUJD'.repeat(8),
        'ü',
      ],
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 200 }), (pieces) => {
        const text = pieces.join('');
        const read = [...spellings(text)];
        expect(read.length).to.be.at.most(258);
        for (const each of read) expect(each.length).to.be.at.most(text.length);
      }),
    );
  });

  it('cost little to find in names, however many secrets there are', () => {
    const known = secrets(PASSWORD, 'correct-horse-battery', 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY');
    for (let n = 0; n < 4; n++) known.addToken(`${TOKEN}${n}`);
    for (let n = 0; n < 32; n++) known.addSignature(`Signature=${`${n}`.padStart(4, '0').repeat(16)}`);
    known.maskName('disk');
    const begun = process.cpuUsage();
    for (let n = 0; n < 4_000; n++) known.maskName(`${n}${'\\'.repeat(990)}`);
    expect(process.cpuUsage(begun).user / 1e6).to.be.below(5);
  });

  it('cost almost nothing', () => {
    const known = secrets(PASSWORD, TOKEN, `${TOKEN}x`, 'correct-horse-battery');
    const line =
      'volume c96e4a94-927a-425c-8795-63f9964cfebd pay-db-data 500 GB available /dev/vdb pay-db1\n';
    const text = line.repeat(100_000);
    known.mask('');
    const begun = process.cpuUsage();
    expect(known.mask(text)).to.equal(text);
    expect(process.cpuUsage(begun).user / 1e6).to.be.below(30);
  });
});

import { expect } from 'chai';
import fc from 'fast-check';
import { MASK, Secrets, WITHHELD } from '../../../src/domain/secrets.ts';
import { cloudTimeMs, errorBody, failureOf } from '../../../src/drivers/http/failures.ts';
import { printableText } from '../../../src/network/message-text.ts';
import { answer, HTML_502, recorded } from '../answers.ts';

const NOW = Date.UTC(2026, 10, 23, 12, 0, 0);

describe('error bodies', () => {
  const bodies: [string, unknown, { message: string; code?: string; fault?: string; request_id?: string }][] =
    [
      [
        'the service',
        { error: { code: 'VolumeBackup.0205', message: 'busy' } },
        { message: 'busy', code: 'VolumeBackup.0205' },
      ],
      ['Keystone', { error: { code: 401, message: 'no', title: 'Unauthorized' } }, { message: 'no' }],
      ['badRequest', { badRequest: { code: 400, message: 'bad' } }, { message: 'bad', fault: 'badRequest' }],
      [
        'a fault whose number is text',
        { badRequest: { code: '400', message: 'bad' } },
        { message: 'bad', fault: 'badRequest' },
      ],
      [
        'itemNotFound',
        { itemNotFound: { code: 404, message: 'none' } },
        { message: 'none', fault: 'itemNotFound' },
      ],
      [
        'forbidden',
        { forbidden: { code: 403, message: 'not you' } },
        { message: 'not you', fault: 'forbidden' },
      ],
      [
        'overLimit',
        { overLimit: { code: 413, message: 'too much' } },
        { message: 'too much', fault: 'overLimit' },
      ],
      [
        'computeFault',
        { computeFault: { code: 500, message: 'broken' } },
        { message: 'broken', fault: 'computeFault' },
      ],
      [
        'the API gateway',
        { error_code: 'APIGW.0308', error_msg: 'throttled', request_id: 'r-1' },
        { message: 'throttled', code: 'APIGW.0308', request_id: 'r-1' },
      ],
      ['code and message', { code: 'X.1', message: 'so it is' }, { message: 'so it is', code: 'X.1' }],
      ['a code alone', { error: { code: 'X.2' } }, { message: '', code: 'X.2' }],
    ];
  for (const [name, body, expected] of bodies)
    it(`are understood in the form of ${name}`, () => {
      expect(errorBody(answer(400, body))).to.deep.equal(expected);
    });

  for (const [name, body] of [
    ['HTML', HTML_502],
    ['nothing', ''],
    ['plain text', 'no healthy upstream'],
    ['a list', '[{"error":{"message":"x"}}]'],
    ['data', { volume: { id: 'v', message: 'x' } }],
    ['an error that says nothing', { error: {} }],
    ['an error of another shape', { error: 'invalid_grant' }],
  ] as const)
    it(`do not include ${name}`, () => {
      expect(errorBody(answer(400, body))).to.equal(undefined);
    });

  it('are read from recorded answers', () => {
    expect(errorBody(recorded('keystone-token-wrong-password'))?.message).to.equal(
      'The request you have made requires authentication.',
    );
    expect(errorBody(recorded('restore-backup-busy'))?.message).to.equal(
      'Invalid backup: Backup status must be available',
    );
  });
});

describe('failures', () => {
  it('reduce HTML to its title', () => {
    expect(failureOf(answer(502, HTML_502), NOW).message).to.equal('502 Bad Gateway');
    expect(failureOf(answer(502, '<html><body>x</body></html>'), NOW).message).to.equal(
      'an HTML page without a title',
    );
  });

  it('describe an empty answer', () => {
    expect(failureOf(answer(504), NOW)).to.deep.equal({
      cause: 'status',
      message: 'HTTP 504 without a message',
      status: 504,
    });
  });

  it('name the host of a redirect, not its query', () => {
    const location = 'https://elsewhere.example/path?token=secret';
    expect(failureOf(answer(302, '', { location }), NOW).message).to.equal(
      'redirected to elsewhere.example; redirects are not followed',
    );
  });

  for (const name of ['x-request-id', 'x-openstack-request-id', 'x-compute-request-id'])
    it(`carry the request id of ${name}`, () => {
      expect(failureOf(answer(500, '', { [name]: 'req-7' }), NOW).request_id).to.equal('req-7');
    });

  it('prefer the request id of the service to that of a gateway before it', () => {
    const headers = { 'x-request-id': 'gw-1', 'x-openstack-request-id': 'req-7' };
    expect(failureOf(answer(500, '', headers), NOW).request_id).to.equal('req-7');
  });

  it('prefer the header to the body for the request id', () => {
    const body = { error_code: 'A.1', error_msg: 'm', request_id: 'body' };
    expect(failureOf(answer(500, body, { 'x-request-id': 'header' }), NOW).request_id).to.equal('header');
    expect(failureOf(answer(500, body), NOW).request_id).to.equal('body');
  });

  it('distinguish a timeout from a lost connection', () => {
    const broken = { kind: 'broken', code: 'C', message: 'm' } as const;
    expect(failureOf({ ...broken, timeout: true }, NOW).cause).to.equal('timeout');
    expect(failureOf({ ...broken, timeout: false }, NOW).cause).to.equal('connection_lost');
  });

  const date = 'Mon, 23 Nov 2026 12:00:00 GMT';
  const later = 'Mon, 23 Nov 2026 12:00:30 GMT';
  it('contain how long the cloud asks to wait, by its own clock if known', () => {
    const until = { 'retry-after': later };
    expect(failureOf(answer(429, '', until), NOW).retry_after_ms).to.equal(30_000);
    const skewed = { ...until, date: 'Mon, 23 Nov 2026 12:00:20 GMT' };
    expect(failureOf(answer(429, '', skewed), NOW).retry_after_ms).to.equal(10_000);
    expect(failureOf(answer(429, '', { 'retry-after': '-1' }), NOW)).not.to.have.property('retry_after_ms');
  });

  it('contain the time of the cloud', () => {
    expect(cloudTimeMs(answer(200, '', { date }))).to.equal(NOW);
    expect(cloudTimeMs(answer(200))).to.equal(undefined);
  });

  describe('failures with a secret', () => {
    const SECRET = 'pa"ss\\w<o>rd/9';
    const secrets = new Secrets();
    secrets.add(SECRET);
    const from = (body: object | string, headers: Record<string, string> = {}) =>
      failureOf({ ...answer(400, body, headers), secrets }, NOW);

    it('contain no secret in message, code and request id', () => {
      for (const body of [
        { error: { message: `you sent ${SECRET}`, code: SECRET } },
        { error_msg: `you sent ${SECRET}`, error_code: SECRET, request_id: SECRET },
        { badRequest: { message: `you sent ${SECRET}`, code: 400 } },
        `you sent ${SECRET}`,
        `you sent ${JSON.stringify({ password: SECRET })}`,
        `<html><title>you sent pa&quot;ss\\w&lt;o&gt;rd/9</title>`,
        `you sent ${encodeURIComponent(SECRET)}`,
        `you sent ${Buffer.from(`ann:${SECRET}`).toString('base64')}`,
      ]) {
        const text = JSON.stringify(from(body, { 'x-request-id': SECRET }));
        expect(text).to.satisfy((shown: string) => shown.includes(MASK) || shown.includes(WITHHELD));
        for (const form of [SECRET, JSON.stringify(SECRET).slice(1, -1), 'pa&quot;', 'pa%22', 'YW5u'])
          if (form !== 'YW5u') expect(text).not.to.include(form);
      }
    });

    it('contain no secret that was split by control characters', () => {
      for (const gap of ['\u001b[0m', '\u0000', '\n', '\u200b', ' '])
        expect(from(`you sent ${[...SECRET].join(gap)}.`).message).not.to.include('pa');
    });

    it('contain no secret if the message is cut', () => {
      const long = `gAAAAAB${'k3JhYx-_'.repeat(20)}`;
      secrets.add(long);
      for (const before of [0, 200, 280, 290, 299, 1_190, 3_900])
        expect(from(`${'x '.repeat(before / 2)}${long}`).message).not.to.include('k3J');
    });
  });

  it('contain no beginning of a secret, whatever cuts it', () => {
    const secret = 'Correct-Horse-77';
    const secrets = new Secrets();
    secrets.add(secret);
    const spaced = ' '.repeat(15_989) + secret;
    for (const body of [
      { error: { code: 'x'.repeat(88) + secret, message: 'm' } },
      { error: { message: spaced, code: 'c' } },
      { [spaced.slice(-110)]: { message: spaced, code: 400 } },
      spaced,
      `<html><title>${'x'.repeat(288)}${secret}</title>`,
      `<html><title>${' '.repeat(1_189)}${secret}</title>`,
      `<html>${' '.repeat(9_976)}<title>x${secret}</title>`,
    ])
      expect(JSON.stringify(failureOf({ ...answer(400, body), secrets }, NOW))).to.not.include('Corr');
  });

  it('contain only a valid request id, from any header', () => {
    const id = (headers: Record<string, string>) => failureOf(answer(500, '', headers), NOW).request_id;
    expect(id({ 'x-openstack-request-id': 'req-1', 'x-request-id': '2' })).to.equal('req-1');
    for (const odd of ['', 'a b', 'req <b>', 'x'.repeat(129), '::add-mask::x y', 'a, b', 'ü', '##[x]', "'"])
      expect(id({ 'x-openstack-request-id': odd, 'x-request-id': 'APIGW:2.a_b-c' })).to.equal(
        'APIGW:2.a_b-c',
      );
    expect(id({ 'x-request-id': 'a b' })).to.equal(undefined);
  });
});

describe('text made plain', () => {
  it('loses control characters and bidirectional marks', () => {
    expect(printableText('a\u001b[31mred\u001b[0m\r\nb\u0007\u202ec\u2066d')).to.equal('ared b c d');
  });

  it('is one bounded line without control characters for any input', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 2_000 }), (text) => {
        const plain = printableText(text);
        expect([...plain].length).to.be.at.most(300);
        // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be left
        expect(plain).not.to.match(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/);
      }),
    );
  });
});

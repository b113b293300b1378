import { expect } from 'chai';
import fc from 'fast-check';
import type { StartOutcome } from '../../src/domain/cloud.ts';
import type { Exchange } from '../../src/drivers/http/exchange.ts';
import { classifyStart } from '../../src/drivers/vbs-answers.ts';
import { answer, HTML_502 } from './answers.ts';

const NOW = Date.UTC(2026, 10, 23);
const service = (code: string, message = 'said the service') => ({ error: { code, message } });
const GATEWAY = { error_code: 'APIGW.0308', error_msg: 'throttled', request_id: 'gw-1' };

/** `accepted`, `ambiguous`, `not_sent`, or what a rejection says about another time. */
function verdict(exchange: Exchange): string {
  const outcome = classifyStart(exchange, NOW);
  return outcome.kind === 'rejected' ? outcome.again : outcome.kind;
}

describe('the answer of VBS to a restore', () => {
  const rows: [string, Exchange, string][] = [
    // 200/202 as promised
    ['200 with a dashed job id', answer(200, { job_id: '70a599e0-31e7-49b7-b260-868f441e862b' }), 'accepted'],
    [
      '200 with a job id of 32 digits',
      answer(200, { job_id: '4010b39b5281d3590152874bfa3b1604' }),
      'accepted',
    ],
    ['202 with a job id', answer(202, { job_id: 'j' }), 'accepted'],
    // 200/202 unreadable, with an error body, or without the promised job id
    ['200 with an error in it', answer(200, service('VolumeBackup.0205')), 'ambiguous'],
    ['200 with an empty body', answer(200), 'ambiguous'],
    ['200 with HTML', answer(200, HTML_502), 'ambiguous'],
    ['200 with a body that is no object', answer(200, '"70a599e0"'), 'ambiguous'],
    ['200 with JSON cut off', answer(200, '{"job_id":"70a5'), 'ambiguous'],
    ['200 without a job id', answer(200, {}), 'ambiguous'],
    ['200 with an empty job id', answer(200, { job_id: '' }), 'ambiguous'],
    ['200 with a job id of blanks', answer(200, { job_id: '  ' }), 'ambiguous'],
    ['200 with a job id that is no text', answer(200, { job_id: 17 }), 'ambiguous'],
    ['200 with a job id that leads elsewhere', answer(200, { job_id: '..' }), 'ambiguous'],
    ['200 with an endless job id', answer(200, { job_id: 'x'.repeat(257) }), 'ambiguous'],
    ['202 without a body', answer(202), 'ambiguous'],
    // other 2xx, 1xx
    ['100', answer(100), 'ambiguous'],
    ['201 with a job id', answer(201, { job_id: 'j' }), 'ambiguous'],
    ['204', answer(204), 'ambiguous'],
    // 408, 5xx, 3xx, no whole answer
    ['408 of the service', answer(408, service('x.1')), 'ambiguous'],
    ['408 with HTML', answer(408, HTML_502), 'ambiguous'],
    ['499', answer(499, service('x.1')), 'ambiguous'],
    ['300', answer(300), 'ambiguous'],
    ['302 to somewhere', answer(302, '', { location: 'https://elsewhere.example/' }), 'ambiguous'],
    ['307 with an error body', answer(307, service('x.1')), 'ambiguous'],
    ['500 of the service', answer(500, service('x.1')), 'ambiguous'],
    ['500 with a definitive code', answer(500, service('VolumeBackup.0209')), 'ambiguous'],
    ['500 with HTML', answer(500, HTML_502), 'ambiguous'],
    ['501 of the service', answer(501, service('x.1')), 'ambiguous'],
    ['502 with HTML', answer(502, HTML_502), 'ambiguous'],
    ['502 of the gateway', answer(502, GATEWAY), 'ambiguous'],
    ['504 of the gateway', answer(504, GATEWAY), 'ambiguous'],
    ['504 without a body', answer(504), 'ambiguous'],
    ['a status beyond all classes', answer(600, service('x.1')), 'ambiguous'],
    ['a reset', { kind: 'broken', code: 'ECONNRESET', message: 'reset', timeout: false }, 'ambiguous'],
    ['a timeout', { kind: 'broken', code: 'REQUEST_TIMEOUT', message: 'late', timeout: true }, 'ambiguous'],
    // 409, 429, 503 with an error body of the service or its gateway; and without one
    ['409 of the service', answer(409, service('x.1')), 'later'],
    [
      '409 of an OpenStack service',
      answer(409, { conflictingRequest: { code: 409, message: 'busy' } }),
      'later',
    ],
    ['409 with HTML', answer(409, HTML_502), 'ambiguous'],
    ['409 without a body', answer(409), 'ambiguous'],
    ['429 of the gateway', answer(429, GATEWAY), 'later'],
    ['429 of the service', answer(429, service('x.1')), 'later'],
    ['429 with HTML', answer(429, HTML_502), 'ambiguous'],
    ['429 without a body', answer(429), 'ambiguous'],
    ['503 of the service', answer(503, service('x.1')), 'later'],
    ['503 of the gateway', answer(503, GATEWAY), 'later'],
    ['503 with code and message', answer(503, { code: '503', message: 'maintenance' }), 'later'],
    ['503 with HTML', answer(503, HTML_502), 'ambiguous'],
    ['503 without a body', answer(503), 'ambiguous'],
    ['503 with JSON that is no error', answer(503, { status: 'down' }), 'ambiguous'],
    ['503 with plain text', answer(503, 'no healthy upstream'), 'ambiguous'],
    // 401
    [
      '401 of Keystone',
      answer(401, { error: { code: 401, message: 'no', title: 'Unauthorized' } }),
      'reauthenticate',
    ],
    ['401 with HTML', answer(401, HTML_502), 'reauthenticate'],
    ['401 without a body', answer(401), 'reauthenticate'],
    // the same for good
    ...[400, 403, 404, 405, 406, 407, 410, 413, 415, 422].map((status): [string, Exchange, string] => [
      `${status} without "not yet"`,
      answer(status, service('VolumeBackup.9999')),
      'never',
    ]),
    ['400 with HTML', answer(400, HTML_502), 'never'],
    ['403 without a body', answer(403), 'never'],
    // never sent
    ['no connection', { kind: 'no_connection', code: 'ECONNREFUSED', message: 'refused' }, 'not_sent'],
  ];
  for (const [name, exchange, expected] of rows)
    it(`is ${expected}: ${name}`, () => {
      expect(verdict(exchange)).to.equal(expected);
    });

  const codes: [string, string][] = [
    ['common.0011', 'ambiguous'],
    ['VolumeBackup.0014', 'ambiguous'],
    ['VolumeBackup.0041', 'never'],
    ['VolumeBackup.0042', 'never'],
    ['VolumeBackup.0044', 'reauthenticate'],
    ['VolumeBackup.0089', 'when_ready'],
    ['VolumeBackup.0111', 'never'],
    ['VolumeBackup.0200', 'ambiguous'],
    ['VolumeBackup.0201', 'ambiguous'],
    ['VolumeBackup.0202', 'never'],
    ['VolumeBackup.0203', 'never'],
    ['VolumeBackup.0204', 'never'],
    ['VolumeBackup.0205', 'when_ready'],
    ['VolumeBackup.0206', 'when_ready'],
    ['VolumeBackup.0207', 'never'],
    ['VolumeBackup.0208', 'never'],
    ['VolumeBackup.0209', 'never'],
    ['VolumeBackup.0210', 'never'],
    ['VolumeBackup.0211', 'never'],
  ];
  for (const [code, expected] of codes)
    for (const status of [400, 403, 404])
      it(`is ${expected} for ${status} with ${code}`, () => {
        expect(verdict(answer(status, service(code)))).to.equal(expected);
      });

  it('is ambiguous if its code may mean a start, whatever the status', () => {
    for (const status of [401, 409, 429, 503])
      expect(verdict(answer(status, service('VolumeBackup.0200')))).to.equal('ambiguous');
  });

  it('keeps job id and request id if it is accepted', () => {
    const yes = answer(200, { job_id: 'j-1' }, { 'x-request-id': 'req-1' });
    expect(classifyStart(yes, NOW)).to.deep.equal({ kind: 'accepted', job_id: 'j-1', request_id: 'req-1' });
  });

  it('says why a success status is not an acceptance', () => {
    const outcome = classifyStart(answer(200, service('VolumeBackup.0205', 'disk busy')), NOW);
    expect(outcome).to.deep.equal({
      kind: 'ambiguous',
      failure: {
        cause: 'unreadable',
        message: 'HTTP 200 with an error in it: disk busy',
        status: 200,
        code: 'VolumeBackup.0205',
      },
    });
  });

  it('keeps code, request id and Retry-After if it is rejected', () => {
    const no = answer(429, GATEWAY, { 'retry-after': '7' });
    const expected: StartOutcome = {
      kind: 'rejected',
      again: 'later',
      failure: {
        cause: 'status',
        message: 'throttled',
        status: 429,
        code: 'APIGW.0308',
        request_id: 'gw-1',
        retry_after_ms: 7_000,
      },
    };
    expect(classifyStart(no, NOW)).to.deep.equal(expected);
  });

  it('is accepted only for 200 and 202 with a job id', () => {
    const bodies = fc.oneof(fc.json(), fc.string(), fc.constant(JSON.stringify({ job_id: 'j' })));
    fc.assert(
      fc.property(fc.integer({ min: 100, max: 999 }), bodies, (status, text) => {
        const { kind } = classifyStart(answer(status, text), NOW);
        if (kind === 'accepted') expect([200, 202]).to.include(status);
        if (kind === 'rejected') expect(status === 503 || (status >= 400 && status < 500)).to.equal(true);
        expect(kind).not.to.equal('not_sent');
      }),
    );
  });
});

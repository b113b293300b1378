import { expect } from 'chai';
import fc from 'fast-check';
import { classifyStart } from '../../src/drivers/cinder-answers.ts';
import type { Exchange } from '../../src/drivers/http/exchange.ts';
import { answer, HTML_502, recorded, recordedRequest } from './answers.ts';

const NOW = Date.UTC(2026, 10, 23);
const ASKED = { volume_id: 'volume-1', backup_id: 'backup-1' };
const YES = { restore: { ...ASKED, volume_name: 'data' } };
const fault = (name: string, code: number, message = 'said the service') => ({ [name]: { code, message } });
const GATEWAY = { error_code: 'APIGW.0308', error_msg: 'throttled', request_id: 'gw-1' };

/** `accepted`, `ambiguous`, `not_sent`, or what a rejection says about another time. */
function verdict(exchange: Exchange, asked = ASKED): string {
  const outcome = classifyStart(exchange, asked, NOW);
  return outcome.kind === 'rejected' ? outcome.again : outcome.kind;
}

describe('the answer of Cinder to a restore', () => {
  const rows: [string, Exchange, string][] = [
    // 200/202 as promised
    ['202 that names disk and backup', answer(202, YES), 'accepted'],
    ['200 that names disk and backup', answer(200, YES), 'accepted'],
    [
      '202 with the ids in capitals',
      answer(202, { restore: { volume_id: 'VOLUME-1', backup_id: 'BACKUP-1' } }),
      'accepted',
    ],
    // 200/202 unreadable, with an error body, or about something else
    [
      '202 that names another disk',
      answer(202, { restore: { ...YES.restore, volume_id: 'volume-2' } }),
      'ambiguous',
    ],
    [
      '202 that names another backup',
      answer(202, { restore: { ...YES.restore, backup_id: 'b2' } }),
      'ambiguous',
    ],
    ['202 without the disk', answer(202, { restore: { backup_id: 'backup-1' } }), 'ambiguous'],
    ['202 without a body', answer(202), 'ambiguous'],
    ['202 with HTML', answer(202, HTML_502), 'ambiguous'],
    ['202 cut off', answer(202, '{"restore":{"backup_id":"backup-1"'), 'ambiguous'],
    ['202 with an error in it', answer(202, fault('badRequest', 400)), 'ambiguous'],
    ['202 with the job of a VBS', answer(202, { job_id: 'j-1' }), 'ambiguous'],
    // other 2xx, 3xx
    ['201', answer(201, YES), 'ambiguous'],
    ['204', answer(204), 'ambiguous'],
    ['300, as for a missing version', answer(300, { versions: [] }), 'ambiguous'],
    ['302', answer(302, '', { location: 'https://elsewhere.example/' }), 'ambiguous'],
    // 408, 5xx, no whole answer
    ['408', answer(408, fault('requestTimeout', 408)), 'ambiguous'],
    ['499', answer(499), 'ambiguous'],
    ['500 of Cinder', answer(500, fault('computeFault', 500)), 'ambiguous'],
    [
      '500 with the words of a busy disk',
      answer(500, fault('badRequest', 500, 'Invalid backup: Backup status must be available')),
      'ambiguous',
    ],
    ['502 with HTML', answer(502, HTML_502), 'ambiguous'],
    ['504 without a body', answer(504), 'ambiguous'],
    ['a reset', { kind: 'broken', code: 'ECONNRESET', message: 'reset', timeout: false }, 'ambiguous'],
    ['a timeout', { kind: 'broken', code: 'REQUEST_TIMEOUT', message: 'late', timeout: true }, 'ambiguous'],
    // 409, 429, 503 with an error body of the service or its gateway; and without one
    ['409 of Cinder', answer(409, fault('conflictingRequest', 409)), 'later'],
    ['429 of Cinder', answer(429, fault('overLimit', 429)), 'later'],
    ['429 of a gateway', answer(429, GATEWAY), 'later'],
    ['429 without a body', answer(429), 'ambiguous'],
    ['503 of Cinder', answer(503, fault('serviceUnavailable', 503)), 'later'],
    ['503 with HTML', answer(503, HTML_502), 'ambiguous'],
    // over quota, or too many requests in the words of older releases
    ['413 over limit', answer(413, fault('overLimit', 413), { 'retry-after': '0' }), 'later'],
    ['413 with HTML, of a web server', answer(413, HTML_502), 'never'],
    // 401
    ['401 of Keystone', answer(401, { error: { code: 401, title: 'Unauthorized' } }), 'reauthenticate'],
    ['401 without a body', answer(401), 'reauthenticate'],
    // not yet: the whole sentence, in the fault and the status that it belongs to
    [
      'no backup daemon',
      answer(404, fault('itemNotFound', 404, 'Service cinder-backup could not be found.')),
      'when_ready',
    ],
    [
      'another service that is not there',
      answer(404, fault('itemNotFound', 404, 'Service cinder-volume could not be found.')),
      'never',
    ],
    [
      'the sentence with something after it',
      answer(404, fault('itemNotFound', 404, 'Service cinder-backup could not be found. Sorry.')),
      'never',
    ],
    [
      'the sentence of a gateway',
      answer(404, { code: 'X', message: 'Service cinder-backup could not be found.' }),
      'never',
    ],
    [
      'the sentence under another fault',
      answer(404, fault('badRequest', 404, 'Service cinder-backup could not be found.')),
      'never',
    ],
    [
      'a disk that is too small',
      answer(
        400,
        fault('badRequest', 400, 'Invalid volume: volume size 1 is too small to restore backup of size 2.'),
      ),
      'never',
    ],
    // the same for good
    ...[400, 403, 404, 405, 406, 407, 410, 415, 422].map((status): [string, Exchange, string] => [
      `${status} without "not yet"`,
      answer(status, fault('badRequest', status)),
      'never',
    ]),
    ['403 without a body', answer(403), 'never'],
    // never sent
    ['no connection', { kind: 'no_connection', code: 'ECONNREFUSED', message: 'refused' }, 'not_sent'],
  ];
  for (const [name, exchange, expected] of rows)
    it(`${name}: ${expected}`, () => {
      expect(verdict(exchange)).to.equal(expected);
    });

  /** What a real Cinder 21.3 answered to a request that is recorded beside it. */
  const replayed: [string, string][] = [
    ['restore-accepted', 'accepted'],
    ['restore-into-another-volume', 'accepted'],
    ['restore-that-will-fail', 'accepted'],
    ['restore-backup-busy', 'when_ready'],
    ['restore-volume-busy', 'when_ready'],
    ['restore-volume-in-use', 'when_ready'],
    // In the same words as busy: the look before the next attempt tells that it is for good.
    ['restore-volume-error-restoring', 'when_ready'],
    ['restore-backup-missing', 'never'],
    ['restore-volume-missing', 'never'],
    ['restore-body-malformed', 'never'],
    ['wrong-project-in-url', 'never'],
    ['token-invalid', 'reauthenticate'],
  ];
  for (const [name, expected] of replayed)
    it(`is ${expected} for the recorded ${name}`, () => {
      const [, backup_id = ''] = /backups\/([^/]+)/.exec(recordedRequest(name).path) ?? [];
      const volume_id = String(recordedRequest(name).body?.restore?.volume_id);
      expect(verdict(recorded(name), { backup_id, volume_id })).to.equal(expected);
    });

  it('keeps the request id of an acceptance, by which its messages are found', () => {
    const yes = answer(202, YES, { 'x-request-id': 'gw-1', 'x-openstack-request-id': 'req-1' });
    expect(classifyStart(yes, ASKED, NOW)).to.deep.equal({ kind: 'accepted', request_id: 'req-1' });
  });

  it('is accepted only for a valid 202', () => {
    const words = fc.constantFrom('badRequest', 'itemNotFound', 'overLimit', 'computeFault');
    const statuses = fc.integer({ min: 100, max: 599 }).filter((s) => s !== 200 && s !== 202);
    fc.assert(
      fc.property(statuses, words, fc.string(), fc.boolean(), (status, name, message, yes) => {
        const body = yes ? YES : fault(name, status, message);
        return verdict(answer(status, body)) !== 'accepted';
      }),
    );
  });
});

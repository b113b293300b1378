import { expect } from 'chai';
import { error, hasErrors } from '../../src/domain/diagnostic.ts';
import { EXIT, Failure, type FailureKind, unreachable } from '../../src/domain/errors.ts';

describe('diagnostics', () => {
  it('error sets the severity and keeps the other fields', () => {
    expect(error('unknown-key', 'x is unknown', { remedy: 'remove it' })).to.deep.equal({
      severity: 'error',
      code: 'unknown-key',
      summary: 'x is unknown',
      remedy: 'remove it',
    });
  });

  it('hasErrors counts errors only', () => {
    const warning = { severity: 'warning', code: 'w', summary: 'w' } as const;
    const note = { severity: 'note', code: 'n', summary: 'n' } as const;
    expect(hasErrors([])).to.equal(false);
    expect(hasErrors([warning, note])).to.equal(false);
    expect(hasErrors([warning, error('e', 'e')])).to.equal(true);
  });
});

describe('exit codes', () => {
  it('are the documented ones', () => {
    expect(EXIT).to.deep.equal({
      done: 0,
      error: 1,
      changes_pending: 2,
      outcome_unknown: 3,
      locked: 4,
      refused: 5,
      still_running: 6,
      interrupted: 130,
    });
  });

  const codes: { [K in FailureKind]: number } = {
    usage: 1,
    invalid: 1,
    cloud: 1,
    state: 1,
    locked: 4,
    refused: 5,
    interrupted: 130,
    outcome_unknown: 3,
  };
  for (const [kind, code] of Object.entries(codes))
    it(`are ${code} for ${kind}`, () => {
      expect(new Failure(kind as FailureKind, error('c', 's')).exitCode).to.equal(code);
    });
});

describe('Failure', () => {
  it('is an Error whose message has all its diagnostics', () => {
    const failure = new Failure('invalid', [error('a', 'first'), error('b', 'second')]);
    expect(failure).to.be.instanceOf(Error);
    expect(failure.name).to.equal('Failure');
    expect(failure.message).to.equal('first; second');
    expect(failure.diagnostics.map(({ code }) => code)).to.deep.equal(['a', 'b']);
  });

  it('takes one or several diagnostics, and keeps the cause', () => {
    const cause = new Error('below');
    const failure = new Failure('cloud', error('a', 'alone'), { cause });
    expect(failure.diagnostics).to.have.length(1);
    expect(failure.cause).to.equal(cause);
  });
});

describe('unreachable', () => {
  it('throws a plain Error, since reaching it is a bug', () => {
    expect(() => unreachable('x' as never))
      .to.throw('unreachable: "x"')
      .and.not.be.instanceOf(Failure);
  });
});

import { formatDuration } from '../domain/duration.ts';
import { Failure } from '../domain/errors.ts';
import { quotedWhole } from '../domain/escape/quoted.ts';
import { shellOperand } from '../domain/escape/shell-word.ts';
import type { LockHolder } from '../domain/lock-holder.ts';
import type { LockInfo } from './backend.ts';

/** The failures of locks, for every backend. `location`: where the lock is, for messages. */

const UNKNOWN_ID = 'The server does not return the id of the lock; it is in the log of the run that took it.';

export function lockedBy(holder: LockHolder, location: string): Failure {
  const { id, lease } = holder;
  const detail = [
    id === undefined ? UNKNOWN_ID : runText(holder),
    lease &&
      `It was last renewed ${lease.renewed}; once it was not renewed for ${formatDuration(lease.takeover_after_ms)}, it can be taken over.`,
  ];
  return Failure.of('locked', 'state-locked', `the state is locked: ${holderText(holder)}`, {
    detail: detail.filter(Boolean).join(' '),
    where: { file: location },
    remedy: `wait for it (--lock-timeout); only if that process is no longer running: vbsctl unlock ${idWord(id)}`,
  });
}

function holderText({ operation = 'another run', who = 'somebody', since }: LockHolder): string {
  return `${operation} by ${who}${since === undefined ? '' : ` since ${since}`}`;
}

function runText({ id, host, pid, version }: LockHolder): string {
  const process = pid === undefined ? [] : [`Process ${pid}${host === undefined ? '' : ` on ${host}`}`];
  const program = version === undefined ? [] : [`vbsctl ${version}`];
  return `${[...process, ...program, `lock ${id}`].join(', ')}.`;
}

/** The id as an argument of `vbsctl unlock`. */
function idWord(id: string | undefined): string {
  return id === undefined ? 'ID' : shellOperand(id);
}

export function notLocked(id: string, location: string): Failure {
  return Failure.of('state', 'lock-absent', `the state is not locked, so there is no lock ${id}`, {
    where: { file: location },
    remedy: 'nothing needs to be unlocked: run the command that was refused again',
  });
}

export function anotherLock(id: string, now: LockHolder, location: string): Failure {
  return Failure.of('locked', 'lock-differs', `the state is locked, but not by lock ${id}`, {
    detail: now.id === undefined ? UNKNOWN_ID : `Lock ${now.id}: ${holderText(now)}.`,
    where: { file: location },
    remedy: `make sure that this is the lock to remove, then: vbsctl unlock ${idWord(now.id)}`,
  });
}

/** The store accepts each removal, or answers that the lock was replaced meanwhile, and still has it. */
export function lockNotRemoved(id: string, location: string): Failure {
  return Failure.of('state', 'lock-not-removed', `the lock ${id} is still there after several removals`, {
    detail: 'The store confirms a removal that it does not perform, or restores what is removed.',
    where: { file: location },
    remedy: `see what keeps it (a retention rule, a proxy that caches), then delete ${quotedWhole(location)} there`,
  });
}

/** `how`: what happened to the lock. */
export function lockLost({ id }: LockInfo, how = 'was removed by somebody'): Failure {
  return Failure.of('state', 'lock-lost', `the lock ${id} of this run ${how}`, {
    detail: 'No new restore is started. Running restores continue in the cloud.',
    remedy: RUN_AGAIN,
  });
}

/** The store did not say whether it has the lock, and then it had none. */
export function lockNotWritten(location: string): Failure {
  return Failure.of('state', 'lock-not-written', 'the lock of this run could not be written', {
    detail: 'Nothing was started.',
    remedy: 'run the same command again',
    where: { file: location },
  });
}

export function isLockLost(cause: unknown): cause is Failure {
  return cause instanceof Failure && cause.diagnostics[0]?.code === 'lock-lost';
}

export function damagedLock(location: string): Failure {
  return Failure.of('locked', 'lock-damaged', 'the state is locked, but the lock does not say by whom', {
    where: { file: location },
    remedy: `make sure that no run works on this state, then delete ${quotedWhole(location)}`,
  });
}

const RUN_AGAIN =
  'find out who works on the state now, then run the same command again: it checks the cloud first';

export function stateChanged(location: string): Failure {
  return Failure.of(
    'state',
    'state-changed',
    'another client changed the state while this run held the lock',
    {
      detail:
        'No new restore is started, and nothing was overwritten. Running restores continue in the cloud.',
      where: { file: location },
      remedy: RUN_AGAIN,
    },
  );
}

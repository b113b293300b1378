import { formatDuration } from '../domain/duration.ts';
import { Failure } from '../domain/errors.ts';
import { quotedWhole } from '../domain/escape/quoted.ts';
import { shellOperand } from '../domain/escape/shell-word.ts';
import type { LockHolder } from '../domain/lock-holder.ts';
import type { LockInfo } from './backend.ts';

/** What every backend has to say about locks. `place`: where the lock lies, for people. */

const UNTOLD_ID = 'Its server does not tell the id of the lock: the log of the run that took it has it.';

export function lockedBy(holder: LockHolder, place: string): Failure {
  const { id, lease } = holder;
  const detail = [
    id === undefined ? UNTOLD_ID : runText(holder),
    lease &&
      `It was last renewed ${lease.renewed}; not renewed for ${formatDuration(lease.takeover_after_ms)}, it can be taken over.`,
  ];
  return Failure.of('locked', 'state-locked', `the state is locked: ${holderText(holder)}`, {
    detail: detail.filter(Boolean).join(' '),
    where: { file: place },
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

/** As it is typed after `vbsctl unlock`. */
function idWord(id: string | undefined): string {
  return id === undefined ? 'ID' : shellOperand(id);
}

export function notLocked(id: string, place: string): Failure {
  return Failure.of('state', 'lock-absent', `the state is not locked, so there is no lock ${id}`, {
    where: { file: place },
    remedy: 'nothing needs to be unlocked: run the command that was refused again',
  });
}

export function anotherLock(id: string, now: LockHolder, place: string): Failure {
  return Failure.of('state', 'lock-differs', `the state is locked, but not by lock ${id}`, {
    detail: now.id === undefined ? UNTOLD_ID : `Lock ${now.id}: ${holderText(now)}.`,
    where: { file: place },
    remedy: `make sure that this is the lock to remove, then: vbsctl unlock ${idWord(now.id)}`,
  });
}

/** Its place says yes to each removal, or that it was replaced meanwhile, and still has it. */
export function lockStays(id: string, place: string): Failure {
  return Failure.of('state', 'lock-stays', `the lock ${id} is still there after several removals`, {
    detail: 'The store does not do what it says, or keeps what is removed.',
    where: { file: place },
    remedy: `see what keeps it (a retention rule, a proxy that caches), then delete ${quotedWhole(place)} there`,
  });
}

/** `by`: how it went away. */
export function lockLost({ id }: LockInfo, by = 'was removed by somebody', cause?: unknown): Failure {
  return Failure.of(
    'state',
    'lock-lost',
    `the lock ${id} of this run ${by}`,
    {
      detail: 'Nothing new is started. What runs in the cloud goes on.',
      remedy: 'see who works on the state now, then run the same command again: it checks the cloud first',
    },
    { cause },
  );
}

export function isLockLost(cause: unknown): cause is Failure {
  return cause instanceof Failure && cause.diagnostics[0]?.code === 'lock-lost';
}

export function damagedLock(place: string): Failure {
  return Failure.of('locked', 'lock-damaged', 'the state is locked, but the lock does not say by whom', {
    where: { file: place },
    remedy: `make sure that no run works on this state, then delete ${quotedWhole(place)}`,
  });
}

export function stateChanged(place: string): Failure {
  return Failure.of(
    'state',
    'state-changed',
    `the state at ${place} was changed by somebody else while this run held the lock`,
    {
      detail: 'Nothing new is started, and nothing was overwritten. What runs in the cloud goes on.',
      remedy: 'see who works on the state now, then run the same command again: it checks the cloud first',
    },
  );
}

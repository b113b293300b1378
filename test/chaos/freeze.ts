import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { PROGRAM, startProgram } from '../e2e/program.ts';
import { Workspace } from '../e2e/workspace.ts';

/**
 * How often a run that is frozen while it sends restores sends one of them after it wakes: the window between the last
 * check and the write of a request, which cannot be closed from outside the cloud, measured from outside the program.
 */

/** Restores that are sent together, as the next burst waits for all of this one. */
const BURST = 16;
/** Longer than a request may leave after its intent (`INTENT_FRESH_MS` of `executor/restore.ts`). */
const FROZEN_MS = 5_300;
/** A freeze begins at most this long after the arrival that it is aimed at, microseconds. */
const DELAY_US_MAX = 1_500;

export interface FreezeFigures {
  /** Freezes that count, each within a burst of POSTs. */
  readonly tries: number;
  /** Freezes after which at least one request left although its intent was out of date. */
  readonly hit: number;
  /** Such requests. */
  readonly late: number;
  /** Of these, the ones that the record of the restore calls late. */
  readonly known: number;
  /** Requests that were held back after a freeze. */
  readonly held: number;
}

export interface FreezeOptions {
  readonly tries: number;
  /** In [0, 1). */
  readonly random: () => number;
  /** The build to measure. */
  readonly program?: string;
}

interface Arrival {
  readonly backup_id: string;
  /** Epoch ms, as all times here. */
  readonly at: number;
}

interface Freeze {
  readonly began: number;
  ended: number;
  /** What arrives while this process itself does not run seems to arrive when it runs again: such a try does not count. */
  watched: boolean;
}

interface Attempt {
  readonly intended_at: string;
  readonly answer?: string;
  readonly written_late_ms?: number;
}

/** Freezes one run of `apply` in each of its bursts. */
export async function freezeRun({ tries, random, program = PROGRAM }: FreezeOptions): Promise<FreezeFigures> {
  // The first burst warms up: the machine is busy with the start of the program then.
  const bursts = tries + 1;
  const workspace = await Workspace.open({
    seed: { volumes: bursts * BURST, backupsPerVolume: 1, jobDurationMs: 20, now: Date.now() - 3_600_000 },
  });
  try {
    const burstOf = declareBursts(workspace, bursts);
    const arrivals: Arrival[] = [];
    const freezes: Freeze[] = [];
    const aims = Array.from({ length: bursts }, () => 1 + Math.floor(random() * BURST));
    const arrived = Array.from({ length: bursts }, () => 0);
    const port = new URL(workspace.cloud.url).port;
    let frozen = 0;
    const init = await startProgram(['init'], workspace.folder, workspace.env(), undefined, program).done;
    if (init.code !== 0) throw new Error(`the program does not run: ${init.stderr}`);
    const run = startProgram(
      ['apply', '--auto-approve', '--parallelism', String(BURST)],
      workspace.folder,
      workspace.env(),
      undefined,
      program,
    );
    const onRequest = (message: unknown): void => {
      const { request } = message as { readonly request: IncomingMessage };
      const backup_id = /\/cloudbackups\/([^/]+)\/restore$/.exec(request.url ?? '')?.[1];
      if (request.method !== 'POST' || backup_id === undefined) return;
      if (String(request.socket.localPort) !== port) return;
      const burst = burstOf.get(backup_id) ?? -1;
      arrivals.push({ backup_id, at: Date.now() });
      const count = (arrived[burst] ?? 0) + 1;
      arrived[burst] = count;
      if (burst <= frozen || count !== aims[burst]) return;
      frozen = burst;
      spin(random() * DELAY_US_MAX);
      run.kill('SIGSTOP');
      const freeze: Freeze = { began: Date.now(), ended: Number.POSITIVE_INFINITY, watched: true };
      freezes.push(freeze);
      void watchedSleep(FROZEN_MS).then((watched) => {
        freeze.watched = watched;
        freeze.ended = Date.now();
        run.kill('SIGCONT');
      });
    };
    subscribe('http.server.request.start', onRequest);
    const finished = await run.done.finally(() => unsubscribe('http.server.request.start', onRequest));
    if (finished.code !== 0)
      throw new Error(
        `apply ended with ${finished.code}:\n${finished.stderr}${finished.stdout.slice(-2_000)}`,
      );
    return countLate(arrivals, freezes, attemptsOf(await pull(workspace, program)));
  } finally {
    await workspace.close();
  }
}

export function sumOf(all: readonly FreezeFigures[]): FreezeFigures {
  const sum = (of: (figures: FreezeFigures) => number) =>
    all.reduce((total, figures) => total + of(figures), 0);
  return {
    tries: sum(({ tries }) => tries),
    hit: sum(({ hit }) => hit),
    late: sum(({ late }) => late),
    known: sum(({ known }) => known),
    held: sum(({ held }) => held),
  };
}

/** Late is what was intended before a freeze and arrived after it. */
function countLate(
  arrivals: readonly Arrival[],
  freezes: readonly Freeze[],
  attempts: ReadonlyMap<string, readonly Attempt[]>,
): FreezeFigures {
  const counted = freezes.filter(({ watched }) => watched);
  const hit = new Set<Freeze>();
  const late = arrivals.flatMap(({ backup_id, at }) => {
    const attempt = attempts.get(backup_id)?.findLast(({ intended_at }) => Date.parse(intended_at) <= at);
    if (!attempt) throw new Error(`a request for ${backup_id} arrived without an intent`);
    const intendedAt = Date.parse(attempt.intended_at);
    const freeze = counted.find(({ began, ended }) => intendedAt <= began && ended <= at);
    if (freeze) hit.add(freeze);
    return freeze ? [attempt] : [];
  });
  const all = [...attempts.values()].flat();
  return {
    tries: counted.length,
    hit: hit.size,
    late: late.length,
    known: late.filter(({ written_late_ms }) => written_late_ms !== undefined).length,
    held: all.filter(({ answer }) => answer === 'not_sent').length,
  };
}

/** Each burst depends on all of the one before. The burst of each backup. */
function declareBursts(workspace: Workspace, bursts: number): Map<string, number> {
  const backups = Object.values(workspace.cloud.world().backups);
  const burstOf = new Map<string, number>();
  const entries = backups.map(({ id, volume_id }, n) => {
    const burst = Math.floor(n / BURST);
    burstOf.set(id, burst);
    const before = Array.from(
      { length: burst === 0 ? 0 : BURST },
      (_, i) => `disk-${(burst - 1) * BURST + i}`,
    );
    return `    - {name: disk-${n}, volume_id: ${volume_id}, backup_id: ${id}, depends_on: [${before.join(', ')}]}`;
  });
  if (entries.length !== bursts * BURST) throw new Error(`${entries.length} backups for ${bursts} bursts`);
  workspace.write(
    'restores.yaml',
    `apiVersion: vbsctl.dev/v1\nkind: RestoreSet\nmetadata: {name: night}\nspec:\n  restores:\n${entries.join('\n')}\n`,
  );
  return burstOf;
}

async function pull(workspace: Workspace, program: string): Promise<string> {
  const { code, stdout, stderr } = await startProgram(
    ['state', 'pull'],
    workspace.folder,
    workspace.env(),
    undefined,
    program,
  ).done;
  if (code !== 0) throw new Error(stderr);
  return stdout;
}

function attemptsOf(state: string): Map<string, readonly Attempt[]> {
  const { records } = JSON.parse(state) as {
    records: Record<string, { backup_id: string; attempts: Attempt[] }>;
  };
  return new Map(Object.values(records).map(({ backup_id, attempts }) => [backup_id, attempts]));
}

const BEAT_MS = 100;
const MISSED_MS_MAX = 1_000;

/** Whether this process ran all the time. */
async function watchedSleep(ms: number): Promise<boolean> {
  const until = Date.now() + ms;
  let watched = true;
  for (let last = Date.now(); last < until; ) {
    await sleep(Math.min(BEAT_MS, until - last));
    if (Date.now() - last > MISSED_MS_MAX) watched = false;
    last = Date.now();
  }
  return watched;
}

/** Without giving the processor away: timers are too coarse for what is measured. */
function spin(microseconds: number): void {
  const until = performance.now() + microseconds / 1_000;
  while (performance.now() < until);
}

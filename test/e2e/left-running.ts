import type { ChildProcess } from 'node:child_process';

/** Programs that tests of this process started and that have not ended. */
const running = new Set<ChildProcess>();

export function watch(child: ChildProcess): void {
  running.add(child);
  child.once('close', () => running.delete(child));
}

/** Kills what a file of tests left running, and names it: it would go on for as long as `apply.timeout` allows. */
export function killLeftRunning(): readonly string[] {
  const left = [...running].map((child) => child.spawnargs.slice(2).join(' '));
  for (const child of running) child.kill('SIGKILL');
  running.clear();
  return left;
}

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PROGRAM } from './program.ts';
import type { Workspace } from './workspace.ts';

/** Whether there is a script(1) that lends a terminal: that of util-linux; other systems have another. */
export function hasTerminals(): boolean {
  const { stdout, error } = spawnSync('script', ['--version'], { encoding: 'utf8' });
  return error === undefined && stdout.includes('util-linux');
}

/** The built program on a terminal of its own. */
export class OnTerminal {
  readonly #script: ChildProcess;
  readonly #workspace: Workspace;
  readonly #drained: Promise<unknown>;
  #shown = '';

  constructor(workspace: Workspace, ...args: string[]) {
    this.#workspace = workspace;
    // The shell outlives a terminal that is closed, to tell how the program ended.
    workspace.write(
      'session.sh',
      `trap : HUP INT\n'${process.execPath}' '${PROGRAM}' ${args.join(' ')}\necho $? >code.tmp\nmv code.tmp code.txt\n`,
    );
    this.#script = spawn('script', ['--quiet', '--command', 'sh session.sh', '/dev/null'], {
      cwd: workspace.folder,
      env: { PATH: process.env.PATH, HOME: workspace.folder, TERM: 'xterm', ...workspace.env() },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#drained = once(this.#script, 'close');
    this.#script.stdout?.on('data', (chunk: Buffer) => {
      this.#shown += chunk.toString();
    });
  }

  get shown(): string {
    return this.#shown;
  }

  async shows(text: string): Promise<void> {
    while (!this.#shown.includes(text)) await sleep(10);
  }

  type(text: string): void {
    this.#script.stdin?.write(text);
  }

  /** The window is closed: SIGHUP for what runs in it, EIO for what it reads or writes. */
  close(): void {
    this.#script.kill('SIGKILL');
  }

  /** The exit code, once the program has ended and all that it printed is here. */
  async code(): Promise<number> {
    await this.#drained;
    while (!existsSync(join(this.#workspace.folder, 'code.txt'))) await sleep(10);
    return Number(this.#workspace.read('code.txt'));
  }
}

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Emulator, type EmulatorOptions, startEmulator } from '../../src/emulator/index.ts';
import { type Environment, type Finished, namedConfig, type Running, startProgram } from './program.ts';
import { runProgram } from './program-pool.ts';

export type { Finished } from './program.ts';

/** The built program, run as its user runs it, against an emulator in this process. */

export class Workspace {
  readonly folder = mkdtempSync(join(tmpdir(), 'vbsctl-e2e-'));
  readonly cloud: Emulator;

  private constructor(cloud: Emulator) {
    this.cloud = cloud;
  }

  static async open(options: EmulatorOptions = {}): Promise<Workspace> {
    const workspace = new Workspace(await startEmulator(options));
    // Fast, so that tests are: settle still has to be longer than any late start of the emulator. Such a config counts
    // only when it is named, as every start here does.
    workspace.write(
      'vbsctl.yaml',
      `apiVersion: vbsctl.dev/v1
kind: Config
state: vbsctl.state.json
apply: {requests_per_second: 1000, max_failures: 0}
retry: {settle: 1s, min_delay: 50ms, max_delay: 500ms}
poll: {min_interval: 50ms, max_interval: 200ms}
`,
    );
    return workspace;
  }

  /** `keep`: the folder, for whoever looks into it. */
  async close(keep = false): Promise<void> {
    await this.cloud.close();
    if (!keep) rmSync(this.folder, { recursive: true, force: true });
  }

  write(name: string, text: string): void {
    writeFileSync(join(this.folder, name), text);
  }

  read(name: string): string {
    return readFileSync(join(this.folder, name), 'utf8');
  }

  /** A manifest that restores each of the first `count` disks from its first backup, under names with a prefix. */
  declare(count: number, prefix = 'disk', set = 'night'): void {
    const { volumes, backups } = this.cloud.world();
    const entries = Object.values(volumes)
      .slice(0, count)
      .map((volume, n) => {
        const backup = Object.values(backups).find((candidate) => candidate.volume_id === volume.id);
        return `    - {name: ${prefix}-${n}, volume_id: ${volume.id}, backup_id: ${backup?.id}}`;
      });
    this.write(
      'restores.yaml',
      `apiVersion: vbsctl.dev/v1\nkind: RestoreSet\nmetadata: {name: ${set}}\nspec:\n  restores:\n${entries.join('\n')}\n`,
    );
  }

  /** The cloud's credentials, and the config by its name. */
  env(cwd = this.folder): Record<string, string> {
    return { ...this.cloud.env(), ...namedConfig(cwd) };
  }

  start(...args: string[]): Running {
    return startProgram(args, this.folder, this.env());
  }

  /** On another machine: in another folder, with more in the environment. */
  startIn(cwd: string, env: Environment, ...args: string[]): Running {
    return startProgram(args, cwd, this.#envIn(cwd, env));
  }

  runIn(cwd: string, env: Environment, ...args: string[]): Promise<Finished> {
    return runProgram(args, cwd, this.#envIn(cwd, env));
  }

  #envIn(cwd: string, env: Environment): Environment {
    return { HOME: this.folder, ...this.env(cwd), ...env };
  }

  runWithoutCloud(...args: string[]): Promise<Finished> {
    return runProgram(args, this.folder, namedConfig(this.folder));
  }

  run(...args: string[]): Promise<Finished> {
    return runProgram(args, this.folder, this.env());
  }

  /** How often each disk was truly started, by the cloud's own record; only disks that were. */
  starts(): number[] {
    return this.cloud
      .audit()
      .volumes.map((volume) => volume.restores_accepted)
      .filter((count) => count > 0);
  }
}

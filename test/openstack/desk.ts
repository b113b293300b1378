import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ApplyEvent } from '../../src/domain/events.ts';
import { type Finished, type Running, startProgram } from '../e2e/program.ts';

/** A disk that may be overwritten, and a backup to do it with. */
export interface Disk {
  readonly volume_id: string;
  readonly backup_id: string;
}

export interface Entry extends Disk {
  readonly name: string;
  readonly generation?: number;
}

/** A folder with config, manifest and state, and the built program run in it against a real cloud. */
export class Desk {
  readonly folder = mkdtempSync(join(tmpdir(), 'vbsctl-openstack-'));

  constructor(cloud: string, parallelism = 8) {
    this.write(
      'vbsctl.yaml',
      `apiVersion: vbsctl.dev/v1
kind: Config
cloud: ${cloud}
api: cinder
state: vbsctl.state.json
apply: {parallelism: ${parallelism}}
retry: {settle: 15s, min_delay: 500ms, max_delay: 5s}
poll: {min_interval: 500ms, max_interval: 2s}
`,
    );
  }

  close(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  declare(entries: readonly Entry[]): void {
    const restores = entries.map((entry) => `    - ${JSON.stringify(entry)}`);
    this.write(
      'restores.yaml',
      `apiVersion: vbsctl.dev/v1\nkind: RestoreSet\nmetadata: {name: night}\nspec:\n  restores:\n${restores.join('\n')}\n`,
    );
  }

  /** `onEvent` hears of what `apply --output json` tells, as it tells it. */
  start(args: readonly string[], onEvent?: (event: ApplyEvent) => void): Running {
    const env = { OS_CLIENT_CONFIG_FILE: process.env.OS_CLIENT_CONFIG_FILE };
    return startProgram(args, this.folder, env, (line) => {
      if (line.startsWith('{"v":1,')) onEvent?.(JSON.parse(line));
    });
  }

  run(...args: string[]): Promise<Finished> {
    return this.start(args).done;
  }

  apply(onEvent: (event: ApplyEvent) => void): Running {
    return this.start(['apply', '--auto-approve', '--output', 'json'], onEvent);
  }

  /** `apply`, killed with SIGKILL as soon as so many restores were accepted. */
  async applyAndDie(accepted: number): Promise<Finished> {
    let count = 0;
    const apply = this.apply((event) => {
      if (event.type === 'accepted' && ++count === accepted) apply.kill('SIGKILL');
    });
    return apply.done;
  }

  /** Restores by status. */
  async standing(): Promise<Record<string, number>> {
    const { stdout } = await this.run('state', 'list', '--output', 'json');
    const counts: Record<string, number> = {};
    for (const { status } of JSON.parse(stdout)) counts[status] = (counts[status] ?? 0) + 1;
    return counts;
  }

  private write(name: string, text: string): void {
    writeFileSync(join(this.folder, name), text);
  }
}

export function named(disks: readonly Disk[]): Entry[] {
  return disks.map(({ volume_id, backup_id }, n) => ({ name: `disk-${n + 1}`, volume_id, backup_id }));
}

/** The disks that a person gave to these tests, or nothing. */
export function givenDisks(): readonly Disk[] | undefined {
  const path = process.env.VBSCTL_E2E_DISKS;
  return path === undefined ? undefined : JSON.parse(readFileSync(path, 'utf8'));
}

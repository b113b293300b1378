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

/** As `state list --output json` shows it. */
export interface Listed extends Disk {
  readonly address: string;
  readonly status: string;
}

/** A cloud that a person gave to these tests, in place of the testbed. */
const GIVEN = process.env.VBSCTL_E2E_CLOUD;
const CLOUD = GIVEN ?? 'testbed';
/** The testbed was seen to start a restore 12 s late, at most, on a busy machine. */
const PACE = `retry: {settle: 20s, min_delay: 500ms, max_delay: 5s}
poll: {min_interval: 500ms, max_interval: 2s}
`;

/** A folder with config, manifest and state, and the built program run in it against a real cloud. */
export class OpenStackWorkspace {
  readonly folder = mkdtempSync(join(tmpdir(), 'vbsctl-openstack-'));

  /** `api`: as in vbsctl.yaml. The testbed's catalog names a VBS, too, where mostly nothing listens. */
  constructor(parallelism = 8, api = GIVEN ? 'auto' : 'cinder') {
    this.write(
      'vbsctl.yaml',
      `apiVersion: vbsctl.dev/v1
kind: Config
cloud: ${CLOUD}
api: ${api}
state: vbsctl.state.json
apply: {parallelism: ${parallelism}, max_failures: ${GIVEN ? 3 : 0}}
${GIVEN ? '' : PACE}`,
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
    // Into a cloud of its own a person gets by whatever the environment says: proxy, certificates, HOME.
    const given = GIVEN ? process.env : { OS_CLIENT_CONFIG_FILE: process.env.OS_CLIENT_CONFIG_FILE };
    // Named: in a pipeline, one that is merely found chooses no cloud.
    const env = { ...given, VBSCTL_CONFIG: join(this.folder, 'vbsctl.yaml') };
    return startProgram(args, this.folder, env, (line) => {
      if (line.startsWith('{"format":1,')) onEvent?.(JSON.parse(line));
    });
  }

  run(...args: string[]): Promise<Finished> {
    return this.start(args).done;
  }

  apply(onEvent: (event: ApplyEvent) => void): Running {
    return this.start(['apply', '--auto-approve', '--output', 'json'], onEvent);
  }

  /**
   * `apply`, killed with SIGKILL so long after it told so many events of this type: after `accepted` the cloud is at
   * work, after `intended` the request is about to leave, under way, or just answered.
   */
  async applyAndDie(type: 'accepted' | 'intended', count: number, afterMs = 0): Promise<Finished> {
    let left = count;
    const apply = this.apply((event) => {
      if (event.type !== type || --left !== 0) return;
      if (afterMs === 0) apply.kill('SIGKILL');
      else setTimeout(() => apply.kill('SIGKILL'), afterMs);
    });
    return apply.done;
  }

  /** Every record by its address. */
  async records(): Promise<readonly Listed[]> {
    return JSON.parse((await this.run('state', 'list', '--output', 'json')).stdout).records;
  }

  /** Restores by status. */
  async standing(): Promise<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (const { status } of await this.records()) counts[status] = (counts[status] ?? 0) + 1;
    return counts;
  }

  write(name: string, text: string): void {
    writeFileSync(join(this.folder, name), text);
  }
}

export function named(disks: readonly Disk[]): Entry[] {
  return disks.map(({ volume_id, backup_id }, n) => ({ name: `disk-${n + 1}`, volume_id, backup_id }));
}

/** The disks that a person gave to these tests, or nothing. */
export function givenDisks(): readonly Disk[] | undefined {
  const path = process.env.VBSCTL_E2E_DISKS;
  return GIVEN === undefined || path === undefined ? undefined : JSON.parse(readFileSync(path, 'utf8'));
}

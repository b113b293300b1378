import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { arch, cpus, loadavg } from 'node:os';

/** What every benchmark says about where it ran: figures mean nothing without it. */
export function machine(): string {
  const [cpu] = cpus();
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  return `vbsctl ${version}, Node ${process.version}, ${cpus().length} × ${cpu?.model.trim()} (${arch()}), ${load()}`;
}

export function load(): string {
  return `load ${loadavg()[0]?.toFixed(1)}`;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? Number.NaN)
    : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
}

export interface Measured {
  readonly code: number | null;
  readonly wall_s: number;
  /** User and system, of the program and all it starts. */
  readonly cpu_s: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end; the shell's `time` measures it from outside. */
export function measure(
  command: readonly string[],
  options: { readonly cwd?: string; readonly env?: Readonly<Record<string, string | undefined>> } = {},
): Promise<Measured> {
  const child = spawn('bash', ['-c', 'TIMEFORMAT="%R %U %S"; time "$@" 2>&3', 'bench', ...command], {
    cwd: options.cwd,
    env: { PATH: process.env.PATH, HOME: options.cwd, LC_ALL: 'C', ...options.env },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
  });
  const [, out, time, err] = child.stdio.map((stream) => {
    const chunks: Buffer[] = [];
    if (stream && 'on' in stream) stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    return chunks;
  });
  const text = (chunks: Buffer[] | undefined) => Buffer.concat(chunks ?? []).toString();
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      const [wall_s = Number.NaN, user = 0, system = 0] = text(time).trim().split(' ').map(Number);
      resolve({ code, wall_s, cpu_s: user + system, stdout: text(out), stderr: text(err) });
    });
  });
}

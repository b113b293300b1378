import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Finished, startProgram } from '../e2e/program.ts';

/** The built program in a scratch home and a scratch working directory, as an attack finds it. */
export class Scene {
  readonly #root = mkdtempSync(join(tmpdir(), 'vbsctl-attack-'));
  readonly home = join(this.#root, 'home');
  /** The checkout. */
  readonly cwd = join(this.#root, 'checkout');

  constructor() {
    mkdirSync(this.home);
    mkdirSync(this.cwd);
  }

  /** A file of the checkout. */
  write(name: string, text: string): string {
    const path = join(this.cwd, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    return path;
  }

  remove(name: string): void {
    rmSync(join(this.cwd, name), { force: true });
  }

  /** Every file of checkout and home, by its path, with its text. */
  files(): [path: string, text: string][] {
    return readdirSync(this.#root, { recursive: true, encoding: 'utf8' })
      .map((name) => join(this.#root, name))
      .filter((path) => statSync(path).isFile())
      .map((path) => [path, readFileSync(path, 'utf8')]);
  }

  run(env: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<Finished> {
    return startProgram(args, this.cwd, { HOME: this.home, ...env }).done;
  }

  close(): void {
    rmSync(this.#root, { recursive: true, force: true });
  }
}

/** All that the program printed. */
export function printed({ stdout, stderr }: Finished): string {
  return stdout + stderr;
}

/** What the program says when it crashes: no input may bring it there. */
export const CRASH = /this is a bug|\bat .*:\d+:\d+\)|URIError|TypeError/;

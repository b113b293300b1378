import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** A proxy that supports only CONNECT, in a process of its own. */
export interface ProxyProcess {
  readonly port: number;
  /** The targets of its connections, as `host:port`. */
  readonly targets: string[];
  stop(): void;
}

/** Answers 407 to every client without this login (`user:password`). */
export async function startProxy(login: string): Promise<ProxyProcess> {
  const script = new URL('connect-proxy.cjs', import.meta.url).pathname;
  const child = spawn(process.execPath, [script, login], { stdio: ['ignore', 'pipe', 'inherit'] });
  if (!child.stdout) throw new Error('no stdout');
  const lines = createInterface(child.stdout);
  const [port] = (await once(lines, 'line')) as [string];
  const targets: string[] = [];
  lines.on('line', (line) => targets.push(line));
  return { port: Number(port), targets, stop: () => child.kill() };
}

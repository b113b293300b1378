// Runs the built program many times in one process, which saves the start of Node and most of the program's: each time a new
// instance of the bundle, with its own arguments, environment, working directory and standard streams. Where a run crashes,
// or ends while anything of it is still under way, this process ends with it, as the program's own would. The other end is
// program-pool.ts.
const { createReadStream, readFileSync, writeSync } = require('node:fs');
const { createRequire } = require('node:module');
const { Server, Socket } = require('node:net');
const { dirname, join } = require('node:path');
const { Script } = require('node:vm');

const [, , launcher] = process.argv;
const dist = dirname(launcher);
const filename = join(dist, 'program.cjs');
const bundle = new Script(readFileSync(filename, 'latin1'), {
  filename,
  cachedData: readFileSync(`${filename}.cache`),
});
const { exit } = process;

/** Of the run. */
const sockets = track(Socket.prototype, 'connect', (socket) => socket);
const servers = track(Server.prototype, 'listen', (server) => server);
const timers = track(globalThis, 'setTimeout', (_, timer) => timer);
const intervals = track(globalThis, 'setInterval', (_, timer) => timer);

// The tests have ended.
process.on('disconnect', () => exit());
process.on('message', ({ args, cwd, env, end }) => {
  process.chdir(cwd);
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, env);
  process.argv.splice(1, Infinity, launcher, ...args);
  let stdin;
  const input = () => {
    stdin ??= createReadStream('/dev/null');
    return stdin;
  };
  Object.defineProperty(process, 'stdin', { get: input, configurable: true });
  const streams = [process.stdout, process.stderr];
  const listeners = new Map(process.eventNames().map((name) => [name, process.rawListeners(name)]));
  const idle = process.getActiveResourcesInfo().length;
  let state = 'running';
  process.on('uncaughtException', (error) => {
    if (state === 'ended') {
      writeSync(2, `program-host.cjs: ${error.stack}\n`);
      exit(70);
    }
    state = 'crashed';
  });

  process.exit = (code = process.exitCode) => {
    if (state === 'crashed') exit(code);
    state = 'ended';
    for (const timer of [...timers, ...intervals]) clearTimeout(timer);
    for (const socket of sockets) socket.destroy();
    for (const server of servers) {
      server.closeAllConnections?.();
      server.close();
    }
    // What closes now, and whatever called this, counts as under way until the next turns of the loop.
    setImmediate(() => {
      setImmediate(() => {
        if (process.getActiveResourcesInfo().length > idle) exit(code);
        process.emit('exit', code);
        for (const each of [sockets, servers, timers, intervals]) each.clear();
        for (const name of process.eventNames())
          for (const listener of process.rawListeners(name))
            if (!listeners.get(name)?.includes(listener)) process.removeListener(name, listener);
        for (const stream of streams) stream.removeAllListeners('error');
        for (const path of Object.keys(require.cache)) if (path.startsWith(dist)) delete require.cache[path];
        process.exitCode = undefined;
        process.chdir('/');
        for (const stream of streams) stream.write(`${end}${code}\n`);
      });
    });
  };
  const instance = { exports: {} };
  bundle.runInThisContext()(instance.exports, createRequire(filename), instance, filename, dist);
});

/** All that calls of a function gave, until somebody clears it. */
function track(owner, name, of) {
  const seen = new Set();
  const original = owner[name];
  const tracked = function (...args) {
    const result = original.apply(this, args);
    seen.add(of(this, result));
    return result;
  };
  owner[name] = Object.defineProperties(tracked, Object.getOwnPropertyDescriptors(original));
  return seen;
}

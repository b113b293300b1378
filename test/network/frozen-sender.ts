/**
 * A process that sends one POST and stops itself (SIGSTOP) during it: arguments WHEN URL [CA FILE].
 * `before`: in `maySend`, which returns false when the process continues. `after`: in `onWritten`. Prints `frozen` before
 * it stops, and the result of the exchange at the end.
 */
import { readFileSync, writeSync } from 'node:fs';
import { createAxiosHttp } from '../../src/drivers/http/axios-http.ts';
import { proxyFromEnv } from '../../src/network/proxy.ts';

const [when, url = '', caFile] = process.argv.slice(2);
const freeze = (): void => {
  writeSync(1, 'frozen\n');
  process.kill(process.pid, 'SIGSTOP');
};
const network = createAxiosHttp({
  connect_timeout_ms: 20_000,
  request_timeout_ms: 20_000,
  max_response_bytes: 1_000_000,
  version: '1.2.3',
  proxyFor: proxyFromEnv(process.env),
  ...(caFile ? { ca: readFileSync(caFile, 'utf8') } : {}),
});
const exchange = await network.send({
  method: 'POST',
  url,
  headers: {},
  body: '{"restore":1}',
  maySend: () => {
    if (when === 'before') freeze();
    return when === 'after';
  },
  onWritten: () => {
    if (when === 'after') freeze();
  },
});
writeSync(1, `${exchange.kind} ${'code' in exchange ? exchange.code : exchange.status}\n`);

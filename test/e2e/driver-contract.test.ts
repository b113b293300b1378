import { systemClock } from '../../src/cli/system.ts';
import { DEFAULT_CONFIG } from '../../src/domain/config.ts';
import { type FaultEffect, startEmulator } from '../../src/emulator/index.ts';
import { connectDriver } from '../drivers/connect-driver.ts';
import { driverContract, type Fault, type ServedCloud } from '../drivers/driver-contract.ts';

/** The drivers and the emulator follow the same reference independently; these tests compare them. */
for (const api of ['vbs', 'cinder'] as const)
  driverContract(`${api} on the emulator`, () => serve(api), { withFaults: true });

const EFFECTS: Readonly<Record<Fault, FaultEffect>> = {
  'reset before': { kind: 'reset', when: 'before' },
  'reset after': { kind: 'reset', when: 'after' },
  'gateway timeout before': { kind: 'status', when: 'before', status: 504, body: 'gateway' },
  'gateway timeout after': { kind: 'status', when: 'after', status: 504, body: 'html' },
  'a cut answer': { kind: 'cut' },
  'a yes that is no JSON': { kind: 'garbage', body: 'unreadable' },
  'a yes with an error body': { kind: 'garbage', body: 'error_body' },
  'a redirect': { kind: 'status', when: 'before', status: 307, location: 'http://127.0.0.1:9/elsewhere' },
  'a bad gateway after': { kind: 'status', when: 'after', status: 502, body: 'empty' },
  busy: { kind: 'status', when: 'before', status: 429, body: 'gateway' },
  'token refused': { kind: 'token_expiry' },
};

async function serve(api: 'vbs' | 'cinder'): Promise<ServedCloud> {
  let skewMs = 0;
  const emulator = await startEmulator({ seed: { volumes: 2 }, clock: () => Date.now() + skewMs });
  const [volume] = Object.values(emulator.world().volumes);
  const backup = Object.values(emulator.world().backups).find((b) => b.volume_id === volume?.id);
  const driver = await connectDriver({
    api,
    env: emulator.env(),
    cwd: '/',
    home: '/',
    http: DEFAULT_CONFIG.http,
    retry: { ...DEFAULT_CONFIG.retry, min_delay_ms: 1, max_delay_ms: 5 },
    requestsPerSecond: 1_000,
    clock: systemClock,
    random: Math.random,
    version: 'test',
  });
  return {
    driver,
    requests: () => emulator.audit().requests.total ?? 0,
    hasServers: true,
    volumeId: volume?.id ?? '',
    backupId: backup?.id ?? '',
    finish: () => {
      skewMs += 60_000;
    },
    faults: {
      next: (fault) =>
        emulator.setFaults({ rules: [{ match: { route: 'restore' }, effect: EFFECTS[fault] }] }),
      restores: () => emulator.audit().requests.restore ?? 0,
    },
    close: () => emulator.close(),
  };
}

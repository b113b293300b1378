/**
 * Start here: a Volume Backup Service cloud on a loopback port.
 *
 *     const emulator = await startEmulator();
 *     // run anything that speaks OpenStack with emulator.env() in its environment
 *     emulator.audit();   // what really happened to each volume, whatever answers the clients got
 *     await emulator.close();
 *
 * How the parts fit: `model` is the cloud, a pure state machine; `cloud` turns one request into one delivery
 * (routing, tokens, faults), also purely; `keystone`, `vbs`, `block-storage`, `cinder` and `admin` are its services;
 * `faults` decides which requests fail, and how; `world-file` keeps the world across processes; `server` is the only file that
 * touches the network. The emulator shares no code with the drivers: both follow the same reference independently.
 */
import type { Emulator, EmulatorOptions } from './emulator.ts';
import { serveWorld } from './server.ts';

export type { Audit, AuditRestore, AuditVolume } from './audit.ts';
export type { Credentials, Emulator, EmulatorOptions, RequestLog } from './emulator.ts';
export { parseFaultPlan } from './fault-plan.ts';
export {
  FAULT_KINDS,
  type FaultEffect,
  type FaultKind,
  type FaultPlan,
  type FaultRule,
  type RouteKind,
  type SeededFaults,
} from './faults.ts';
export type { World } from './model.ts';
export type { OperatorAction, OperatorResult } from './operator.ts';
export { type SeedOptions, seedWorld } from './seed.ts';
export { WorldFileError } from './world-file.ts';

/**
 * Starts the cloud and resolves once it listens.
 *
 * @throws WorldFileError if `worldFile` is damaged, of another format, or cannot be written
 */
export function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  return serveWorld(options);
}

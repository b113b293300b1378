/**
 * Deterministic random numbers and ids: both are hashes of their inputs, so there is no hidden generator state. The
 * same seed gives the same world and the same faults, in whatever order parallel requests arrive.
 */
import { hash } from 'node:crypto';

type Part = string | number;

/** A number in [0, 1) that depends only on `parts`. */
export function chance(...parts: Part[]): number {
  return digest(parts).readUIntBE(0, 6) / 2 ** 48;
}

/** A UUID in the form of version 4 that depends only on `parts`. */
export function hashedUuid(...parts: Part[]): string {
  const bytes = digest(parts).subarray(0, 16);
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x40, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** The item that a random number in [0, 1) selects. */
export function pick<T>(items: readonly [T, ...T[]], draw: number): T {
  return items[Math.floor(draw * items.length)] ?? items[0];
}

const UUID = /^[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}$/i;

/** Whether a text is a UUID, with or without dashes, as the cloud accepts it. */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}

function digest(parts: Part[]): Buffer {
  return hash('sha256', JSON.stringify(parts), 'buffer');
}

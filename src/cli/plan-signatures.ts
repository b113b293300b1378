import { createPublicKey, type KeyObject, sign, verify } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { runInterruptibly, runSync } from '../domain/chunked-work.ts';
import { warning } from '../domain/diagnostic.ts';
import { Failure } from '../domain/errors.ts';
import { shellWord } from '../domain/escape/shell-word.ts';
import { type SavedPlan, type SignatureFinding, signedText } from '../domain/saved-plan.ts';
import { refuseContent } from '../files/refuse-content.ts';
import { plainReason } from '../files/system-error.ts';
import { badKey, fingerprintOf, MAKE_KEY, privateKey, publicKey } from './ed25519-keys.ts';
import type { Io } from './io.ts';
import { readPlan } from './plan-file.ts';
import { showDiagnostics } from './print.ts';
import { checkoutPath, isInCheckout, readUserFile } from './user-paths.ts';

/** Signatures of saved plans, and the keys that the user names for them. Every failure is a refusal (5). */

/** Put before the signed text, so that no signature made for anything else fits a plan. */
const CONTEXT = 'vbsctl.dev/v1 SavedPlan\n';

/** Maximum size of a key file. An Ed25519 key has 120 bytes. */
const KEY_BYTES_MAX = 64 * 1024;
const KEYS_MAX = 1_000;

/** Holds the PEM text, plain or in base64, or the path of its file. CI services usually keep a secret as text. */
const SIGNING_KEY_VARIABLE = 'VBSCTL_SIGNING_KEY';
/** The default of `--trusted-keys`. */
const TRUSTED_KEYS_VARIABLE = 'VBSCTL_TRUSTED_KEYS';

/** Signs with the key of `--sign`, else of the environment; undefined if neither names one. */
export async function signer(
  io: Io,
  flag: string | undefined,
): Promise<((saved: SavedPlan) => SavedPlan) | undefined> {
  const named = flag ?? (io.env[SIGNING_KEY_VARIABLE] || undefined);
  if (named === undefined) return undefined;
  const text = flag === undefined ? pemIn(named) : undefined;
  if (text !== undefined) io.secrets.add(named);
  else if (flag === undefined) refuseContent(SIGNING_KEY_VARIABLE, named, io.cwd);
  const from = text === undefined ? named : `$${SIGNING_KEY_VARIABLE}`;
  const pem = text ?? (await readKey(io, named, 'vbsctl plan --sign'));
  io.secrets.add(pem);
  const key = privateKey(pem, from);
  const fingerprint = fingerprintOf(createPublicKey(key));
  return (saved) => {
    const value = sign(null, bytesOf(runSync(signedText(saved))), key).toString('base64');
    return { ...saved, signature: { key: fingerprint, value } };
  };
}

/** The PEM text, plain or in base64, for CI services whose secrets cannot contain line breaks. Undefined for a path. */
function pemIn(value: string): string | undefined {
  if (value.trimStart().startsWith(PEM_START)) return value;
  if (!/^[A-Za-z0-9+/=\s]+$/.test(value)) return undefined;
  const decoded = Buffer.from(value, 'base64').toString();
  return decoded.startsWith(PEM_START) ? decoded : undefined;
}

const PEM_START = '-----BEGIN ';

interface TrustedKey {
  /** The name of its file, without `.pem`. */
  readonly name: string;
  readonly fingerprint: string;
  readonly key: KeyObject;
}

/** The keys of `--trusted-keys`, else of the environment; undefined if neither names a directory. */
async function trustedKeys(io: Io, flag: string | undefined): Promise<readonly TrustedKey[] | undefined> {
  const directory = flag ?? (io.env[TRUSTED_KEYS_VARIABLE] || undefined);
  if (directory === undefined) return undefined;
  if (flag === undefined) refuseContent(TRUSTED_KEYS_VARIABLE, directory, io.cwd);
  await warnOfKeysInCheckout(io, directory);
  const names = (await namesIn(io, directory)).filter((name) => name.endsWith('.pem')).sort();
  if (names.length === 0 || names.length > KEYS_MAX)
    throw badKey(
      `${directory} holds ${names.length === 0 ? 'no trusted key' : `more than ${KEYS_MAX} keys`}`,
      `put a public key there, as a file that ends in .pem: openssl pkey -in plan-signing.pem -pubout -out ${shellWord(join(directory, 'NAME.pem'))}`,
    );
  const keys: TrustedKey[] = [];
  for (const name of names) {
    const path = join(directory, name);
    const key = publicKey(await readKey(io, path, 'vbsctl apply --trusted-keys'), path);
    keys.push({ name: name.slice(0, -'.pem'.length), fingerprint: fingerprintOf(key), key });
  }
  return keys;
}

/** The operator named the directory, so its keys count. But a pull request may be able to write there. */
async function warnOfKeysInCheckout(io: Io, directory: string): Promise<void> {
  if (!(await isInCheckout(io, directory))) return;
  showDiagnostics(io, [
    warning(
      'keys-in-checkout',
      `the trusted keys in ${directory} lie in the working directory: a pull request could bring its own`,
      { remedy: 'keep them where only the operator can write' },
    ),
  ]);
}

/** Reads a saved plan and checks its signature. `keys`: whether the user named trusted keys. */
export async function readSignedPlan(
  io: Io,
  path: string,
  flag: string | undefined,
): Promise<{ readonly saved: SavedPlan; readonly signed: SignatureFinding; readonly keys: boolean }> {
  const trusted = await trustedKeys(io, flag);
  const saved = await readPlan(io, path);
  return { saved, signed: await checkSignature(io, saved, trusted), keys: trusted !== undefined };
}

async function checkSignature(
  { stop }: Io,
  saved: SavedPlan,
  trusted: readonly TrustedKey[] | undefined,
): Promise<SignatureFinding> {
  const { signature } = saved;
  if (!signature) return { kind: 'unsigned' };
  if (!trusted) return { kind: 'unchecked', key: signature.key };
  const known = trusted.find(({ fingerprint }) => fingerprint === signature.key);
  if (!known) return { kind: 'unknown_key', key: signature.key };
  const signed = bytesOf(await runInterruptibly(signedText(saved), stop));
  const isValid = verify(null, signed, known.key, Buffer.from(signature.value, 'base64'));
  return { kind: isValid ? 'valid' : 'wrong', name: known.name };
}

function bytesOf(text: string): Buffer {
  return Buffer.from(CONTEXT + text);
}

async function readKey(io: Io, path: string, flag: string): Promise<string> {
  try {
    await checkoutPath(io, path, flag);
    return (await readUserFile(io, path, KEY_BYTES_MAX)).toString('utf8');
  } catch (cause) {
    if (cause instanceof Failure || io.stop.aborted) throw cause;
    throw badKey(
      `the key ${path} cannot be read: ${plainReason(cause)}`,
      `name the PEM file of a key; ${MAKE_KEY}`,
    );
  }
}

async function namesIn(io: Io, directory: string): Promise<string[]> {
  try {
    return await readdir(await checkoutPath(io, directory, 'vbsctl apply --trusted-keys'));
  } catch (cause) {
    if (cause instanceof Failure) throw cause;
    throw badKey(
      `the directory of trusted keys ${directory} cannot be read: ${plainReason(cause)}`,
      'name a directory of public keys (*.pem) with --trusted-keys',
    );
  }
}

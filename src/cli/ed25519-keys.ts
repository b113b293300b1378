import { createPrivateKey, createPublicKey, hash, type KeyObject } from 'node:crypto';
import { type Failure, refused } from '../domain/errors.ts';
import { shellWord } from '../domain/escape/shell-word.ts';

/** Ed25519 keys (RFC 8032) of PEM texts. No message contains anything of a key but the name of its file. */

export const MAKE_KEY = 'make one: openssl genpkey -algorithm ed25519 -out plan-signing.pem';

/** `from`: the file or variable that the text comes from. */
export function privateKey(pem: string, from: string): KeyObject {
  const labels = labelsOf(pem);
  if (labels.includes('ENCRYPTED PRIVATE KEY') || /^Proc-Type: 4,ENCRYPTED/m.test(pem))
    throw badKey(
      `the signing key ${from} is encrypted, and vbsctl cannot ask for its passphrase`,
      `decrypt it for the pipeline: openssl pkey -in KEY.pem -out plan-signing.pem; or ${MAKE_KEY}`,
    );
  if (labels.includes('OPENSSH PRIVATE KEY'))
    throw badKey(`the signing key ${from} is in the format of OpenSSH, not PEM (PKCS #8)`, MAKE_KEY);
  if (labels.includes('PUBLIC KEY') || labels.includes('CERTIFICATE'))
    throw badKey(`the signing key ${from} is a public key, and signing takes the private one`, MAKE_KEY);
  if (!labels.some((label) => label.endsWith('PRIVATE KEY')))
    throw badKey(`the signing key ${from} is not a private key in PEM`, MAKE_KEY);
  return ed25519(() => createPrivateKey(pem), `the signing key ${from}`, MAKE_KEY);
}

export function publicKey(pem: string, path: string): KeyObject {
  const labels = labelsOf(pem);
  const remedy = `put the public key there: openssl pkey -in KEY.pem -pubout -out ${shellWord(path)}`;
  if (labels.some((label) => label.endsWith('PRIVATE KEY')))
    throw badKey(
      `${path} is a private key, and trusted keys are public keys`,
      `${remedy}; replace the key, because anybody who could read this file could sign plans`,
    );
  if (labels.length !== 1 || labels[0] !== 'PUBLIC KEY')
    throw badKey(`${path} is not one public key in PEM`, remedy);
  return ed25519(() => createPublicKey(pem), path, remedy);
}

function ed25519(read: () => KeyObject, what: string, remedy: string): KeyObject {
  let key: KeyObject;
  try {
    key = read();
  } catch {
    // The message of OpenSSL does not help, and could repeat parts of the key.
    throw badKey(`${what} is damaged: it cannot be read as PEM`, remedy);
  }
  const type = key.asymmetricKeyType ?? key.type;
  if (type !== 'ed25519')
    throw badKey(`${what} is of type ${type}, and plans are signed with ed25519`, remedy);
  return key;
}

/** `PRIVATE KEY`, `PUBLIC KEY`, … of the PEM blocks of a text (RFC 7468). */
function labelsOf(pem: string): string[] {
  return [...pem.matchAll(/^-----BEGIN ([A-Z0-9 ]{1,64})-----/gm)].map(([, label = '']) => label);
}

/** Identifies the key pair of a public key. */
export function fingerprintOf(key: KeyObject): string {
  return hash('sha256', key.export({ type: 'spki', format: 'der' }));
}

export function badKey(summary: string, remedy: string): Failure {
  return refused('plan-key', summary, remedy);
}

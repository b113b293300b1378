import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { TlsSettings } from './connections.ts';

/** A PEM text that TLS cannot use, and why. */
export interface UnusablePem {
  readonly part: 'ca' | 'cert' | 'key';
  /** After the name of the text: `has a passphrase`. */
  readonly why: string;
}

/**
 * Checks the texts once when they are read. Node would ignore authorities that it cannot read, and would report a wrong key
 * with each connection, in the words of OpenSSL.
 */
export function unusablePem({ ca, cert, key }: TlsSettings): UnusablePem | undefined {
  if (ca !== undefined && !certificateIn(ca)) return { part: 'ca', why: NO_CERTIFICATE };
  if (cert === undefined) return undefined;
  const certificate = certificateIn(cert);
  if (!certificate) return { part: 'cert', why: NO_CERTIFICATE };
  if (key === undefined) return undefined;
  if (ENCRYPTED.test(key)) return { part: 'key', why: 'has a passphrase, which vbsctl cannot ask for' };
  const privateKey = attempt(() => createPrivateKey(key));
  if (!privateKey) return { part: 'key', why: 'has no PEM private key that can be read' };
  return certificate.checkPrivateKey(privateKey)
    ? undefined
    : { part: 'key', why: 'is not the key of the certificate' };
}

const NO_CERTIFICATE = 'has no PEM certificate that can be read';
const CERTIFICATE = /-----BEGIN (X509 |TRUSTED )?CERTIFICATE-----/;
/** PKCS #8, and the older form of OpenSSL. */
const ENCRYPTED = /-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m;

/** The first one. Node would also take a DER file, which TLS does not. */
function certificateIn(pem: string): X509Certificate | undefined {
  return CERTIFICATE.test(pem) ? attempt(() => new X509Certificate(pem)) : undefined;
}

function attempt<T>(make: () => T): T | undefined {
  try {
    return make();
  } catch {
    return undefined;
  }
}

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A certificate authority that is not trusted by default, and a certificate of 127.0.0.1 that it signed. */
export interface PrivateAuthority {
  /** PEM text and file of the authority. */
  readonly ca: string;
  readonly caFile: string;
  readonly tls: { readonly key: string; readonly cert: string };
  remove(): void;
}

/** Undefined if openssl is missing; then prints that the test is skipped. */
export function privateAuthority(): PrivateAuthority | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'vbsctl-authority-'));
  const file = (name: string) => join(folder, name);
  const openssl = (...args: readonly string[]) => execFileSync('openssl', args, { stdio: 'pipe' });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  writeFileSync(file('san'), 'subjectAltName=IP:127.0.0.1\n');
  try {
    openssl(
      ...['req', '-x509', ...newKey, '-keyout', file('ca.key'), '-out', file('ca.pem')],
      ...['-days', '2', '-subj', '/CN=Private Authority'],
    );
    openssl(
      ...['req', ...newKey, '-keyout', file('key.pem'), '-out', file('request.pem')],
      ...['-subj', '/CN=127.0.0.1'],
    );
    openssl(
      ...['x509', '-req', '-in', file('request.pem'), '-CA', file('ca.pem'), '-CAkey', file('ca.key')],
      ...['-CAcreateserial', '-days', '2', '-extfile', file('san'), '-out', file('cert.pem')],
    );
  } catch (cause) {
    rmSync(folder, { recursive: true });
    console.log(`      skipped: openssl cannot make certificates here (${(cause as Error).message})`);
    return undefined;
  }
  const text = (name: string) => readFileSync(file(name), 'utf8');
  return {
    ca: text('ca.pem'),
    caFile: file('ca.pem'),
    tls: { key: text('key.pem'), cert: text('cert.pem') },
    remove: () => rmSync(folder, { recursive: true }),
  };
}

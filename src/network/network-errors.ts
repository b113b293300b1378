import { printableText } from './message-text.ts';

const EXPLANATIONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ENOTFOUND: 'host name not found',
  EAI_AGAIN: 'the name server does not answer',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
  ETIMEDOUT: 'no connection in time',
  ECONNRESET: 'connection reset',
  EPIPE: 'connection closed by the server',
  HPE_HEADER_OVERFLOW: 'the headers of the answer are too large',
  EPROTO: 'TLS handshake failed; is it an https:// address?',
  ERR_SSL_WRONG_VERSION_NUMBER: 'the server does not use TLS; is it an http:// address?',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'the server does not use TLS; is it an http:// address?',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'the certificate is self-signed and not trusted',
  SELF_SIGNED_CERT_IN_CHAIN: 'the certificate comes from an authority that is not trusted',
  UNABLE_TO_GET_ISSUER_CERT: 'the certificate comes from an authority that is not known',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'the certificate comes from an authority that is not known',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'the certificate comes from an authority that is not known',
  CERT_HAS_EXPIRED: 'the certificate has expired',
  CERT_NOT_YET_VALID: 'the certificate is not valid yet; is the clock of this machine right?',
  ERR_TLS_CERT_ALTNAME_INVALID: 'the certificate is for another host name',
};

/** Error codes that can be fixed by trusting another certificate authority. */
export const UNTRUSTED_CERTIFICATE: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

/** Errors that a retry cannot fix: an untrusted certificate, a proxy that requires a login. */
export function isPermanentNetworkError(code: string): boolean {
  return (
    UNTRUSTED_CERTIFICATE.has(code) ||
    code === 'CERT_HAS_EXPIRED' ||
    code === 'ERR_TLS_CERT_ALTNAME_INVALID' ||
    code === 'PROXY_AUTHENTICATION'
  );
}

/** The remedy for a fault of the network. `trust`: how to trust a certificate authority of one's own. */
export function networkRemedy(code: string, trust: string): string | undefined {
  if (UNTRUSTED_CERTIFICATE.has(code)) return `if its authority is one of your own: ${trust}`;
  return code.startsWith('PROXY_') ? 'correct HTTPS_PROXY, or name the server in NO_PROXY' : undefined;
}

/** One sentence for people. If the code is not in the table, it is Node's own text. */
export function explainNetworkError(code: string, message: string): string {
  return `${EXPLANATIONS[code] ?? printableText(message)} (${code})`;
}

/** An error like those of Node. */
export function errorWithCode(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}

/** Node's code of the error; empty if the error has none. */
export function codeOf(cause: unknown): string {
  const code = cause instanceof Error ? (cause as NodeJS.ErrnoException).code : undefined;
  return typeof code === 'string' ? code : '';
}

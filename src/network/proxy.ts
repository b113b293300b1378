// Own code instead of `https-proxy-agent`, which returns a proxy’s 407 as the server’s answer: then nobody can tell
// whether a request was sent.
import net, { BlockList, isIP } from 'node:net';
import type { Env } from '../domain/env.ts';
import { Failure } from '../domain/errors.ts';
import { isLikeToken } from '../domain/secrets.ts';
import { schemeOf } from '../domain/shown-location.ts';
import { errorWithCode } from './network-errors.ts';
import { decodePercent } from './percent.ts';

/** A proxy that opens a tunnel (`CONNECT`). It sees host and port, but no content. */
export interface Proxy {
  readonly host: string;
  readonly port: number;
  /** The value of `Proxy-Authorization`. It is a secret. */
  readonly authorization?: string;
}

export type ProxyChoice = (host: string, port: number) => Proxy | undefined;

/**
 * Which hosts are reached through a proxy: `HTTPS_PROXY` and `NO_PROXY`, in upper or lower case, read as curl does.
 * Only https uses the proxy; a cloud with plain http is on this machine or near it. Throws a Failure (`invalid`) for an
 * invalid address, without the address, because it may contain a password.
 */
export function proxyFromEnv(env: Env): ProxyChoice {
  const variable = proxyVariable(env);
  if (variable === undefined) return () => undefined;
  const proxy = parseProxy(variable, env[variable] ?? '');
  const isExempt = exemptions(env.no_proxy || env.NO_PROXY || '');
  return (host, port) => (isExempt(host, port) ? undefined : proxy);
}

/** The variable that names the proxy. As with curl, the first one that is set counts. */
export function proxyVariable(env: Env): string | undefined {
  return ['https_proxy', 'HTTPS_PROXY'].find((name) => env[name]);
}

/** For people: whether the address is reached through a proxy, and which variable decides it. Omits the login. */
export function describeProxy(
  env: Env,
  address: string,
): { readonly value: string; readonly from: string } | undefined {
  const name = proxyVariable(env);
  const url = URL.canParse(address) ? new URL(address) : undefined;
  if (name === undefined || url?.protocol !== 'https:') return undefined;
  const proxy = proxyFromEnv(env)(url.hostname, Number(url.port || 443));
  if (!proxy) return { value: 'none', from: env.no_proxy ? 'no_proxy' : 'NO_PROXY' };
  const login = proxy.authorization === undefined ? '' : ', with a login';
  return { value: `${proxy.host}:${proxy.port}${login}`, from: name };
}

/**
 * The credentials in the addresses of proxies, as written, decoded, and as sent: passwords, and user names without a password
 * or like a token. Also those of addresses that `proxyFromEnv` refuses.
 */
export function proxySecrets(env: Env): string[] {
  return [env.https_proxy, env.HTTPS_PROXY, env.http_proxy, env.HTTP_PROXY].flatMap((address) => {
    const login = /:\/\/(.+)@/.exec(withScheme(address ?? ''))?.[1];
    if (login === undefined) return [];
    const sent = decodePercent(login).toString();
    // A proxy takes all after the first colon for the password, also if that colon is written %3A.
    const written = [login, sent]
      .flatMap(secretsOfLogin)
      .flatMap((each) => [each, decodePercent(each).toString()]);
    return [...written, decodePercent(login.includes(':') ? login : `${login}:`).toString('base64')];
  });
}

function secretsOfLogin(login: string): string[] {
  const [, user = '', password = ''] = /^([^:]*):?(.*?):?$/s.exec(login) ?? [];
  return [password, ...(password === '' || isLikeToken(user) ? [user] : [])];
}

function withScheme(address: string): string {
  return address.includes('://') ? address : `http://${address}`;
}

function parseProxy(variable: string, address: string): Proxy {
  const full = withScheme(address);
  const scheme = schemeOf(full) ?? '';
  if (scheme !== 'http')
    throw badProxy(
      variable,
      scheme === ''
        ? 'is not the address of an HTTP proxy'
        : `names a ${scheme} proxy, and only http proxies work`,
    );
  const url = URL.canParse(full) ? new URL(full) : undefined;
  // A bare / or # in a password ends the host name there. The rest must not be taken for a path.
  if (!url || url.hostname === '' || `${url.pathname}${url.search}${url.hash}`.includes('@'))
    throw badProxy(variable, 'is not the address of an HTTP proxy');
  const { hostname, port, username, password } = url;
  const login = Buffer.concat([decodePercent(username), Buffer.from(':'), decodePercent(password)]);
  return {
    host: withoutBrackets(hostname),
    port: port === '' ? 80 : Number(port),
    ...(login.length === 1 ? {} : { authorization: `Basic ${login.toString('base64')}` }),
  };
}

/** The failure does not contain the address. */
function badProxy(variable: string, problem: string): Failure {
  return Failure.of('invalid', 'bad-proxy', `${variable} ${problem}`, {
    remedy:
      'write it as http://host:port, or http://user:password@host:port, where a % in the password is written %25, @ is %40, : is %3A, / is %2F and # is %23',
  });
}

/**
 * `NO_PROXY`: names including their subdomains, addresses, networks (`10.0.0.0/8`), each with or without a port; `*`.
 */
function exemptions(list: string): (host: string, port: number) => boolean {
  const entries = list.split(/[\s,]+/).filter((entry) => entry !== '');
  const networks = new BlockList();
  const names: { readonly name: string; readonly port?: number }[] = [];
  for (const entry of entries) {
    // An entry that is not a network is compared as a name, so it exempts nothing by mistake.
    if (addNetwork(networks, entry)) continue;
    const [, host = '', port] = /^(\[[^\]]*\]|.*?)(?::(\d+))?$/.exec(entry.toLowerCase()) ?? [];
    const name = plainName(host.replace(/^\*?\./, ''));
    if (name !== '') names.push({ name, ...(port === undefined ? {} : { port: Number(port) }) });
  }
  return (given, port) => {
    const host = plainName(given);
    const family = isIP(host);
    if (family !== 0 && networks.check(host, family === 6 ? 'ipv6' : 'ipv4')) return true;
    return names.some(
      (entry) =>
        (entry.port === undefined || entry.port === port) &&
        (entry.name === '*' || host === entry.name || host.endsWith(`.${entry.name}`)),
    );
  };
}

/** Whether the entry is an address or a network, with or without IPv6 brackets. */
function addNetwork(networks: BlockList, entry: string): boolean {
  const [, host = '', bits] = /^([^/]*)(?:\/(\d{1,3}))?$/.exec(entry) ?? [];
  // A zone (fe80::1%eth0) names an interface of this machine. A URL cannot contain one.
  const address = withoutBrackets(host).replace(/%.*$/, '');
  const version = isIP(address);
  if (version === 0 || Number(bits ?? 0) > (version === 6 ? 128 : 32)) return false;
  const family = version === 6 ? 'ipv6' : 'ipv4';
  if (bits === undefined) networks.addAddress(address, family);
  else networks.addSubnet(address, Number(bits), family);
  return true;
}

/** In lower case, without brackets and without the trailing dot. */
function plainName(host: string): string {
  return withoutBrackets(host).toLowerCase().replace(/\.$/, '');
}

/** `[::1]` → `::1`. */
export function withoutBrackets(host: string): string {
  return host.replace(/^\[|\]$/g, '');
}

/** Maximum length of the head of a proxy's answer. */
const HEAD_BYTES_MAX = 16 * 1024;

/**
 * Connects through the proxy. Calls `done` once, with the connection or the error. To cancel the attempt, destroy the
 * returned socket. No byte of the request is sent before `done`.
 */
export function openTunnel(
  proxy: Proxy,
  target: { readonly host: string; readonly port: number },
  done: (error: Error | null, tunnel?: net.Socket) => void,
): net.Socket {
  const socket = net.connect(proxy.port, proxy.host);
  const at = `${proxy.host}:${proxy.port}`;
  let head = '';
  const settle = (error: Error | null) => {
    socket.off('data', onData).off('error', onError).off('end', onEnd);
    if (error === null) return done(null, socket);
    socket.on('error', () => {}).destroy();
    done(error);
  };
  const onError = (cause: NodeJS.ErrnoException) =>
    settle(errorWithCode('PROXY_UNREACHABLE', `proxy ${at}: ${cause.code ?? cause.message}`));
  const onEnd = () => settle(errorWithCode('PROXY_REFUSED', `proxy ${at} closed the connection`));
  const onData = (chunk: Buffer) => {
    head += chunk.toString('latin1');
    if (head.length > HEAD_BYTES_MAX)
      return settle(errorWithCode('PROXY_REFUSED', `proxy ${at} speaks no HTTP`));
    if (!head.includes('\r\n\r\n')) return;
    const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1]);
    if (status === 200) settle(null);
    else if (status === 407)
      settle(
        errorWithCode(
          'PROXY_AUTHENTICATION',
          `proxy ${at} asks for a user name and password, or refuses them`,
        ),
      );
    else
      settle(
        errorWithCode(
          'PROXY_REFUSED',
          `proxy ${at} does not connect to ${target.host}: ${status || 'no HTTP'}`,
        ),
      );
  };
  const host = target.host.includes(':') ? `[${withoutBrackets(target.host)}]` : target.host;
  const lines = [
    `CONNECT ${host}:${target.port} HTTP/1.1`,
    `Host: ${host}:${target.port}`,
    ...(proxy.authorization === undefined ? [] : [`Proxy-Authorization: ${proxy.authorization}`]),
  ];
  socket.once('connect', () => socket.write(`${lines.join('\r\n')}\r\n\r\n`));
  return socket.on('data', onData).once('error', onError).once('end', onEnd);
}

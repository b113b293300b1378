import { unreachable } from '../../domain/errors.ts';
import type { AccessKey } from './sign.ts';

/** How to get into a cloud, as far as files and environment say it. Holds secrets: never print it whole. */
export interface CloudSettings {
  /** Where it comes from, for messages: `cloud otc of /home/ann/.config/openstack/clouds.yaml`, `OS_* variables`. */
  readonly source: string;
  /** The working directory, where these come from a clouds.yaml in it that nobody named: they name no file outside. */
  readonly checkout?: string;
  /** As given, with or without `/v3`. */
  readonly auth_url: string;
  readonly auth: Auth;
  readonly region?: string;
  readonly interface: EndpointInterface;
  /** A PEM file of authorities to trust. */
  readonly cacert?: string;
  /** PEM files of a certificate of our own and its key, for clouds that ask for one. */
  readonly cert?: string;
  readonly key?: string;
  /** The cloud's certificate is not checked at all. */
  readonly insecure?: true;
  /** By service type, `_` for `-`: `vbs`, `evs`, `volumev3`, `block_storage`. They win over the catalog. */
  readonly endpoint_overrides: ReadonlyMap<string, string>;
}

export type EndpointInterface = 'public' | 'internal' | 'admin';

/** One way to prove who we are. */
export type Auth =
  | { readonly type: 'password'; readonly user: Named; readonly password: string; readonly project: Named }
  | { readonly type: 'token'; readonly token: string; readonly project: Named }
  /** Bound to its project already. */
  | {
      readonly type: 'application_credential';
      readonly credential: { readonly id: string } | { readonly name: string; readonly user: Named };
      readonly secret: string;
    }
  /** Signs each request. Without a project, it is the one that is called like the region. */
  | {
      readonly type: 'aksk';
      readonly key: AccessKey;
      readonly project?: { readonly id: string } | { readonly name: string };
    };

/** What no output may hold. The access key itself is a name: it is shown, as a user name is. */
export function secretsOf(auth: Auth): readonly (string | undefined)[] {
  switch (auth.type) {
    case 'password':
      return [auth.password];
    case 'token':
      return [auth.token];
    case 'application_credential':
      return [auth.secret];
    case 'aksk':
      return [auth.key.secret_key, auth.key.security_token];
    default:
      return unreachable(auth);
  }
}

/** What Keystone gives a token for. */
export type TokenAuth = Exclude<Auth, { readonly type: 'aksk' }>;

/** Names mean something only within a domain. */
export type Named = { readonly id: string } | { readonly name: string; readonly domain: Domain };
export type Domain = { readonly id: string } | { readonly name: string };

/** The process's environment, passed in. */
export type Env = Readonly<Record<string, string | undefined>>;

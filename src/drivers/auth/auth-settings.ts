import type { AccessKey } from './sign.ts';
import type { Source } from './source.ts';

/** How to connect to a cloud, according to files and environment. Contains secrets: never print it as a whole. */
export interface CloudSettings {
  /** The source, for messages: `cloud otc of /home/ann/.config/openstack/clouds.yaml`, `OS_* variables`. */
  readonly source: string;
  readonly namesOf: Source['namesOf'];
  /** The keys of the settings that the login uses: `username`, `password`, … */
  readonly login_keys: readonly string[];
  /**
   * The working directory, if the settings come from a clouds.yaml in it that nobody named. They may name no file
   * outside.
   */
  readonly checkout?: string;
  /** As given, with or without `/v3`. */
  readonly auth_url: string;
  readonly auth: Auth;
  readonly region?: string;
  readonly interface: EndpointInterface;
  /** A PEM file of certificate authorities to trust. */
  readonly cacert?: string;
  /** PEM files of the client certificate and its key, for clouds that require one. */
  readonly cert?: string;
  readonly key?: string;
  /** The certificate of the cloud is not checked. */
  readonly insecure?: true;
  /** The settings whose values begin or end with white space, or contain a control character: `OS_PASSWORD`. */
  readonly with_odd_characters?: readonly string[];
  /** By service type, with `_` for `-`: `vbs`, `evs`, `volumev3`, `block_storage`. They override the catalog. */
  readonly endpoint_overrides: ReadonlyMap<string, string>;
}

export type EndpointInterface = 'public' | 'internal' | 'admin';

/** One way to authenticate. */
export type Auth =
  | {
      readonly type: 'password';
      readonly user: IdOrName;
      readonly password: string;
      readonly project: IdOrName;
    }
  | { readonly type: 'token'; readonly token: string; readonly project: IdOrName }
  /** Bound to its project when it was created. */
  | {
      readonly type: 'application_credential';
      readonly credential: { readonly id: string } | { readonly name: string; readonly user: IdOrName };
      readonly secret: string;
    }
  /** Signs each request. Without a project, it uses the project that has the name of the region. */
  | {
      readonly type: 'aksk';
      readonly key: AccessKey;
      readonly project?: { readonly id: string } | { readonly name: string };
    };

/** The ways to authenticate for which Keystone issues a token. */
export type TokenAuth = Exclude<Auth, { readonly type: 'aksk' }>;

/** A name is unique only within a domain. */
export type IdOrName = { readonly id: string } | { readonly name: string; readonly domain: Domain };
export type Domain = { readonly id: string } | { readonly name: string };

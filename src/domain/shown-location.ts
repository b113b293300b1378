/**
 * The location of a state as it may be printed, stored and logged: a path unchanged; a URL without login and fragment, and
 * with `…` in place of values of its query that may be secret. Works on the text, so that an invalid URL shows no secret
 * either. Idempotent.
 */
export function shownLocation(location: string): string {
  const [, scheme = '', rest = ''] = /^([a-z][a-z0-9+.-]*:\/\/)(.*)$/is.exec(location) ?? [];
  if (scheme === '') return location;
  const [address = ''] = rest.split('#');
  const [path = '', ...query] = address.split('?');
  const shown = `${scheme}${withoutLogin(scheme, path)}`;
  return query.length === 0 ? shown : `${shown}?${query.join('?').split('&').map(shownParameter).join('&')}`;
}

/** Keeps the user of PostgreSQL; elsewhere it may be a token. A `@` in a path does not end a login. */
function withoutLogin(scheme: string, path: string): string {
  const slash = path.indexOf('/');
  const authority = slash < 0 ? path : path.slice(0, slash);
  const at = authority.lastIndexOf('@');
  if (at < 0) return path;
  const [user = ''] = authority.slice(0, at).split(':');
  const kept = /^postgres/i.test(scheme) && user !== '' ? `${user}@` : '';
  return kept + path.slice(at + 1);
}

/** Parameters of s3:// and postgres:// that hold no secret; every other value is hidden. */
const SHOWN_PARAMETERS = new Set(
  'region path_style encrypt kms_key_id lease_ttl state schema host port sslmode sslrootcert sslcert sslkey uselibpqcompat'.split(
    ' ',
  ),
);

function shownParameter(parameter: string): string {
  const [name = '', ...value] = parameter.split('=');
  if (value.length === 0) return SHOWN_PARAMETERS.has(name) || name === '' ? name : '…';
  if (SHOWN_PARAMETERS.has(name)) return parameter;
  const text = value.join('=');
  return name === 'endpoint' && /^https?:\/\//i.test(text) ? `${name}=${shownLocation(text)}` : `${name}=…`;
}

/** The scheme of a URL in lower case; undefined for a path. */
export function schemeOf(location: string): string | undefined {
  return /^([a-z][a-z0-9+.-]*):\/\//i.exec(location)?.[1]?.toLowerCase();
}

/** Whether a location is a URL and not a path. */
export function isUrl(location: string): boolean {
  return schemeOf(location) !== undefined;
}

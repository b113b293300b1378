/** An error of the operating system, as Node reports it. */
export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

/** The message of the system without the path that Node adds: `ENOSPC: no space left on device, write`. */
export function systemReason(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/ '.*$/, '');
}

const PLAIN: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist',
  ENOTDIR: 'it is not a directory',
  EISDIR: 'it is a directory, not a regular file',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
};

/** The reason in plain words if there are some, otherwise as `systemReason`. Completes "the file cannot be read: …". */
export function plainReason(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return PLAIN[code] ?? systemReason(error);
}

/** An error of the operating system, as Node reports it. */
export function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

/** `ENOSPC: no space left on device, write`: what the system said, without the path Node adds. */
export function systemReason(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replace(/ '.*$/, '');
}

/** Whether a text was not made because it would be longer than V8 can hold (512 Mi characters): by V8, or by Node from bytes. */
export function isTextTooLong(cause: unknown): boolean {
  if (!(cause instanceof Error)) return false;
  const isOfV8 = cause instanceof RangeError && cause.message === 'Invalid string length';
  return isOfV8 || (cause as NodeJS.ErrnoException).code === 'ERR_STRING_TOO_LONG';
}

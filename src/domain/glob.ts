// Own code, not `picomatch`: a regular expression made from a pattern may take exponential time.
/** `*` matches any characters, `?` one (a code point). Takes at most pattern × text steps. */
export function globMatches(globPattern: string, name: string): boolean {
  const pattern = [...globPattern];
  const text = [...name];
  let p = 0;
  let t = 0;
  let star = -1;
  let mark = 0;
  while (t < text.length) {
    if (pattern[p] === '*') {
      star = p++;
      mark = t;
    } else if (p < pattern.length && (pattern[p] === '?' || pattern[p] === text[t])) {
      p++;
      t++;
    } else if (star >= 0) {
      p = star + 1;
      t = ++mark;
    } else return false;
  }
  while (pattern[p] === '*') p++;
  return p === pattern.length;
}

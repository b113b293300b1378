// Own code, not `fastest-levenshtein`, which limits neither the length of a word nor the number of candidates from outside.

/** Longer words are not compared. */
const WORD_MAX = 64;
/** Maximum number of candidates to compare: about 10 ms. */
const CANDIDATES_MAX = 10_000;
/** Maximum number of typos in one word. */
const TYPOS_MAX = 2;
/** Maximum number of suggestions in one report: each costs a comparison with all candidates. */
const SUGGESTIONS_MAX = 10;

/** The candidate that may be meant: equal but for case and separators, or at most two typos away. */
export function suggest(word: string, candidates: Iterable<string>): string | undefined {
  if (word.length > WORD_MAX) return undefined;
  const wanted = normalized(word);
  let best: string | undefined;
  let least = Math.min(TYPOS_MAX, Math.floor(wanted.length / 3)) + 1;
  let compared = 0;
  for (const candidate of candidates) {
    if (++compared > CANDIDATES_MAX) break;
    if (candidate.length > WORD_MAX) continue;
    const other = normalized(candidate);
    if (other === wanted) return candidate;
    if (Math.abs(other.length - wanted.length) >= least) continue;
    const distance = typos(wanted, other, least - 1);
    if (distance < least) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}

/** `suggest` for a report with any number of unknown words: only the first few get a suggestion. */
export function suggestForReport(): typeof suggest {
  let left = SUGGESTIONS_MAX;
  return (word, candidates) => (left-- > 0 ? suggest(word, candidates) : undefined);
}

function normalized(word: string): string {
  return word.toLowerCase().replace(/[-_ ]/g, '');
}

/**
 * The number of letters added, left out, exchanged or swapped with their neighbour (optimal string alignment); Infinity if
 * more than `most`. Each row of the table only has the cells near the diagonal, which are all that so few typos can reach:
 * cell `k` of row `i` stands for column `i - most + k`.
 */
function typos(a: string, b: string, most: number): number {
  const width = 2 * most + 1;
  let before: number[] = [];
  let last: number[] = [];
  for (let i = 0; i <= a.length; i++) {
    const row: number[] = [];
    let least = Infinity;
    for (let k = 0; k < width; k++) {
      const j = i - most + k;
      let cost = Infinity;
      if (j === 0) cost = i;
      else if (i === 0 && j > 0 && j <= b.length) cost = j;
      else if (j > 0 && j <= b.length) {
        const same = a[i - 1] === b[j - 1];
        const added = k > 0 ? at(row, k - 1) + 1 : Infinity;
        const leftOut = k + 1 < width ? at(last, k + 1) + 1 : Infinity;
        cost = Math.min(added, leftOut, at(last, k) + (same ? 0 : 1));
        if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
          cost = Math.min(cost, at(before, k) + 1);
      }
      row.push(cost);
      if (cost < least) least = cost;
    }
    if (least > most) return Infinity;
    before = last;
    last = row;
  }
  const distance = at(last, b.length - a.length + most);
  return distance > most ? Infinity : distance;
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Infinity;
}

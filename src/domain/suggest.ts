// Own code, not `fastest-levenshtein`: it bounds neither the length of a word nor the number of candidates, which strangers write.

/** Longer words are not compared. */
const WORD_MAX = 64;
/** Candidates that a word is compared with, at most: some 10 ms. */
const CANDIDATES_MAX = 10_000;
/** Slips that a person makes in one word. */
const SLIPS_MAX = 2;
/** Suggestions of one report: people read the first few, and each costs a comparison with all candidates. */
const SUGGESTIONS_MAX = 10;

/** The candidate that a person may have meant: the same but for case and separators, else a slip or two away. */
export function suggest(word: string, candidates: Iterable<string>): string | undefined {
  if (word.length > WORD_MAX) return undefined;
  const plain = plainForm(word);
  let best: string | undefined;
  let least = Math.min(SLIPS_MAX, Math.floor(plain.length / 3)) + 1;
  let compared = 0;
  for (const candidate of candidates) {
    if (++compared > CANDIDATES_MAX) break;
    if (candidate.length > WORD_MAX) continue;
    const other = plainForm(candidate);
    if (other === plain) return candidate;
    if (Math.abs(other.length - plain.length) >= least) continue;
    const distance = slips(plain, other, least - 1);
    if (distance < least) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}

/** `suggest` for a report with any number of unknown words: the first few get an answer, the others none. */
export function suggestForReport(): typeof suggest {
  let left = SUGGESTIONS_MAX;
  return (word, candidates) => (left-- > 0 ? suggest(word, candidates) : undefined);
}

function plainForm(word: string): string {
  return word.toLowerCase().replace(/[-_ ]/g, '');
}

/**
 * Letters added, left out, exchanged or swapped with their neighbour (optimal string alignment); Infinity when more
 * than `most`. Of each row of the table only the cells near the diagonal are kept, which is all that so few slips can
 * reach: cell `k` of row `i` stands for column `i - most + k`.
 */
function slips(a: string, b: string, most: number): number {
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

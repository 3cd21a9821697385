// What of one text stands where in another: both are cut into words and marks, and the longest
// run of equal ones is kept (Myers 1986, "An O(ND) difference algorithm and its variations").

import { Offsets } from "../../text/codepoints";
import type { Extent } from "../../text/words";

/** A run of letters and digits, one character of a script without spaces, or one other mark. */
export interface Piece extends Extent {
  text: string;
  /** It says something: a letter or a digit, not a mark alone. */
  spoken: boolean;
}

/** More differing pieces than this are not searched for what is equal among them. */
const MOST_DIFFERENCES = 3000;

const UNSPACED =
  "\\p{Script=Han}\\p{Script=Hiragana}\\p{Script=Katakana}\\p{Script=Thai}\\p{Script=Lao}\\p{Script=Myanmar}\\p{Script=Khmer}";
const PIECE = new RegExp(`[${UNSPACED}]\\p{M}*|(?:(?![${UNSPACED}])[\\p{L}\\p{N}\\p{M}])+|\\S`, "gu");
const SPOKEN = /[\p{L}\p{N}]/u;

export function piecesOf(offsets: Offsets): Piece[] {
  return [...offsets.text.matchAll(PIECE)].map((match) => ({
    text: match[0],
    start: offsets.codePoint(match.index),
    end: offsets.codePoint(match.index + match[0].length),
    spoken: SPOKEN.test(match[0]),
  }));
}

export class Alignment {
  readonly before: readonly Piece[];
  readonly after: readonly Piece[];
  /** For each piece before, the number of the equal piece after, or -1. */
  readonly match: Int32Array;

  constructor(
    readonly from: Offsets,
    readonly to: Offsets,
  ) {
    this.before = piecesOf(from);
    this.after = piecesOf(to);
    this.match = matched(
      this.before.map((each) => each.text),
      this.after.map((each) => each.text),
    );
  }

  /** The numbers of the pieces before that a stretch touches, `end` exclusive. */
  touched({ start, end }: Extent): Extent {
    let first = 0;
    for (let high = this.before.length; first < high; ) {
      const middle = (first + high) >> 1;
      if (this.before[middle]!.end > start) high = middle;
      else first = middle + 1;
    }
    let last = first;
    while (last < this.before.length && this.before[last]!.start < end) last++;
    return { start: first, end: last };
  }
}

/** For each element of `before` the index of its equal in `after`, ascending, or -1. */
export function matched(before: readonly string[], after: readonly string[]): Int32Array {
  const match = new Int32Array(before.length).fill(-1);
  let head = 0;
  while (head < before.length && head < after.length && before[head] === after[head]) {
    match[head] = head;
    head++;
  }
  let tail = 0;
  while (
    tail < before.length - head &&
    tail < after.length - head &&
    before[before.length - 1 - tail] === after[after.length - 1 - tail]
  ) {
    match[before.length - 1 - tail] = after.length - 1 - tail;
    tail++;
  }
  for (const [x, y] of commonPairs(before.slice(head, before.length - tail), after.slice(head, after.length - tail)))
    match[head + x] = head + y;
  return match;
}

function commonPairs(before: readonly string[], after: readonly string[]): [number, number][] {
  const n = before.length;
  const m = after.length;
  if (n === 0 || m === 0) return [];
  const most = Math.min(n + m, MOST_DIFFERENCES);
  const furthest = new Int32Array(2 * most + 2);
  const trace: Int32Array[] = [];
  for (let d = 0; d <= most; d++) {
    trace.push(furthest.slice(most - d, most + d + 1));
    for (let k = -d; k <= d; k += 2) {
      const down = k === -d || (k !== d && furthest[most + k - 1]! < furthest[most + k + 1]!);
      let x = down ? furthest[most + k + 1]! : furthest[most + k - 1]! + 1;
      while (x < n && x - k < m && before[x] === after[x - k]) x++;
      furthest[most + k] = x;
      if (x >= n && x - k >= m) return walkedBack(trace, n, m, d);
    }
  }
  return [];
}

/** `trace[d]` holds the furthest points before step d, on the diagonals -d to d. */
function walkedBack(trace: readonly Int32Array[], n: number, m: number, steps: number): [number, number][] {
  const pairs: [number, number][] = [];
  let x = n;
  let y = m;
  for (let d = steps; d >= 0; d--) {
    const at = (k: number): number => trace[d]![k + d] ?? 0;
    const k = x - y;
    const down = k === -d || (k !== d && at(k - 1) < at(k + 1));
    const fromX = d === 0 ? 0 : down ? at(k + 1) : at(k - 1);
    const fromY = d === 0 ? 0 : fromX - (down ? k + 1 : k - 1);
    const stop = d === 0 ? 0 : down ? fromX : fromX + 1;
    while (x > stop) pairs.push([--x, --y]);
    x = fromX;
    y = fromY;
  }
  return pairs.reverse();
}

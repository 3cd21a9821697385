// How sure each word is, and how a long transcript is cut into blocks that fit the eye.

import type { HeardWord } from "./realign";

/** Tab stops at words below this probability. */
export const DOUBTFUL = 0.6;
/** Words below this one are marked, too. */
export const UNSURE = 0.85;

export type Level = "doubtful" | "unsure" | "sure" | "written";

export function levelOf(word: HeardWord): Level {
  if (word.written) return "written";
  if (word.probability < DOUBTFUL) return "doubtful";
  return word.probability < UNSURE ? "unsure" : "sure";
}

/** A run of words; the numbers count all words of the text, `last` is exclusive. */
export interface Block {
  first: number;
  last: number;
  /** In the text; the gaps between words belong to the block before. */
  start: number;
  end: number;
  begin_seconds: number;
}

const BLOCK_SECONDS = 25;
const LONGEST_BLOCK_SECONDS = 45;

/** Blocks end with a sentence after 25 seconds, or anywhere after 45; short texts are one. */
export function blocksOf(words: readonly HeardWord[], length: number, ends: (word: HeardWord) => boolean): Block[] {
  const blocks: Block[] = [];
  let open: Block = { first: 0, last: words.length, start: 0, end: length, begin_seconds: words[0]?.begin_seconds ?? 0 };
  for (let n = 1; n < words.length; n++) {
    const passed = words[n]!.begin_seconds - open.begin_seconds;
    if (passed < BLOCK_SECONDS || (passed < LONGEST_BLOCK_SECONDS && !ends(words[n - 1]!))) continue;
    blocks.push({ ...open, last: n, end: words[n]!.start });
    open = { ...open, first: n, start: words[n]!.start, begin_seconds: words[n]!.begin_seconds };
  }
  blocks.push(open);
  return blocks;
}

/** The number of the word heard at a moment: the last that has begun; -1 before the first. */
export function heardAt(words: readonly HeardWord[], seconds: number): number {
  let low = 0;
  let high = words.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (words[middle]!.begin_seconds <= seconds) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** What to play so that a word is heard in its surroundings. */
export function around(word: { begin_seconds: number; end_seconds: number }): [number, number] {
  return [Math.max(0, word.begin_seconds - 1), word.end_seconds + 0.7];
}

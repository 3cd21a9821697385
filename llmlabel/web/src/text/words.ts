// The words of a text as borders are moved by them: not white space, and never cutting a grapheme.

import type { Offsets } from "./codepoints";

export interface Extent {
  start: number;
  end: number;
}

/** Words, numbers and punctuation marks in order; code points, `end` exclusive. */
export function wordsOf(offsets: Offsets, language?: string | null): Extent[] {
  const words: Extent[] = [];
  for (const each of segmenter(language).segment(offsets.text)) {
    if (!each.segment.trim()) continue;
    const start = offsets.codePoint(each.index);
    words.push({ start, end: offsets.codePoint(each.index + each.segment.length) });
  }
  return words;
}

function segmenter(language?: string | null): Intl.Segmenter {
  try {
    return new Intl.Segmenter(language || undefined, { granularity: "word" });
  } catch {
    return new Intl.Segmenter(undefined, { granularity: "word" });
  }
}

/** The number of the first word that ends after a place, or the last word; -1 without words. */
export function wordAt(words: readonly Extent[], place: number): number {
  const found = firstFrom(words, (word) => word.end > place);
  return found < words.length ? found : words.length - 1;
}

/** The smallest run of whole words that covers a stretch; null when it holds white space only. */
export function coveringWords(words: readonly Extent[], start: number, end: number): Extent | null {
  const first = firstFrom(words, (word) => word.end > start);
  const last = firstFrom(words, (word) => word.start >= end) - 1;
  if (first > last) return null;
  return { start: words[first]!.start, end: words[last]!.end };
}

/** The next end of a word after a place; the place itself when there is none. */
export function nextEnd(words: readonly Extent[], place: number): number {
  return words[firstFrom(words, (word) => word.end > place)]?.end ?? place;
}

/** The last end of a word before a place; the place itself when there is none. */
export function previousEnd(words: readonly Extent[], place: number): number {
  return words[firstFrom(words, (word) => word.end >= place) - 1]?.end ?? place;
}

/** The next start of a word after a place; the place itself when there is none. */
export function nextStart(words: readonly Extent[], place: number): number {
  return words[firstFrom(words, (word) => word.start > place)]?.start ?? place;
}

/** The last start of a word before a place; the place itself when there is none. */
export function previousStart(words: readonly Extent[], place: number): number {
  return words[firstFrom(words, (word) => word.start >= place) - 1]?.start ?? place;
}

/** The index of the first element that holds; the length when none does. Holding is monotone. */
function firstFrom<T>(sorted: readonly T[], holds: (each: T) => boolean): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(sorted[middle]!)) high = middle;
    else low = middle + 1;
  }
  return low;
}

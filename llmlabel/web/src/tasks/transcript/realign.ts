// An edited transcript keeps its words' times: what is unchanged keeps its own, what replaced
// something takes the time of that, what was put in gets the time between its neighbours.

import type { Word } from "../../api/types";
import { Offsets } from "../../text/codepoints";
import type { Extent } from "../../text/words";
import { Alignment } from "./alignment";

/** A word of the text as it stands now. One that a person wrote has the probability 1. */
export interface HeardWord extends Word {
  written: boolean;
}

interface Kept {
  word: Word;
  number: number;
  place: Extent;
}

/** The words of `after` with their times, from those of `before`. */
export function realign(before: string, words: readonly Word[], after: string, seconds: number): HeardWord[] {
  if (before === after) return words.map((word) => ({ ...word, written: false }));
  const to = new Offsets(after);
  const kept = keptWords(new Alignment(new Offsets(before), to), words, to);
  const found: HeardWord[] = [];
  for (let at = 0; at <= kept.length; at++) {
    const left = kept[at - 1];
    const right = kept[at];
    const gap = { start: left?.place.end ?? 0, end: right?.place.start ?? to.length };
    const replaced = words.slice((left?.number ?? -1) + 1, right?.number ?? words.length);
    const between = {
      begin: left?.word.end_seconds ?? 0,
      end: right?.word.begin_seconds ?? Math.max(seconds, left?.word.end_seconds ?? 0),
    };
    found.push(...timed(chunks(to, gap), replaced, between));
    if (right) found.push({ ...right.word, ...right.place, written: false });
  }
  return found;
}

/** The words whose letters and digits are all still there, side by side. */
function keptWords(alignment: Alignment, words: readonly Word[], to: Offsets): Kept[] {
  const kept: Kept[] = [];
  words.forEach((word, number) => {
    const place = placeOf(alignment, word, to);
    if (place && place.start >= (kept.at(-1)?.place.end ?? 0)) kept.push({ word, number, place });
  });
  // Marks that stand directly at a word belong to it.
  kept.forEach(({ place }, at) => {
    const limit = kept[at + 1]?.place.start ?? to.length;
    while (place.end < limit && isMark(to.slice(place.end, place.end + 1))) place.end++;
    const floor = kept[at - 1]?.place.end ?? 0;
    while (place.start > floor && isMark(to.slice(place.start - 1, place.start))) place.start--;
  });
  return kept;
}

function placeOf(alignment: Alignment, word: Word, to: Offsets): Extent | null {
  const { start, end } = alignment.touched(word);
  let numbers = Array.from({ length: end - start }, (_, n) => start + n);
  const spoken = numbers.filter((n) => alignment.before[n]!.spoken);
  if (spoken.length) numbers = spoken;
  const places = numbers.map((n) => alignment.match[n]!);
  if (!places.length || places.includes(-1)) return null;
  const first = alignment.after[places[0]!]!;
  const last = alignment.after[places.at(-1)!]!;
  const place = {
    start: first.start + Math.max(0, word.start - alignment.before[numbers[0]!]!.start),
    end: last.end - Math.max(0, alignment.before[numbers.at(-1)!]!.end - word.end),
  };
  const inside = alignment.after.slice(places[0], places.at(-1)! + 1).filter((piece) => piece.spoken);
  if (spoken.length && inside.length !== spoken.length) return null;
  return /\s/u.test(to.slice(place.start, place.end)) ? null : place;
}

function isMark(character: string): boolean {
  return !/[\s\p{L}\p{N}\p{M}]/u.test(character);
}

/** The stretches of a gap without white space. */
function chunks(to: Offsets, gap: Extent): Extent[] {
  const from = to.utf16(gap.start);
  return [...to.slice(gap.start, gap.end).matchAll(/\S+/gu)].map((match) => ({
    start: to.codePoint(from + match.index),
    end: to.codePoint(from + match.index + match[0].length),
  }));
}

function timed(
  places: readonly Extent[],
  replaced: readonly Word[],
  between: { begin: number; end: number },
): HeardWord[] {
  if (places.length === replaced.length)
    return places.map((place, n) => ({ ...replaced[n]!, ...place, probability: 1, written: true }));
  const begin = replaced[0]?.begin_seconds ?? between.begin;
  const end = Math.max(begin, replaced.at(-1)?.end_seconds ?? between.end);
  const length = places.reduce((sum, place) => sum + place.end - place.start, 0);
  let passed = 0;
  const at = (): number => begin + ((end - begin) * passed) / length;
  return places.map((place) => {
    const begin_seconds = at();
    passed += place.end - place.start;
    return { ...place, begin_seconds, end_seconds: at(), probability: 1, written: true };
  });
}

/** A text with one stretch replaced; with nothing in its place, the white space before it goes too. */
export function replaced(text: string, stretch: Extent, by: string): string {
  const offsets = new Offsets(text);
  const head = offsets.slice(0, stretch.start);
  const tail = offsets.slice(stretch.end, offsets.length);
  const written = by.trim();
  if (written) return head + written + tail;
  return /\s$/u.test(head) ? head.trimEnd() + tail : head + tail.trimStart();
}

// A text is drawn paragraph by paragraph, so that an edit redraws one of them only.

import type { Offsets } from "../../text/codepoints";
import type { Extent } from "../../text/words";

/** A longer one is cut behind a space, so that the browser never lays out all of a long text. */
const LONGEST = 3000;

const LINE = /[^\r\n\u2028\u2029]*(?:\r\n|[\r\n\u2028\u2029])|[^\r\n\u2028\u2029]+$/g;

/** Every code point is in exactly one; a line break belongs to the paragraph that it ends. */
export function paragraphsOf(offsets: Offsets): Extent[] {
  const made: Extent[] = [];
  let start = 0;
  for (const line of offsets.text.match(LINE) ?? []) {
    for (const piece of piecesOf(line)) {
      const end = offsets.codePoint(offsets.utf16(start) + piece.length);
      made.push({ start, end });
      start = end;
    }
  }
  return made.length > 0 ? made : [{ start: 0, end: 0 }];
}

function piecesOf(line: string): string[] {
  const pieces: string[] = [];
  let rest = line;
  while (rest.length > LONGEST) {
    const sentence = rest.lastIndexOf(". ", LONGEST - 2) + 2;
    const space = rest.lastIndexOf(" ", LONGEST - 1) + 1;
    const cut = sentence > LONGEST / 2 ? sentence : space;
    if (cut === 0) break;
    pieces.push(rest.slice(0, cut));
    rest = rest.slice(cut);
  }
  return [...pieces, rest];
}

/** The number of the paragraph that holds a place. */
export function paragraphAt(paragraphs: readonly Extent[], place: number): number {
  let low = 0;
  let high = paragraphs.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (paragraphs[middle]!.end > place) high = middle;
    else low = middle + 1;
  }
  return low;
}

// A text is drawn paragraph by paragraph, so that an edit redraws one of them only.

import type { Offsets } from "../../text/codepoints";
import type { Extent } from "../../text/words";

/** Every code point is in exactly one; a line break belongs to the paragraph that it ends. */
export function paragraphsOf(offsets: Offsets): Extent[] {
  const made: Extent[] = [];
  let start = 0;
  for (const line of offsets.text.match(/[^\r\n\u2028\u2029]*(?:\r\n|[\r\n\u2028\u2029])|[^\r\n\u2028\u2029]+$/g) ?? []) {
    const end = offsets.codePoint(offsets.utf16(start) + line.length);
    made.push({ start, end });
    start = end;
  }
  return made.length > 0 ? made : [{ start: 0, end: 0 }];
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

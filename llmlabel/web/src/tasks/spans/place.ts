// Between places in the document and code points of the text.

import type { Offsets } from "../../text/codepoints";
import { coveringWords, nextEnd, nextStart, previousEnd, previousStart, type Extent } from "../../text/words";

export interface Selected {
  anchor: number;
  focus: number;
}

/** What is selected within the text; null when nothing is, or something else. */
export function selectedIn(root: HTMLElement, offsets: Offsets): Selected | null {
  const selection = getSelection();
  if (!selection?.anchorNode || !selection.focusNode || selection.isCollapsed) return null;
  if (!root.contains(selection.anchorNode) && !root.contains(selection.focusNode)) return null;
  const anchor = offsetOf(root, offsets, selection.anchorNode, selection.anchorOffset);
  const focus = offsetOf(root, offsets, selection.focusNode, selection.focusOffset);
  return anchor === focus ? null : { anchor, focus };
}

export function select(root: HTMLElement, offsets: Offsets, { anchor, focus }: Selected): void {
  const from = placeOf(root, offsets, anchor, focus >= anchor);
  const to = placeOf(root, offsets, focus, focus < anchor);
  if (from && to) getSelection()?.setBaseAndExtent(from.node, from.offset, to.node, to.offset);
}

/** The code point of a place in the document; outside the text it is the nearest end. */
export function offsetOf(root: HTMLElement, offsets: Offsets, node: Node, offset: number): number {
  const parent = node.parentElement;
  const from = parent?.dataset["from"];
  if (node.nodeType === Node.TEXT_NODE && from !== undefined && root.contains(parent)) {
    return offsets.codePoint(offsets.utf16(Number(from)) + offset);
  }
  const range = document.createRange();
  range.setStart(node, offset);
  const stretches = stretchesOf(root);
  const next = stretches[firstFrom(stretches.length, (n) => range.comparePoint(stretches[n]!, 0) >= 0)];
  return next ? startOf(next) : offsets.length;
}

/** Where a code point stands; at a border, in the stretch after or before it. */
function placeOf(
  root: HTMLElement,
  offsets: Offsets,
  at: number,
  after: boolean,
): { node: Node; offset: number } | null {
  const stretches = stretchesOf(root);
  const next = firstFrom(stretches.length, (n) => (after ? startOf(stretches[n]!) > at : startOf(stretches[n]!) >= at));
  const stretch = stretches[Math.max(0, next - 1)];
  const node = stretch?.firstChild;
  if (!stretch || !node) return null;
  const offset = offsets.utf16(at) - offsets.utf16(startOf(stretch));
  return { node, offset: Math.min(Math.max(offset, 0), node.textContent?.length ?? 0) };
}

/** One word further, or wider by one where the selection is extended. */
export function step(
  words: readonly Extent[],
  from: Selected,
  forward: boolean,
  extend: boolean,
): Selected {
  const { anchor, focus } = from;
  if (extend) {
    if (focus > anchor || (focus === anchor && forward)) {
      const moved = forward ? nextEnd(words, focus) : previousEnd(words, focus);
      if (moved > anchor) return { anchor, focus: moved };
      // Over the anchor: the first word stays, and the selection now grows the other way.
      const first = coveringWords(words, anchor, anchor + 1);
      return { anchor: first?.end ?? anchor, focus: previousStart(words, anchor) };
    }
    const moved = forward ? nextStart(words, focus) : previousStart(words, focus);
    if (moved < anchor) return { anchor, focus: moved };
    const last = coveringWords(words, anchor - 1, anchor);
    return { anchor: last?.start ?? anchor, focus: nextEnd(words, anchor) };
  }
  const low = Math.min(anchor, focus);
  const high = Math.max(anchor, focus);
  const beside = anchor === focus;
  const start = forward
    ? nextStart(words, beside ? low - 1 : Math.max(low, high - 1))
    : previousStart(words, low);
  const word = coveringWords(words, start, start + 1);
  return word ? { anchor: word.start, focus: word.end } : from;
}

/** The word a line above or below the selection, as it is laid out now. */
export function stepLine(root: HTMLElement, offsets: Offsets, words: readonly Extent[], from: Selected, down: boolean): Selected {
  const place = placeOf(root, offsets, Math.min(from.anchor, from.focus), true);
  if (!place) return from;
  const range = document.createRange();
  range.setStart(place.node, place.offset);
  const box = range.getBoundingClientRect();
  for (let lines = 1; lines <= 4; lines++) {
    const y = down ? box.bottom + box.height * (lines - 0.4) : box.top - box.height * (lines - 0.4);
    const found = caretAt(box.left + 1, y);
    if (!found || !root.contains(found.node)) continue;
    const at = offsetOf(root, offsets, found.node, found.offset);
    const word = coveringWords(words, at, at + 1) ?? coveringWords(words, Math.max(0, at - 1), at);
    if (word && (down ? word.start > from.focus - 1 : word.end < from.focus)) {
      return { anchor: word.start, focus: word.end };
    }
  }
  return from;
}

function caretAt(x: number, y: number): { node: Node; offset: number } | null {
  if (document.caretPositionFromPoint) {
    const found = document.caretPositionFromPoint(x, y);
    return found && { node: found.offsetNode, offset: found.offset };
  }
  const range = document.caretRangeFromPoint?.(x, y);
  return range ? { node: range.startContainer, offset: range.startOffset } : null;
}

function stretchesOf(root: HTMLElement): NodeListOf<HTMLElement> {
  return root.querySelectorAll<HTMLElement>("[data-from]");
}

function startOf(stretch: HTMLElement): number {
  return Number(stretch.dataset["from"]);
}

function firstFrom(length: number, holds: (n: number) => boolean): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (holds(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

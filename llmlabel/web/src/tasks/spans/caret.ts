// Choosing words by keyboard or mouse. The browser's own selection is the only state.

import type { RefObject } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Binding } from "../../keys";
import type { Offsets } from "../../text/codepoints";
import { directionOf } from "../../text/direction";
import {
  coveringWords,
  nextEnd,
  nextStart,
  previousEnd,
  previousStart,
  type Extent,
} from "../../text/words";
import type { Entity } from "./entities";
import { paragraphAt, paragraphsOf } from "./paragraphs";
import { select, selectedIn, step, stepLine, type Selected } from "./place";

type Move = (move: (start: number, end: number) => [number, number]) => void;

export interface Caret {
  /** What is selected, in words; null when nothing is. */
  words: string | null;
  /** What is selected, grown to whole words. */
  extent(): Extent | null;
  clear(): void;
  /** The arrows: over the words, and the borders of the active span by `move`. */
  bindings(move: Move): Binding[];
}

export function useCaret(
  passage: RefObject<HTMLElement | null>,
  offsets: Offsets,
  words: readonly Extent[],
  active: Entity | null,
): Caret {
  const [shown, setShown] = useState<string | null>(null);

  const selected = (): Selected | null => (passage.current ? selectedIn(passage.current, offsets) : null);
  const extent = (): Extent | null => {
    const found = selected();
    return found && coveringWords(words, Math.min(found.anchor, found.focus), Math.max(found.anchor, found.focus));
  };

  useEffect(() => {
    const look = (): void => {
      const found = extent();
      setShown(found && offsets.slice(found.start, found.end));
    };
    document.addEventListener("selectionchange", look);
    look(); // a key may have selected something before this was painted
    return () => {
      document.removeEventListener("selectionchange", look);
      if (selected()) getSelection()?.removeAllRanges();
    };
  }, [offsets]);

  const put = (next: Selected): void => {
    if (!passage.current) return;
    select(passage.current, offsets, next);
    getSelection()?.focusNode?.parentElement?.scrollIntoView({ block: "nearest" });
  };
  const from = (forward: boolean): Selected => {
    const at = active ? (forward ? active.end : active.start) : 0;
    return selected() ?? { anchor: at, focus: at };
  };
  /** Whether an arrow goes on in the text: from right to left it is the left one. */
  const onwards = (right: boolean): boolean => {
    const at = selected()?.focus ?? active?.start ?? 0;
    const paragraphs = paragraphsOf(offsets);
    const around = paragraphs[paragraphAt(paragraphs, at)]!;
    return right === (directionOf(offsets.slice(around.start, around.end)) === "ltr");
  };

  const walk = (right: boolean): void => {
    const forward = onwards(right);
    put(step(words, from(forward), forward, false));
  };
  const line = (down: boolean): void => {
    if (passage.current) put(stepLine(passage.current, offsets, words, from(down), down));
  };
  const jump = (to: number): void => {
    const word = coveringWords(words, to, to + 1) ?? words[to === 0 ? 0 : words.length - 1];
    if (word) put({ anchor: word.start, focus: word.end });
  };

  const bindings = (move: Move): Binding[] => {
    const none = active === null;
    const end = (right: boolean): void => {
      const forward = onwards(right);
      const now = selected();
      if (now) return put(step(words, now, forward, true));
      move((a, b) => [a, forward ? nextEnd(words, b) : previousEnd(words, b)]);
    };
    const start = (right: boolean): void => {
      const forward = onwards(right);
      move((a, b) => [forward ? nextStart(words, a) : previousStart(words, a), b]);
    };
    const both = (side: "Left" | "Right"): string[] =>
      ["Alt+", "Mod+", "Alt+Shift+", "Mod+Shift+"].map((with_) => `${with_}Arrow${side}`);
    const group = "Text";
    return [
      { group, keys: ["ArrowRight"], label: "Select the next word", run: () => walk(true) },
      { group, keys: ["ArrowLeft"], label: "Select the word before", run: () => walk(false) },
      { group, keys: ["ArrowDown"], label: "Select a word in the line below", run: () => line(true) },
      { group, keys: ["ArrowUp"], label: "Select a word in the line above", run: () => line(false) },
      { group, keys: ["Home"], label: "Select the first word", run: () => jump(0) },
      { group, keys: ["End"], label: "Select the last word", run: () => jump(offsets.length) },
      { group, keys: ["Shift+ArrowRight"], label: "Widen the selection, or move the span's end", run: () => end(true) },
      { group, keys: ["Shift+ArrowLeft"], label: "Narrow the selection, or move the span's end", run: () => end(false) },
      { group, keys: both("Right"), label: "Move the span's start onwards", run: () => start(true) },
      { group, keys: both("Left"), label: "Move the span's start back", run: () => start(false) },
      { group, keys: ["."], label: "The span's end one character on", disabled: none, run: () => move((a, b) => [a, offsets.nextGrapheme(b)]) },
      { group, keys: [","], label: "The span's end one character back", disabled: none, run: () => move((a, b) => [a, offsets.previousGrapheme(b)]) },
      { group, keys: [">", "Shift+."], label: "The span's start one character on", disabled: none, run: () => move((a, b) => [offsets.nextGrapheme(a), b]) },
      { group, keys: ["<", "Shift+,"], label: "The span's start one character back", disabled: none, run: () => move((a, b) => [offsets.previousGrapheme(a), b]) },
      { group, keys: ["Escape"], label: "Drop the selection", disabled: shown === null, run: clear },
    ];
  };

  return { words: shown, extent, clear, bindings };
}

function clear(): void {
  getSelection()?.removeAllRanges();
}

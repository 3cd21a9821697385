import type { VNode } from "preact";
import { useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Offsets } from "../../text/codepoints";
import type { HeardWord } from "./realign";
import { clock } from "./sound";
import { levelOf, type Block } from "./words";

interface Props {
  offsets: Offsets;
  words: readonly HeardWord[];
  blocks: readonly Block[];
  /** The number of the word that is being rewritten. */
  editing: number | null;
  onWrite(written: string, onward: boolean): void;
  onLeave(): void;
}

/** The transcript, word by word. What lies between the words is shown as it is. */
export function Words({ blocks, ...props }: Props): VNode[] {
  return blocks.map((block) => (
    <Paragraph key={block.first} {...props} block={block} timed={blocks.length > 1} />
  ));
}

function Paragraph(props: Omit<Props, "blocks"> & { block: Block; timed: boolean }): VNode {
  const { offsets, words, block, editing, timed } = props;
  const text = offsets.slice(block.start, block.end);
  const mine = words.slice(block.first, block.last);
  const here = editing !== null && editing >= block.first && editing < block.last ? editing : null;
  const drawn = mine.map((word) => `${word.start - block.start} ${levelOf(word)} ${word.probability}`).join();
  return useMemo(
    () => (
      <div class="words-block">
        {timed && <span class="words-time small soft number">{clock(block.begin_seconds).slice(0, -2)}</span>}
        <div dir="auto">{pieces({ ...props, editing: here })}</div>
      </div>
    ),
    [text, drawn, block.first, here, timed],
  );
}

function pieces({ offsets, words, block, editing, onWrite, onLeave }: Omit<Props, "blocks"> & { block: Block }): (VNode | string)[] {
  const found: (VNode | string)[] = [];
  let at = block.start;
  for (let n = block.first; n < block.last; n++) {
    const word = words[n]!;
    const text = offsets.slice(word.start, word.end);
    found.push(offsets.slice(at, word.start));
    found.push(
      n === editing ? (
        <Rewrite key="editing" text={text} onWrite={onWrite} onLeave={onLeave} />
      ) : (
        <Word key={n} number={n} word={word} text={text} />
      ),
    );
    at = word.end;
  }
  found.push(offsets.slice(at, block.end));
  return found;
}

/** No button element: Enter and Space belong to the page and to the sound here. */
function Word({ number, word, text }: { number: number; word: HeardWord; text: string }): VNode {
  const level = levelOf(word);
  const percent = Math.round(word.probability * 100);
  const doubtful =
    level === "doubtful" ? { role: "button" as const, tabIndex: 0, "aria-label": `${text} (${percent} percent sure)` } : { tabIndex: -1 };
  return (
    <span class={`word word-${level}`} data-n={number} {...doubtful}>
      {text}
    </span>
  );
}

function Rewrite({ text, onWrite, onLeave }: { text: string; onWrite: Props["onWrite"]; onLeave(): void }): VNode {
  const [value, setValue] = useState(text);
  const field = useRef<HTMLInputElement>(null);
  const done = useRef(false);
  // At once: the next key may come before the browser paints.
  useLayoutEffect(() => field.current?.select(), []);

  const finish = (act: () => void): void => {
    if (done.current) return;
    done.current = true;
    act();
  };
  const press = (event: KeyboardEvent): void => {
    if (event.isComposing) return;
    const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
    if (event.key === "Escape") finish(onLeave);
    else if (plain && (event.key === "Enter" || (event.key === "Tab" && !event.shiftKey)))
      finish(() => onWrite(value, true));
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <input
      ref={field}
      class="word-field"
      dir="auto"
      aria-label={`Instead of ${text}`}
      autocomplete="off"
      value={value}
      style={{ width: `${Math.max(4, [...value].length + 2)}ch` }}
      onInput={(event) => setValue(event.currentTarget.value)}
      onKeyDown={press}
      onBlur={() => finish(() => onWrite(value, false))}
    />
  );
}

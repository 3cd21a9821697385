import type { VNode } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Binding } from "../../keys";
import { useKeys } from "../../keys";
import { Offsets } from "../../text/codepoints";
import type { TaskProps } from "../task";
import { Player, useSound } from "./Player";
import { realign, replaced } from "./realign";
import { clock } from "./sound";
import { around, blocksOf, heardAt, levelOf } from "./words";
import { Words } from "./Words";
import "./transcript.css";

/** What was said, to be heard and corrected. */
export function Transcript(props: TaskProps): VNode {
  return <Listener key={props.item.id} {...props} />;
}

function Listener({ item, draft, onDraft }: TaskProps): VNode {
  const { document: source } = item;
  const heard = source.text;
  const text = draft?.kind === "transcript" ? draft.text : (heard ?? "");
  const length = source.transcript?.duration_seconds ?? 0;
  const sound = useSound(source);
  const offsets = useMemo(() => new Offsets(text), [text]);
  const words = useMemo(() => realign(heard ?? "", source.transcript?.words ?? [], text, length), [item, text]);
  const blocks = useMemo(
    () => blocksOf(words, offsets.length, (word) => /[.?!。？！]\S?$/u.test(offsets.slice(word.start, word.end))),
    [words],
  );
  const doubtful = words.flatMap((word, n) => (levelOf(word) === "doubtful" ? [n] : []));

  /** There are words to go back to, not only a text. */
  const timed = (source.transcript?.words.length ?? 0) > 0;
  const [writing, setWriting] = useState(!timed);
  const [editing, setEditing] = useState<number | null>(null);
  const [current, setCurrent] = useState<number | null>(null);
  const past = useRef<string[]>([]);
  const future = useRef<string[]>([]);
  const place = useRef<HTMLDivElement>(null);
  /** After the next drawing the focus goes to the first doubtful word from here on. */
  const onward = useRef<number | null>(0);

  const put = (next: string): void => {
    if (next === text) return;
    past.current.push(text);
    future.current = [];
    onDraft({ kind: "transcript", text: next });
  };
  const step = (from: string[], to: string[]): void => {
    const next = from.pop();
    if (next === undefined) return;
    to.push(text);
    onDraft({ kind: "transcript", text: next });
  };
  const write = (n: number, written: string, next: boolean): void => {
    const word = words[n]!;
    setEditing(null);
    if (next) onward.current = word.start + [...written.trim()].length;
    put(replaced(text, word, written));
  };
  const hear = (n: number | null): void => {
    const word = words[n ?? -1];
    if (word && sound) sound.playFrom(...around(word));
  };
  const goTo = (n: number): void => focusOn(place.current?.querySelector(`[data-n="${n}"]`));

  useLayoutEffect(() => {
    const from = onward.current;
    if (from === null || writing || busy(place.current)) return;
    onward.current = null;
    const next = doubtful.find((n) => words[n]!.start >= from);
    if (next === undefined) focusOn(place.current);
    else goTo(next);
  });

  useEffect(
    () =>
      sound?.listen(() => {
        const now = sound.playing ? heardAt(words, sound.position) : -1;
        for (const each of place.current?.querySelectorAll(".word-now") ?? [])
          if (each.getAttribute("data-n") !== String(now)) each.classList.remove("word-now");
        place.current?.querySelector(`[data-n="${now}"]`)?.classList.add("word-now");
      }),
    [sound, words],
  );

  const group = "Transcript";
  const wordKeys: Binding[] = [
    { group, keys: ["Tab"], label: "To the next doubtful word; it is played", get disabled() { return atControl(); }, run: () => goTo(doubtful.find((n) => n > (current ?? -1)) ?? doubtful[0] ?? -1) },
    { group, keys: ["Mod+ArrowRight"], label: "To the next word of all", run: () => goTo((current ?? -1) + 1) },
    { group, keys: ["Mod+ArrowLeft"], label: "To the word before of all", run: () => goTo((current ?? words.length) - 1) },
    { group, keys: ["p"], label: "Play the word again", disabled: current === null, run: () => hear(current) },
    { group, keys: ["e"], label: "Rewrite the word", disabled: current === null, run: () => setEditing(current) },
    { group, keys: ["Delete", "Backspace"], label: "Take the word out", get disabled() { return current === null || !place.current?.contains(document.activeElement); }, run: () => write(current!, "", true) },
    { group, keys: ["w"], label: "Write in the whole text", run: () => setWriting(true) },
    { group, keys: ["Mod+z"], label: "Undo the last change to this text", run: () => step(past.current, future.current) },
    { group, keys: ["Mod+Shift+z", "Mod+y"], label: "Redo", run: () => step(future.current, past.current) },
  ];
  useKeys(wordKeys, { active: !writing });

  const word = current === null ? undefined : words[current];
  return (
    <div class="transcript">
      {sound ? (
        <Player sound={sound} marks={doubtful.map((n) => words[n]!.begin_seconds)} />
      ) : (
        <p class="notice notice-warn">This transcript came without a recording.</p>
      )}
      {source.transcript?.warnings.map((warning) => (
        <p key={warning} class="notice notice-warn small">
          {warning}
        </p>
      ))}
      {writing ? (
        <Whole
          text={text}
          blind={heard === null}
          given={draft !== null}
          onText={(next) => (heard === null && !next.trim() ? onDraft(null) : put(next))}
          onNothing={() => onDraft({ kind: "transcript", text: "" })}
          onLeave={
            timed
              ? () => {
                  onward.current = 0;
                  setWriting(false);
                }
              : null
          }
        />
      ) : (
        <>
          <div
            ref={place}
            class="document words"
            role="group"
            aria-label="Transcript"
            tabIndex={-1}
            onFocusIn={(event) => {
              const n = numberOf(event.target);
              setCurrent(n);
              if (editing === null) hear(n);
            }}
            onClick={(event) => {
              // A word that has the focus already is heard once more.
              const n = numberOf(event.target);
              if (n !== null && n === current) hear(n);
            }}
            onDblClick={(event) => setEditing(numberOf(event.target))}
          >
            <Words
              {...{ offsets, words, blocks, editing }}
              onWrite={(written, next) => write(editing!, written, next)}
              onLeave={() => {
                onward.current = words[editing!]!.start;
                setEditing(null);
              }}
            />
          </div>
          <div class="row small soft">
            <span class="spring">
              {word ? (
                <>
                  “{offsets.slice(word.start, word.end)}”: {word.written ? "written by you" : `${Math.round(word.probability * 100)} % sure`}, at{" "}
                  {clock(word.begin_seconds)}
                </>
              ) : (
                count(doubtful.length)
              )}
            </span>
            <button type="button" class="button" disabled={current === null} onClick={() => setEditing(current)}>
              Rewrite <kbd>E</kbd>
            </button>
            <button type="button" class="button" onClick={() => setWriting(true)}>
              Whole text <kbd>W</kbd>
            </button>
          </div>
        </>
      )}
    </div>
  );
}

interface WholeProps {
  text: string;
  blind: boolean;
  /** There is an answer to send. */
  given: boolean;
  onText(text: string): void;
  onNothing(): void;
  onLeave: (() => void) | null;
}

function Whole({ text, blind, given, onText, onNothing, onLeave }: WholeProps): VNode {
  const field = useRef<HTMLTextAreaElement>(null);
  useLayoutEffect(() => field.current?.focus(), []);
  return (
    <div class="field">
      <label for="whole-text" class="small soft">
        {blind ? "Write what you hear" : "The whole text"} (<kbd>Alt</kbd> <kbd>K</kbd> plays,{" "}
        <kbd>Alt</kbd> <kbd>J</kbd> goes back{onLeave && <>, <kbd>Esc</kbd> goes back to the words</>})
      </label>
      <textarea
        ref={field}
        id="whole-text"
        class="document whole-text"
        dir="auto"
        rows={6}
        value={text}
        onInput={(event) => onText(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== "Escape" || event.isComposing || !onLeave) return;
          event.preventDefault();
          event.stopPropagation();
          onLeave();
        }}
      />
      {!text && (
        <div>
          <button type="button" class="button" aria-pressed={given} onClick={onNothing}>
            Nobody speaks
          </button>
        </div>
      )}
    </div>
  );
}

function count(doubtful: number): string {
  if (doubtful === 0) return "No word is in doubt.";
  return doubtful === 1 ? "One word is in doubt." : `${doubtful} words are in doubt.`;
}

function numberOf(target: EventTarget | null): number | null {
  const found = target instanceof HTMLElement ? target.closest("[data-n]")?.getAttribute("data-n") : null;
  return found ? Number(found) : null;
}

/** Somebody is typing elsewhere: the focus stays there. */
function busy(own: HTMLElement | null): boolean {
  const focused = document.activeElement;
  return (focused?.matches("input, textarea, select, dialog, dialog *") ?? false) && !own?.contains(focused);
}

/** The browser's own order of focus goes on from here. */
function atControl(): boolean {
  return document.activeElement?.matches("a[href], button, input, select, textarea, summary, [tabindex='0'], .word") ?? false;
}

function focusOn(target: Element | null | undefined): void {
  if (!(target instanceof HTMLElement) || target === document.activeElement) return;
  target.focus({ preventScroll: true });
  if (target.matches("[data-n]")) target.scrollIntoView({ block: "nearest" });
}

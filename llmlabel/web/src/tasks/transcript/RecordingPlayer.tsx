import type { VNode } from "preact";
import { useMemo } from "preact/hooks";
import type { Review, Unit } from "../../api/types";
import { Offsets } from "../../text/codepoints";
import { Player, useSound } from "./Player";
import { clock } from "./sound";
import { around, UNSURE } from "./words";

interface Moment {
  text: string;
  begin_seconds: number;
  end_seconds: number;
  doubtful: boolean;
}

/** The recording of an item that is not about its transcript; nothing where there is none. */
export function RecordingPlayer({ item }: { item: Review }): VNode | null {
  const sound = useSound(item.document);
  const moments = useMemo(() => momentsOf(item), [item]);
  const marks = useMemo(() => moments.map((each) => each.begin_seconds), [moments]);
  if (!sound) return null;

  const hear = (): void => {
    const moment = selected(item);
    if (moment) sound.playFrom(...around(moment));
    else sound.toggle();
  };
  return (
    <div class="player">
      <Player
        sound={sound}
        marks={marks}
        aside
        keys={[{ group: "Sound", keys: ["p", "Alt+p"], label: "Play the selected text", run: hear }]}
      />
      {moments.length > 0 && (
        <ul class="heard" aria-label="Where it is said">
          {moments.map((moment) => (
            <li key={`${moment.begin_seconds} ${moment.text}`}>
              <button
                type="button"
                class={moment.doubtful ? "button heard-doubtful" : "button"}
                onClick={() => sound.playFrom(...around(moment))}
              >
                {moment.text} <span class="small soft number">{clock(moment.begin_seconds)}</span>
              </button>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

/** Where the proposed spans are said, in the order of time. */
function momentsOf({ document, proposal }: Review): Moment[] {
  const offsets = new Offsets(document.text ?? "");
  const moments = (proposal?.units ?? []).flatMap((unit) => {
    const said = timesOf(unit, document.transcript?.words ?? []);
    const doubtful = unit.probability === null || unit.probability < UNSURE;
    return said ? [{ text: offsets.slice(unit.start, unit.end), doubtful, ...said }] : [];
  });
  return moments.sort((a, b) => a.begin_seconds - b.begin_seconds);
}

type Words = NonNullable<Review["document"]["transcript"]>["words"];

function timesOf(
  { start, end, ...unit }: Pick<Unit, "start" | "end"> & Partial<Unit>,
  words: Words,
): { begin_seconds: number; end_seconds: number } | null {
  if (unit.begin_seconds != null && unit.end_seconds != null)
    return { begin_seconds: unit.begin_seconds, end_seconds: unit.end_seconds };
  const under = words.filter((word) => word.start < end && word.end > start);
  const [first, last] = [under[0], under.at(-1)];
  return first && last ? { begin_seconds: first.begin_seconds, end_seconds: last.end_seconds } : null;
}

/** Where the text that is selected on the page is said: the first place that reads so. */
function selected({ document }: Review): { begin_seconds: number; end_seconds: number } | null {
  const text = getSelection()?.toString().trim() ?? "";
  const offsets = new Offsets(document.text ?? "");
  const at = text ? offsets.text.indexOf(text) : -1;
  if (at < 0) return null;
  const extent = { start: offsets.codePoint(at), end: offsets.codePoint(at + text.length) };
  return timesOf(extent, document.transcript?.words ?? []);
}

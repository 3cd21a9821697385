import type { VNode } from "preact";
import { useEffect, useMemo, useState } from "preact/hooks";
import { useKeys, type Binding } from "../../keys";
import { lazy } from "../../lazy";
import { clock, SPEEDS, type Outline, Sound } from "./sound";
import type { WaveformProps } from "./Waveform";
import "./player.css";

const Waveform = lazy<WaveformProps>(() => import("./Waveform").then((file) => file.Waveform));
const NO_MARKS: readonly number[] = [];
const STEP = 2;

interface Recorded {
  id: string;
  recording: { bytes: number } | null;
}

/** The sound of a document for as long as the component stands; null without a recording. */
export function useSound({ id, recording }: Recorded): Sound | null {
  const bytes = recording?.bytes ?? null;
  const sound = useMemo(() => (bytes === null ? null : new Sound(id, bytes)), [id, bytes]);
  useEffect(() => () => sound?.close(), [sound]);
  return sound;
}

interface Props {
  sound: Sound;
  /** Moments to look for, in seconds. */
  marks?: readonly number[];
  /** More keys of the sound. */
  keys?: readonly Binding[];
  /** Beside a task with uses of its own for Space and the arrows. */
  aside?: boolean;
}

/** The waveform, the position, and keys to play, seek and change the speed. */
export function Player({ sound, marks = NO_MARKS, keys = [], aside = false }: Props): VNode {
  const [, redraw] = useState("");
  const [outline, setOutline] = useState<Outline | "none" | null>(null);
  useEffect(
    () => sound.listen(() => redraw([clock(sound.position), sound.playing, sound.seconds, sound.speed, sound.problem, sound.converting].join())),
    [sound],
  );
  useEffect(() => {
    let gone = false;
    setOutline(null);
    sound.outline().then(
      (found) => gone || setOutline(found),
      () => gone || setOutline("none"),
    );
    return () => {
      gone = true;
    };
  }, [sound]);

  const group = "Sound";
  const own: Binding[] = [
    { group, keys: ["Space"], label: "Play or pause", run: () => sound.toggle() },
    { group, keys: ["ArrowLeft"], label: `Back ${STEP} seconds`, run: () => sound.by(-STEP) },
    { group, keys: ["ArrowRight"], label: `Forward ${STEP} seconds`, run: () => sound.by(STEP) },
  ];
  useKeys([
    ...(aside ? [] : own),
    { group, keys: ["Alt+k"], label: "Play or pause, also while writing", inFields: true, run: () => sound.toggle() },
    { group, keys: ["Alt+j"], label: `Back ${STEP} seconds, also while writing`, inFields: true, run: () => sound.by(-STEP) },
    { group, keys: ["Alt+l"], label: `Forward ${STEP} seconds, also while writing`, inFields: true, run: () => sound.by(STEP) },
    { group, keys: [","], label: "Slower", run: () => sound.faster(-1) },
    { group, keys: ["."], label: "Faster", run: () => sound.faster(1) },
    ...keys,
  ]);

  const seconds = sound.seconds || (outline && outline !== "none" ? outline.seconds : 0);
  return (
    <div class="player" role="group" aria-label="Recording">
      {outline === null && <p class="waveform waveform-waiting small soft">Drawing the sound…</p>}
      {outline !== null && outline !== "none" && <Waveform sound={sound} outline={outline} marks={marks} />}
      <div class="row">
        <button type="button" class="button" onClick={() => sound.toggle()}>
          {sound.playing ? <PauseSign /> : <PlaySign />}
          <span class="out-of-sight">{sound.playing ? "Pause" : "Play"}</span>
          <kbd>{aside ? "Alt K" : "Space"}</kbd>
        </button>
        <input
          type="range"
          class="player-place spring"
          aria-label="Position"
          aria-valuetext={`${clock(sound.position)} of ${clock(seconds)}`}
          min={0}
          max={seconds || 1}
          step={0.1}
          value={sound.position}
          onInput={(event) => sound.seek(event.currentTarget.valueAsNumber)}
        />
        <span class="number small">
          {clock(sound.position)} / {clock(seconds)}
        </span>
        <label class="row small">
          <span class="out-of-sight">Speed</span>
          <select
            class="input"
            value={sound.speed}
            onChange={(event) => {
              sound.speed = Number(event.currentTarget.value);
            }}
          >
            {SPEEDS.map((speed) => (
              <option key={speed} value={speed}>
                {speed}×
              </option>
            ))}
          </select>
        </label>
      </div>
      {sound.converting && <p class="small soft" role="status">Making the recording playable here…</p>}
      {sound.problem && (
        <p class="notice notice-bad" role="alert">
          {sound.problem}{" "}
          <button type="button" class="button" onClick={() => sound.retry()}>
            Try again
          </button>
        </p>
      )}
    </div>
  );
}

function PlaySign(): VNode {
  return (
    <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      <path d="M4 2.5v11l9-5.5z" fill="currentColor" />
    </svg>
  );
}

function PauseSign(): VNode {
  return (
    <svg viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      <path d="M4 2.5h3v11H4zM9 2.5h3v11H9z" fill="currentColor" />
    </svg>
  );
}

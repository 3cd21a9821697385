import type { VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";
import WaveSurfer from "wavesurfer.js";
import type { Outline, Sound } from "./sound";

export interface WaveformProps {
  sound: Sound;
  outline: Outline;
  /** Moments to look for, in seconds. */
  marks: readonly number[];
}

const HEIGHT = 64;
/** Longer recordings scroll under the cursor instead of being squeezed. */
const SQUEEZED_SECONDS = 90;
const PIXELS_PER_SECOND = 24;
const MOST_MARKS = 400;

/** The outline of the sound. Everything it does can be done by keys and by the slider under it. */
export function Waveform({ sound, outline, marks }: WaveformProps): VNode {
  const place = useRef<HTMLDivElement>(null);
  const moments = shown(marks, outline.seconds);

  useEffect(() => {
    const container = place.current;
    if (!container) return;
    const wave = WaveSurfer.create({
      container,
      media: sound.media,
      peaks: [Float32Array.from(outline.peaks, (peak) => peak / 99)],
      duration: outline.seconds,
      height: HEIGHT,
      normalize: true,
      barWidth: 2,
      barGap: 1,
      barRadius: 1,
      cursorWidth: 2,
      hideScrollbar: true,
      minPxPerSec: outline.seconds > SQUEEZED_SECONDS ? PIXELS_PER_SECOND : 0,
      ...colours(container),
      ...nonce(),
    });
    const dark = matchMedia("(prefers-color-scheme: dark)");
    const recolour = (): void => wave.setOptions(colours(container));
    dark.addEventListener("change", recolour);
    const marked = moments.map((moment) => mark(moment / outline.seconds));
    wave.getWrapper().append(...marked);
    return () => {
      dark.removeEventListener("change", recolour);
      wave.destroy();
    };
  }, [sound, outline, moments.join()]);

  return <div ref={place} class="waveform" aria-hidden="true" />;
}

function shown(marks: readonly number[], seconds: number): number[] {
  const apart = seconds / MOST_MARKS;
  const kept: number[] = [];
  for (const each of marks) if (each <= seconds && each - (kept.at(-1) ?? -seconds) >= apart) kept.push(each);
  return kept;
}

function mark(share: number): HTMLElement {
  const line = document.createElement("div");
  Object.assign(line.style, {
    position: "absolute",
    left: `${share * 100}%`,
    bottom: "0",
    width: "0",
    borderInline: "4px solid transparent",
    borderBottom: "7px solid var(--warn)",
    transform: "translateX(-4px)",
    pointerEvents: "none",
    zIndex: "4",
  });
  return line;
}

/** Canvas knows no custom properties. */
function colours(container: HTMLElement): { waveColor: string; progressColor: string; cursorColor: string } {
  const probe = container.ownerDocument.createElement("span");
  container.append(probe);
  const value = (name: string): string => {
    probe.style.color = `var(${name})`;
    return getComputedStyle(probe).color;
  };
  const found = {
    waveColor: value("--line-strong"),
    progressColor: value("--accent"),
    cursorColor: value("--ink"),
  };
  probe.remove();
  return found;
}

/** The page's own permission for styles that a script makes. */
function nonce(): { cspNonce?: string } {
  const meta = document.querySelector<HTMLMetaElement>("meta[property=csp-nonce]");
  const given = meta?.nonce || meta?.getAttribute("nonce");
  return given ? { cspNonce: given } : {};
}

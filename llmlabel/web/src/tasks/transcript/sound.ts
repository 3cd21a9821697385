// A document's recording as it is played here: one media element, which streams; nothing is
// decoded as a whole.

import { ask, call, inWords, Problem } from "../../api/client";
import { heard } from "../../queue/pulse";

export interface Outline {
  seconds: number;
  per_second: number;
  /** 0 to 99. */
  peaks: number[];
}

export const SPEEDS = [0.5, 0.75, 1, 1.25, 1.5, 2];
const SPEED_KEY = "llmlabel.speed";
const FETCH_WHOLE_BYTES = 20_000_000;

export class Sound {
  readonly media = new Audio();
  /** What went wrong, for the reviewer. */
  problem: string | null = null;
  /** The browser cannot play what was submitted; the service makes something it can. */
  converting = false;
  private readonly address: string;
  private readonly listeners = new Set<() => void>();
  private stopAt: number | null = null;
  private frame = 0;
  private closed = false;

  constructor(documentId: string, bytes: number) {
    this.address = `/v1/documents/${encodeURIComponent(documentId)}/recording`;
    this.media.preload = bytes <= FETCH_WHOLE_BYTES ? "auto" : "metadata";
    this.media.src = this.address;
    this.speed = storedSpeed();
    for (const name of ["play", "pause", "seeked", "durationchange", "ratechange", "canplay"])
      this.media.addEventListener(name, this.changed);
    this.media.addEventListener("play", this.watch);
    this.media.addEventListener("timeupdate", () => this.playing && heard());
    this.media.addEventListener("error", () => void this.failed());
  }

  get playing(): boolean {
    return !this.media.paused && !this.media.ended;
  }

  get position(): number {
    return this.media.currentTime;
  }

  get seconds(): number {
    return Number.isFinite(this.media.duration) ? this.media.duration : 0;
  }

  get speed(): number {
    return this.media.playbackRate;
  }

  set speed(rate: number) {
    // The default is what stays when another source is loaded.
    this.media.defaultPlaybackRate = rate;
    this.media.playbackRate = rate;
    try {
      localStorage.setItem(SPEED_KEY, String(rate));
    } catch {
      // Then it is this recording's only.
    }
  }

  faster(steps: number): void {
    const at = SPEEDS.findIndex((each) => each >= this.speed - 1e-6);
    this.speed = SPEEDS[Math.min(Math.max(at + steps, 0), SPEEDS.length - 1)]!;
  }

  /** Play from here on, or pause. */
  toggle(): void {
    if (this.playing) return this.media.pause();
    this.stopAt = null;
    if (this.media.ended || this.position >= this.seconds) this.media.currentTime = 0;
    this.play();
  }

  playFrom(begin: number, end: number | null = null): void {
    this.media.currentTime = Math.max(0, begin);
    this.stopAt = end;
    this.play();
  }

  seek(position: number): void {
    this.stopAt = null;
    this.media.currentTime = Math.min(Math.max(position, 0), this.seconds || position);
    this.changed();
  }

  by(seconds: number): void {
    this.seek(this.position + seconds);
  }

  /** Called on every change, while it plays with every frame; gives back how to stop that. */
  listen(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** How loud it is from moment to moment. The first time it is asked for it may take seconds. */
  outline(): Promise<Outline> {
    return call<Outline>("GET", `${this.address}/peaks`, { timeoutSeconds: 300 });
  }

  retry(): void {
    this.problem = null;
    this.media.load();
    this.changed();
  }

  close(): void {
    this.closed = true;
    cancelAnimationFrame(this.frame);
    this.listeners.clear();
    this.media.pause();
    this.media.removeAttribute("src");
    this.media.load();
  }

  private play(): void {
    // Browsers refuse sound before the first key or click; the reviewer then presses Space.
    this.media.play().catch(() => this.changed());
  }

  private readonly changed = (): void => {
    if (this.media.readyState >= this.media.HAVE_METADATA) this.converting = false;
    for (const listener of this.listeners) listener();
  };

  private readonly watch = (): void => {
    cancelAnimationFrame(this.frame);
    const look = (): void => {
      if (this.stopAt !== null && this.position >= this.stopAt) {
        this.stopAt = null;
        this.media.pause();
      }
      this.changed();
      if (this.playing) this.frame = requestAnimationFrame(look);
    };
    this.frame = requestAnimationFrame(look);
  };

  private async failed(): Promise<void> {
    if (this.closed) return;
    const converted = this.media.src.endsWith("form=flac");
    this.converting = false;
    try {
      // A media element does not say why: the service does.
      await ask("GET", this.address, { headers: { Range: "bytes=0-0" } });
      if (!converted && !this.closed) {
        this.converting = true;
        this.media.src = `${this.address}?form=flac`;
        this.media.load();
      } else this.problem = "This browser cannot play the recording.";
    } catch (error) {
      this.problem =
        error instanceof Problem ? inWords(error) : "The recording did not come: the service cannot be reached.";
    }
    this.changed();
  }
}

function storedSpeed(): number {
  try {
    const stored = Number.parseFloat(localStorage.getItem(SPEED_KEY) ?? "1");
    return SPEEDS.includes(stored) ? stored : 1;
  } catch {
    return 1;
  }
}

/** `1:02:07.4`, `0:07.4`. */
export function clock(seconds: number): string {
  const tenths = Math.floor(seconds * 10 + 1e-6);
  const minutes = Math.floor(tenths / 600) % 60;
  const hours = Math.floor(tenths / 36_000);
  const rest = ((tenths % 600) / 10).toFixed(1).padStart(4, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

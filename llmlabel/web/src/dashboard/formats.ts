import { duration } from "../text/amounts";

/** Stands for what is not known. */
export const UNKNOWN = "–";

/** A share as a percentage with as many digits as matter: `0.04%`, `2.3%`, `71%`, `99.2%`. */
export function share(p: number | null | undefined): string {
  if (p === null || p === undefined) return UNKNOWN;
  const x = p * 100;
  if (x === 0 || x === 100) return `${x}%`;
  if (Math.abs(x) < 0.01) return "<0.01%";
  if (Math.abs(x) < 0.1) return `${minus(x.toPrecision(1))}%`;
  if (Math.abs(x) < 10) return `${minus(trimmed(x.toFixed(1)))}%`;
  if (x > 99.95 && x < 100) return ">99.9%";
  if (x > 90 && x < 100) return `${trimmed(x.toFixed(1))}%`;
  return `${minus(x.toFixed(0))}%`;
}

/** A tick of an axis in percent; all of one axis have as many digits as its step needs. */
export function percentTicks(values: readonly number[]): string[] {
  const digits = digitsFor(values.map((each) => each * 100));
  return values.map((each) => `${minus((each * 100).toFixed(digits))}%`);
}

export function plainTicks(values: readonly number[]): string[] {
  const digits = digitsFor(values);
  return values.map((each) => minus(each.toLocaleString("en", { minimumFractionDigits: digits })));
}

/** A coefficient: `0.83`. */
export function plain(x: number | null | undefined, digits = 2): string {
  return x === null || x === undefined ? UNKNOWN : minus(x.toFixed(digits));
}

export function whole(n: number): string {
  return n.toLocaleString("en");
}

/** Time spent on one item: `4.2 s`, `38 s`, `3 min`. */
export function seconds(x: number | null | undefined): string {
  if (x === null || x === undefined) return UNKNOWN;
  return x < 10 ? `${x.toFixed(1)} s` : duration(x);
}

/** How long ago, in words: `just now`, `4 min ago`. */
export function ago(then: string | number, now: number): string {
  const passed = (now - (typeof then === "number" ? then : Date.parse(then))) / 1000;
  return passed < 5 ? "just now" : `${duration(passed)} ago`;
}

/** A day as people say it: `4 May`. */
export function shortDay(day: string): string {
  return new Date(`${day}T00:00:00Z`).toLocaleDateString("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });
}

export function dateTime(moment: string): string {
  return new Date(moment).toLocaleString("en-GB", {
    day: "numeric",
    month: "short",
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit",
  });
}

/** At most so many characters; what was cut off is shown as `…`. */
export function cut(words: string, most: number): string {
  const characters = [...words];
  return characters.length <= most ? words : `${characters.slice(0, Math.max(1, most - 1)).join("")}…`;
}

function digitsFor(values: readonly number[]): number {
  const needed = values.map((each) => (String(Number(each.toPrecision(9))).split(".")[1] ?? "").length);
  return Math.max(0, ...needed);
}

const trimmed = (digits: string): string => digits.replace(/\.0$/, "");
const minus = (digits: string): string => digits.replace("-", "−");

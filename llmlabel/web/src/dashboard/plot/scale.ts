/** A linear map from values to pixels. */
export interface Scale {
  (value: number): number;
  domain: readonly [number, number];
  range: readonly [number, number];
}

export function linear(domain: readonly [number, number], range: readonly [number, number]): Scale {
  const [low, high] = domain;
  const [from, to] = range;
  // Where all values are the same they stand in the middle.
  const at = (value: number): number =>
    high === low ? (from + to) / 2 : from + ((value - low) / (high - low)) * (to - from);
  return Object.assign(at, { domain, range });
}

/** Round steps: 1, 2 or 5 times a power of ten, about `count` of them. */
export function stepFor(span: number, count: number): number {
  if (!(span > 0) || !Number.isFinite(span)) return 1;
  const rough = span / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  const factor = [1, 2, 5, 10].find((each) => each * power >= rough * (1 - 1e-9)) ?? 10;
  return factor * power;
}

/** Round numbers from `low` to `high`, both among them only if they are round. */
export function ticks(low: number, high: number, count = 5): number[] {
  if (high < low) return ticks(high, low, count);
  if (high === low) return [low];
  const step = stepFor(high - low, count);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  const found: number[] = [];
  // Counted in whole steps, so that 3 times 0.1 is 0.3.
  for (let n = first; n <= last; n++) found.push(Number((n * step).toPrecision(12)));
  return found;
}

/** The next round number at or above a value, for the end of an axis that begins at 0. */
export function ceiling(value: number, count = 5): number {
  if (!(value > 0)) return 1;
  const step = stepFor(value, count);
  return Number((Math.ceil(value / step - 1e-9) * step).toPrecision(12));
}

/** An SVG path through points; where one is null the line has a gap. */
export function path(points: readonly (readonly [number, number] | null)[]): string {
  let drawn = "";
  let pen = "M";
  for (const point of points) {
    if (point) drawn += `${pen}${point[0].toFixed(1)} ${point[1].toFixed(1)}`;
    pen = point ? "L" : "M";
  }
  return drawn;
}

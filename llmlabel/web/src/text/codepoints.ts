// The service counts code points, the browser UTF-16 units. Everything inside the page counts
// code points; whoever touches the DOM or a JavaScript string converts with an `Offsets`.

/** Both ways of counting a text, and where its user-perceived characters begin and end. */
export class Offsets {
  readonly text: string;
  /** In code points. */
  readonly length: number;
  /** The UTF-16 index of every surrogate pair, ascending. */
  private readonly pairs: number[] = [];
  private segments: Intl.Segments | null = null;

  constructor(text: string) {
    this.text = text;
    for (let at = 0; at < text.length - 1; at++) {
      if (isHigh(text.charCodeAt(at)) && isLow(text.charCodeAt(at + 1))) {
        this.pairs.push(at);
        at++;
      }
    }
    this.length = text.length - this.pairs.length;
  }

  /** The UTF-16 index of a code point; outside the text it is the nearest end. */
  utf16(codePoint: number): number {
    const wanted = Math.min(Math.max(codePoint, 0), this.length);
    // The pair number n stands at the code point pairs[n] - n.
    let low = 0;
    let high = this.pairs.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.pairs[middle]! - middle < wanted) low = middle + 1;
      else high = middle;
    }
    return wanted + low;
  }

  /** The code point at a UTF-16 index; in the middle of a pair, that of the pair. */
  codePoint(utf16: number): number {
    const wanted = Math.min(Math.max(utf16, 0), this.text.length);
    let low = 0;
    let high = this.pairs.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.pairs[middle]! < wanted) low = middle + 1;
      else high = middle;
    }
    // In the middle of a pair the pair is counted as passed by one unit: its own code point.
    return wanted - low;
  }

  slice(start: number, end: number): string {
    return this.text.slice(this.utf16(start), this.utf16(end));
  }

  /** The last border of a grapheme at or before a code point. */
  graphemeStart(codePoint: number): number {
    const at = this.utf16(codePoint);
    if (at >= this.text.length) return this.length;
    return this.codePoint(this.grapheme(at)?.index ?? at);
  }

  /** The first border of a grapheme at or after a code point. */
  graphemeEnd(codePoint: number): number {
    const at = this.utf16(codePoint);
    if (at >= this.text.length) return this.length;
    const found = this.grapheme(at);
    if (!found || found.index === at) return this.codePoint(at);
    return this.codePoint(found.index + found.segment.length);
  }

  /** The next border of a grapheme after a code point, or the end of the text. */
  nextGrapheme(codePoint: number): number {
    return this.graphemeEnd(Math.min(codePoint + 1, this.length));
  }

  /** The border of a grapheme before a code point, or 0. */
  previousGrapheme(codePoint: number): number {
    return this.graphemeStart(Math.max(codePoint - 1, 0));
  }

  private grapheme(utf16: number): Intl.SegmentData | undefined {
    this.segments ??= new Intl.Segmenter(undefined, { granularity: "grapheme" }).segment(this.text);
    return this.segments.containing(utf16);
  }
}

function isHigh(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

function isLow(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}

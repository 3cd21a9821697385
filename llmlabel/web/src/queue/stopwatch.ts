/** Counts the seconds in which the page could be seen. */
export class Stopwatch {
  private counted = 0;
  private since: number | null = null;

  constructor(
    private readonly now: () => number,
    private visible: boolean,
  ) {}

  /** Begin anew, for the next item. */
  restart(): void {
    this.counted = 0;
    this.since = this.visible ? this.now() : null;
  }

  show(visible: boolean): void {
    if (visible === this.visible) return;
    if (this.visible && this.since !== null) {
      this.counted += this.now() - this.since;
      this.since = null;
    } else if (visible) {
      this.since = this.now();
    }
    this.visible = visible;
  }

  /** Rounded to hundredths; never more than a day, as the service has it. */
  seconds(): number {
    const running = this.since === null ? 0 : this.now() - this.since;
    return Math.min(86_400, Math.max(0, Math.round((this.counted + running) / 10) / 100));
  }
}

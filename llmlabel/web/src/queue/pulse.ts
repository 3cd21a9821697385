import type { Engine } from "./engine";

const ASK_AGAIN = 15_000;
/** Whoever has not touched the page for so long has left: the items may go to others. */
const AWAY = 600_000;

/** Of the document: a recording plays, so that somebody is there though they touch nothing. */
const HEARD = "llmlabel:heard";

/** Tell that a recording goes on. */
export const heard = (): boolean => document.dispatchEvent(new Event(HEARD));

/** Tie an engine to the browser: time, network, visibility, leaving. Returns how to untie it. */
export function attach(engine: Engine): () => void {
  let lastTouched = Date.now();
  let timer: ReturnType<typeof setTimeout>;
  let due = 0;
  let untied = false;

  const arm = (wait: number): void => {
    if (untied) return;
    clearTimeout(timer);
    due = Date.now() + wait;
    timer = setTimeout(beat, wait);
  };
  const beat = async (): Promise<void> => {
    due = 0;
    arm(Date.now() - lastTouched < AWAY ? await engine.keep() : engine.keepIn());
  };
  arm(engine.keepIn());
  // Items that came since may have shorter leases than what was waited for.
  const forget = engine.subscribe(() => {
    const wait = engine.keepIn();
    if (Date.now() + wait < due) arm(wait);
  });

  const asking = setInterval(() => {
    const { phase } = engine.snapshot();
    if (!document.hidden && (phase === "empty" || phase === "failed")) void engine.refill(true);
  }, ASK_AGAIN);

  const touched = (): void => {
    const wasAway = Date.now() - lastTouched >= AWAY;
    lastTouched = Date.now();
    if (wasAway) void engine.keep();
  };
  const seen = (): void => {
    engine.watch.show(!document.hidden);
    if (!document.hidden) void engine.keep();
  };
  const back = (): void => {
    engine.outbox.hurry();
    void engine.refill(true);
  };
  const left = (): void => engine.leave();
  const returned = (event: PageTransitionEvent): void => {
    if (event.persisted) void engine.comeBack();
  };
  const leaving = (event: BeforeUnloadEvent): void => {
    const { unsent, lasting } = engine.snapshot();
    if (unsent && !lasting) event.preventDefault();
  };

  const signals: [EventTarget, string, EventListener][] = [
    [document, "visibilitychange", seen],
    [window, "keydown", touched],
    [window, "pointerdown", touched],
    [window, "wheel", touched],
    [document, HEARD, touched],
    [window, "online", back],
    [window, "pagehide", left],
    [window, "pageshow", returned as EventListener],
    [window, "beforeunload", leaving as EventListener],
  ];
  for (const [target, name, listener] of signals) target.addEventListener(name, listener, { passive: name === "wheel" });
  return () => {
    untied = true;
    forget();
    clearTimeout(timer);
    clearInterval(asking);
    for (const [target, name, listener] of signals) target.removeEventListener(name, listener);
  };
}

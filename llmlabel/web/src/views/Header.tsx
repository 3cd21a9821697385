import type { VNode } from "preact";
import { may, type Who } from "../api/session";
import { useDesk, useSnapshot } from "../queue/desk";
import { href, type Page } from "../router";
import { amount } from "../text/amounts";

interface Props {
  page: Page;
  onHelp(): void;
  onLeave(): void;
}

const PAGES: [Page, string][] = [
  ["welcome", "Queues"],
  ["review", "Review"],
  ["adjudication", "Adjudicate"],
  ["dashboard", "Quality"],
];

/** Whether a page is for somebody. */
export function isFor(who: Who, page: Page): boolean {
  return may(who, page === "dashboard" ? "evaluator" : "reviewer");
}

export function Header({ page, onHelp, onLeave }: Props): VNode {
  const desk = useDesk();
  const { online, unsent, delayed } = useSnapshot(desk.engine);
  return (
    <header class="top">
      <a class="skip-link" href="#main" onClick={toMain}>
        To the content
      </a>
      <a class="brand" href={href("welcome")} aria-label="llmlabel, all queues">
        <svg viewBox="0 0 32 32" width="22" height="22" aria-hidden="true">
          <path d="M6 17l7 7L27 8" fill="none" stroke="currentColor" stroke-width="4" stroke-linecap="round" stroke-linejoin="round" />
        </svg>
        <span>llmlabel</span>
      </a>
      <nav aria-label="Pages">
        {PAGES.filter(([to]) => isFor(desk.who, to)).map(([to, words]) => (
          <a key={to} href={href(to)} aria-current={to === page ? "page" : undefined}>
            {words}
          </a>
        ))}
      </nav>
      <span class="spring" />
      <span class={online && !delayed ? "status" : "status status-away"} role="status">
        {!online && (unsent ? `Offline: ${amount(unsent, "decision")} kept` : "Offline")}
        {delayed && `The service is busy: ${amount(unsent, "decision")} kept`}
      </span>
      <button type="button" class="button button-quiet" onClick={onHelp} aria-label="All keys">
        <kbd>?</kbd>
      </button>
      {desk.who.open ? (
        <button type="button" class="button button-quiet who" onClick={onLeave} title="Review under another name">
          <span class="out-of-sight">You are </span>
          <bdi>{desk.reviewer}</bdi>
        </button>
      ) : (
        <>
          <span class="who" title={`Of the project ${desk.who.project}`}>
            <span class="out-of-sight">You are </span>
            <bdi>{desk.reviewer}</bdi>
          </span>
          <button type="button" class="button button-quiet" onClick={onLeave}>
            Sign out
          </button>
        </>
      )}
    </header>
  );
}

/** The address holds the place within the page, so a link to an anchor must not change it. */
function toMain(event: Event): void {
  event.preventDefault();
  const main = document.querySelector<HTMLElement>("main");
  if (!main) return;
  main.tabIndex = -1;
  main.focus();
}

import { useLayoutEffect, useState } from "preact/hooks";

export type Page = "welcome" | "review" | "adjudication" | "dashboard";

/** Where the page stands: `#/review/sentiment@1.0.0?kind=blind`. */
export interface Place {
  page: Page;
  guideline: string | null;
  query: Record<string, string>;
}

const PAGES: readonly Page[] = ["review", "adjudication", "dashboard"];

export function parse(hash: string): Place {
  const [path = "", search = ""] = hash.replace(/^#\/?/, "").split("?", 2);
  const [first = "", second = ""] = path.split("/");
  const page = PAGES.find((each) => each === first) ?? "welcome";
  const guideline = page === "welcome" || !second ? null : decoded(second);
  return { page, guideline, query: Object.fromEntries(new URLSearchParams(search)) };
}

export function href(page: Page, guideline?: string | null, query: Record<string, string> = {}): string {
  if (page === "welcome") return "#/";
  const search = new URLSearchParams(query).toString();
  const rest = guideline ? `/${encodeURIComponent(guideline).replaceAll("%40", "@")}` : "";
  return `#/${page}${rest}${search ? `?${search}` : ""}`;
}

export function go(page: Page, guideline?: string | null, query: Record<string, string> = {}): void {
  location.hash = href(page, guideline, query);
}

export function usePlace(): Place {
  const [hash, setHash] = useState(location.hash);
  // At once: a link may be followed before anything is painted.
  useLayoutEffect(() => {
    const changed = (): void => setHash(location.hash);
    addEventListener("hashchange", changed);
    return () => removeEventListener("hashchange", changed);
  }, []);
  return parse(hash);
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

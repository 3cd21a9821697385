import { useLayoutEffect, useRef } from "preact/hooks";
import type { Pending, TaskProps } from "./task";

/** Tell the page what comes before the answer is sent, in words; null when nothing does. */
export function usePending(
  onPending: TaskProps["onPending"],
  words: string | null,
  go: () => void,
  quiet = false,
): void {
  const latest = useRef(go);
  latest.current = go;
  useLayoutEffect(() => {
    const pending: Pending | null = words === null ? null : { words, quiet, go: () => latest.current() };
    onPending(pending);
    return () => onPending(null);
  }, [onPending, words, quiet]);
}

import type { ComponentType, VNode } from "preact";
import { useEffect, useState } from "preact/hooks";

export interface Lazy<P> {
  (props: P): VNode;
  preload(): void;
}

/** A component in a file of its own, fetched when it is first needed. */
export function lazy<P extends object>(load: () => Promise<ComponentType<P>>): Lazy<P> {
  let ready: ComponentType<P> | null = null;
  let pending: Promise<void> | null = null;

  const fetched = (): Promise<void> =>
    (pending ??= load().then(
      (component) => {
        ready = component;
      },
      (error: unknown) => {
        pending = null;
        throw error;
      },
    ));

  function Later(props: P): VNode {
    const [state, setState] = useState<"waiting" | "ready" | "failed">(ready ? "ready" : "waiting");
    useEffect(() => {
      let gone = false;
      if (state === "waiting")
        fetched().then(
          () => gone || setState("ready"),
          () => gone || setState("failed"),
        );
      return () => {
        gone = true;
      };
    }, [state]);
    const Ready = ready;
    if (Ready) return <Ready {...props} />;
    if (state === "failed")
      return (
        <p class="notice notice-bad" role="alert">
          A part of the page could not be loaded; the service may have a newer one. Nothing you decided is lost.{" "}
          <button type="button" class="button" onClick={() => location.reload()}>
            Load the page again
          </button>
        </p>
      );
    return <p class="loading">Loading…</p>;
  }
  Later.preload = () => void fetched().catch(() => undefined);
  return Later;
}

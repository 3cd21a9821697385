import type { ComponentChildren, VNode } from "preact";
import { useId, useLayoutEffect, useRef } from "preact/hooks";
import { type Binding, useKeys } from "../keys";

interface Props {
  title: string;
  onClose(): void;
  children: ComponentChildren;
  bindings?: Binding[];
  wide?: boolean;
}

const NONE: Binding[] = [];

/** A dialog over the page; Escape closes it, and the focus goes back where it was. */
export function Dialog({ title, onClose, children, bindings = NONE, wide = false }: Props): VNode {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useKeys(bindings, { modal: true });
  useLayoutEffect(() => {
    const before = document.activeElement;
    const shown = dialog.current;
    shown?.showModal();
    return () => {
      shown?.close();
      if (before instanceof HTMLElement && before.isConnected) before.focus({ preventScroll: true });
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      class={wide ? "dialog dialog-wide" : "dialog"}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => {
        if (event.target === dialog.current) onClose();
      }}
    >
      <div class="dialog-body">
        <header class="row">
          <h2 id={id}>{title}</h2>
          <span class="spring" />
          <button type="button" class="button button-quiet" onClick={onClose}>
            Close <kbd aria-hidden="true">Esc</kbd>
          </button>
        </header>
        {children}
      </div>
    </dialog>
  );
}

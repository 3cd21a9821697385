import { useLayoutEffect, useRef } from "preact/hooks";

/** One key command. `keys` are like `Enter`, `z`, `?`, `Shift+ArrowLeft`, `Mod+Enter`. */
export interface Binding {
  keys: string[];
  /** What it does, as the help shows it. */
  label: string;
  /** Heading in the help. */
  group?: string;
  run(event: KeyboardEvent): void;
  /** Not now; it is shown in the help all the same. */
  disabled?: boolean;
  /** Works while a text field has the focus, too. */
  inFields?: boolean;
  /** Not in the help. */
  hidden?: boolean;
}

interface Layer {
  bindings: readonly Binding[];
  modal: boolean;
  /** When it was first drawn: a component is drawn before those in it, and stands after them. */
  age: number;
}

const layers: Layer[] = [];
let drawn = 0;
let singleKeys = true;
let listening = false;

/** People who use speech or a switch may turn the keys without Ctrl off. */
export function allowSingleKeys(allowed: boolean): void {
  singleKeys = allowed;
}

export interface KeyOptions {
  /** Nothing below hears a key. */
  modal?: boolean;
  active?: boolean;
  /** Of the page around the task: everything else is asked first. */
  base?: boolean;
}

/** Key commands for as long as the component stands. The newest component is asked first. */
export function useKeys(bindings: Binding[], options: KeyOptions = {}): void {
  const layer = useRef<Layer>({ bindings, modal: false, age: 0 });
  layer.current.bindings = bindings;
  layer.current.modal = options.modal ?? false;
  const active = options.active ?? true;
  if (!active) layer.current.age = 0;
  else if (layer.current.age === 0) layer.current.age = ++drawn;
  // At once: the next key may follow before anything is painted.
  useLayoutEffect(() => {
    if (!active) return;
    const mine = layer.current;
    if (options.base) layers.unshift(mine);
    else layers.push(mine);
    layers.sort((a, b) => a.age - b.age);
    if (!listening) {
      addEventListener("keydown", pressed);
      listening = true;
    }
    return () => {
      layers.splice(layers.indexOf(mine), 1);
    };
  }, [active]);
}

/** What can be pressed now, for the help: the page's own first. */
export function bindingsInForce(): Binding[] {
  const firstModal = layers.findIndex((layer) => layer.modal);
  const open = firstModal < 0 ? layers : layers.slice(0, firstModal);
  return open.flatMap((layer) => layer.bindings.filter((each) => !each.hidden));
}

function pressed(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.isComposing) return;
  const names = namesOf(event);
  const plain = !event.ctrlKey && !event.metaKey && !event.altKey;
  const character = plain && event.key.length === 1;
  const inField = isField(event.target);
  for (const layer of [...layers].reverse()) {
    for (const binding of layer.bindings) {
      if (binding.disabled || !binding.keys.some((key) => names.includes(key))) continue;
      if (inField && !binding.inFields) continue;
      if (character && !singleKeys && !binding.inFields) continue;
      if ((event.key === "Enter" || event.key === " ") && plain && ownsEnter(event.target)) continue;
      event.preventDefault();
      binding.run(event);
      return;
    }
    if (layer.modal) return;
  }
}

/** The names a key press answers to: as typed, and by its place for other alphabets. */
export function namesOf(event: KeyboardEvent): string[] {
  const mod = event.ctrlKey || event.metaKey ? "Mod+" : "";
  const alt = event.altKey ? "Alt+" : "";
  const key = event.key === " " ? "Space" : event.key;
  const lower = key.length === 1 ? key.toLowerCase() : key;
  const shift = event.shiftKey ? "Shift+" : "";
  const names = [mod + alt + shift + lower];
  // `?` needs Shift on most keyboards and not on all: the character is what counts.
  if (key.length === 1 && event.shiftKey && !/[a-z]/i.test(key)) names.push(mod + alt + key);
  const place = /^(?:Key|Digit|Numpad)([A-Z0-9])$/.exec(event.code)?.[1]?.toLowerCase();
  if (place && key.length === 1 && key.charCodeAt(0) > 127) names.push(mod + alt + shift + place);
  return names;
}

function isField(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable) return true;
  if (target instanceof HTMLInputElement)
    return !["checkbox", "radio", "button", "submit", "range"].includes(target.type);
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;
}

/** A button or link that somebody walked to by keyboard keeps its Enter and Space. */
function ownsEnter(target: EventTarget | null): boolean {
  return (
    target instanceof HTMLElement &&
    target.closest("button, a[href], summary, input[type=checkbox], input[type=radio]") !== null &&
    target.matches(":focus-visible")
  );
}

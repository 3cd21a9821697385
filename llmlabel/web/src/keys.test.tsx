import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, expect, test } from "vitest";
import { allowSingleKeys, type Binding, bindingsInForce, useKeys } from "./keys";

const root = document.createElement("div");
document.body.append(root);
const heard: string[] = [];

function Keys({ bindings, modal = false }: { bindings: Binding[]; modal?: boolean }) {
  useKeys(bindings, { modal });
  return <input />;
}

const key = (keys: string, more: Partial<Binding> = {}): Binding => ({
  keys: [keys],
  label: keys,
  run: () => void heard.push(more.label ?? keys),
  ...more,
});

const press = (init: KeyboardEventInit, target: EventTarget = document.body): boolean =>
  target.dispatchEvent(new KeyboardEvent("keydown", { bubbles: true, cancelable: true, ...init }));

async function show(element: preact.ComponentChild): Promise<void> {
  await act(() => render(element, root));
}

afterEach(async () => {
  await show(null);
  heard.length = 0;
  allowSingleKeys(true);
});

test("the inner component's key goes before the outer one's", async () => {
  await show([<Keys bindings={[key("a", { label: "outer" })]} />, <Keys bindings={[key("a", { label: "inner" })]} />]);
  press({ key: "a" });
  expect(heard).toEqual(["inner"]);
});

test("below a dialog no key is heard and none is shown", async () => {
  await show([<Keys bindings={[key("a"), key("b")]} />, <Keys modal bindings={[key("b", { label: "dialog" })]} />]);
  press({ key: "a" });
  press({ key: "b" });
  expect(heard).toEqual(["dialog"]);
  expect(bindingsInForce().map(({ label }) => label)).toEqual(["a", "b"]);
});

test("who writes into a field gets the characters, except for keys that ask for more", async () => {
  await show(<Keys bindings={[key("a"), key("Escape", { inFields: true })]} />);
  const field = root.querySelector("input");
  press({ key: "a" }, field ?? undefined);
  press({ key: "Escape" }, field ?? undefined);
  expect(heard).toEqual(["Escape"]);
});

test("single keys can be turned off; Enter and keys with Ctrl stay", async () => {
  await show(<Keys bindings={[key("a"), key("Enter"), key("Mod+z")]} />);
  allowSingleKeys(false);
  press({ key: "a" });
  press({ key: "Enter" });
  press({ key: "z", ctrlKey: true });
  expect(heard).toEqual(["Enter", "Mod+z"]);
});

test("on a keyboard with another alphabet the place of the key counts", async () => {
  await show(<Keys bindings={[key("z"), key("?")]} />);
  press({ key: "я", code: "KeyZ" });
  press({ key: "?", code: "Slash", shiftKey: true });
  expect(heard).toEqual(["z", "?"]);
});

test("a key pressed while letters are being composed is no command", async () => {
  await show(<Keys bindings={[key("a")]} />);
  press({ key: "a", isComposing: true });
  expect(heard).toEqual([]);
});

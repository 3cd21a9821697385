import { render } from "preact";
import { act } from "preact/test-utils";
import { afterEach, expect, test } from "vitest";
import { setPref, usePrefs } from "./prefs";
import { usePlace } from "./router";

const root = document.createElement("div");
document.body.append(root);

afterEach(async () => {
  await act(() => render(null, root));
  location.hash = "";
});

function Where() {
  return <>{usePlace().page}</>;
}

function Pane() {
  return <>{usePrefs().guidelineOpen ? "open" : "shut"}</>;
}

test("a link that is followed before anything is painted leads somewhere", async () => {
  render(<Where />, root);
  location.hash = "#/dashboard";
  dispatchEvent(new HashChangeEvent("hashchange"));
  await act(() => undefined);
  expect(root.textContent).toBe("dashboard");
});

test("a setting that is changed before anything is painted counts", async () => {
  setPref("guidelineOpen", false);
  render(<Pane />, root);
  setPref("guidelineOpen", true);
  await act(() => undefined);
  expect(root.textContent).toBe("open");
});

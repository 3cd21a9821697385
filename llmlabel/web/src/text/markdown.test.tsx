import { render } from "preact";
import { expect, test } from "vitest";
import { Markdown } from "./markdown";

function html(source: string): string {
  const root = document.createElement("div");
  render(<Markdown source={source} />, root);
  return root.firstElementChild?.innerHTML ?? "";
}

test("headings, lists that go on over lines, and marks within words", () => {
  expect(html("# A\n\nOne *two*\n**three `x`**.\n\n- first\n  goes on\n- second")).toBe(
    "<h3>A</h3><p>One <em>two</em> <strong>three <code>x</code></strong>.</p>" +
      "<ul><li>first goes on</li><li>second</li></ul>",
  );
});

test("a table has its head", () => {
  expect(html("| a | b |\n|---|---|\n| 1 | `2` |")).toContain(
    "<thead><tr><th>a</th><th>b</th></tr></thead><tbody><tr><td>1</td><td><code>2</code></td></tr></tbody>",
  );
});

test("markup in a guideline is shown, never carried out", () => {
  expect(html("<img src=x onerror=alert(1)> and <b>bold</b>")).toBe(
    "<p>&lt;img src=x onerror=alert(1)&gt; and &lt;b&gt;bold&lt;/b&gt;</p>",
  );
});

test("an asterisk alone is an asterisk", () => {
  expect(html("2 * 3 * 4 and `a`*")).toBe("<p>2 * 3 * 4 and <code>a</code>*</p>");
});

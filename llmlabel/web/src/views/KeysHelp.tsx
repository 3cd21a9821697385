import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { type Binding, bindingsInForce } from "../keys";
import { setPref, usePrefs } from "../prefs";
import { Dialog } from "../ui/Dialog";

/** Every key that works now, and how the keys behave. */
export function KeysHelp({ onClose }: { onClose(): void }): VNode {
  const [groups] = useState(grouped);
  const { instant, singleKeys } = usePrefs();
  return (
    <Dialog title="Keys" onClose={onClose} wide bindings={[{ keys: ["?"], label: "Close", hidden: true, run: onClose }]}>
      <div class="keys">
        {groups.map(([group, bindings]) => (
          <section key={group}>
            <h3>{group}</h3>
            <dl>
              {bindings.map(({ keys, label }) => (
                <div key={keys.join() + label}>
                  <dt>
                    {keys.slice(0, 2).map((key) => (
                      <Key key={key} name={key} />
                    ))}
                  </dt>
                  <dd>{label}</dd>
                </div>
              ))}
            </dl>
          </section>
        ))}
      </div>
      <fieldset class="options">
        <legend class="out-of-sight">How keys behave</legend>
        <label class="row">
          <input
            type="checkbox"
            checked={instant}
            onChange={(event) => setPref("instant", event.currentTarget.checked)}
          />
          A label’s key decides at once; otherwise it picks, and Enter decides
        </label>
        <label class="row">
          <input
            type="checkbox"
            checked={singleKeys}
            onChange={(event) => setPref("singleKeys", event.currentTarget.checked)}
          />
          Single keys are commands; turn this off if you dictate or use a switch
        </label>
      </fieldset>
    </Dialog>
  );
}

const SHOWN: Record<string, string> = {
  Mod: "Ctrl",
  ArrowLeft: "←",
  ArrowRight: "→",
  ArrowUp: "↑",
  ArrowDown: "↓",
  Escape: "Esc",
};

function Key({ name }: { name: string }): VNode {
  const parts = name === "+" ? ["+"] : name.split("+");
  return (
    <span class="key">
      {parts.map((part) => (
        <kbd key={part}>{SHOWN[part] ?? (part.length === 1 ? part.toUpperCase() : part)}</kbd>
      ))}
    </span>
  );
}

function grouped(): [string, Binding[]][] {
  const groups = new Map<string, Binding[]>();
  for (const binding of bindingsInForce()) {
    const group = binding.group ?? "Page";
    groups.set(group, [...(groups.get(group) ?? []), binding]);
  }
  return [...groups];
}

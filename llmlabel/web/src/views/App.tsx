import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import { useKeys } from "../keys";
import { lazy } from "../lazy";
import { type Desk, DeskContext, rememberedName, sitDown, useDesk } from "../queue/desk";
import { usePlace } from "../router";
import { Header } from "./Header";
import { KeysHelp } from "./KeysHelp";
import { NameForm } from "./NameForm";
import { Review } from "./Review";
import { Unsent } from "./Unsent";
import { Welcome } from "./Welcome";

const Dashboard = lazy<{ guideline: string | null }>(() =>
  import("../dashboard/Dashboard").then((file) => file.Dashboard),
);

export function App(): VNode {
  const [desk, setDesk] = useState<Desk | null>(null);
  const [asked, setAsked] = useState(rememberedName() === "");

  const begin = (name: string): void => {
    setAsked(false);
    void sitDown(name).then(setDesk);
  };
  useEffect(() => {
    if (!asked) begin(rememberedName());
  }, []);

  if (asked) return <NameForm onName={begin} />;
  if (!desk) return <p class="loading">Loading…</p>;
  const leave = (): void => {
    setDesk(null);
    setAsked(true);
    void desk.leave();
  };
  return (
    <DeskContext.Provider value={desk}>
      <Pages onLeave={leave} />
    </DeskContext.Provider>
  );
}

function Pages({ onLeave }: { onLeave(): void }): VNode {
  const { engine } = useDesk();
  const place = usePlace();
  const reviewing = place.page === "review" || place.page === "adjudication";
  // Whoever looks at something else holds nothing that others could decide.
  useEffect(() => {
    if (!reviewing) void engine.open(null);
  }, [engine, reviewing]);
  const [help, setHelp] = useState(false);
  useKeys([{ group: "Page", keys: ["?"], label: "Show all keys", run: () => setHelp(true) }], { base: true });
  return (
    <>
      <Header page={place.page} onHelp={() => setHelp(true)} onLeave={onLeave} />
      <Unsent />
      {place.page === "welcome" && <Welcome />}
      {place.page === "dashboard" && (
        <main id="main">
          <Dashboard guideline={place.guideline} />
        </main>
      )}
      {reviewing && (
        <Review queue={place.page === "adjudication" ? "adjudication" : "review"} guideline={place.guideline} query={place.query} />
      )}
      {help && <KeysHelp onClose={() => setHelp(false)} />}
    </>
  );
}

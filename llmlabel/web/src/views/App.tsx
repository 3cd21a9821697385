import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { isSignedOut, whenSignedOut } from "../api/client";
import { type Who, whoAmI } from "../api/session";
import { useKeys } from "../keys";
import { lazy } from "../lazy";
import { type Desk, DeskContext, rememberedName, sitDown, useDesk, useSnapshot } from "../queue/desk";
import { usePlace } from "../router";
import { Away } from "./Away";
import { Header, isFor } from "./Header";
import { KeysHelp } from "./KeysHelp";
import { NameForm } from "./NameForm";
import { NothingForYou } from "./NothingForYou";
import { Review } from "./Review";
import { SignIn, SignInAgain } from "./SignIn";
import { Unsent } from "./Unsent";
import { Welcome } from "./Welcome";

const Dashboard = lazy<{ guideline: string | null }>(() =>
  import("../dashboard/Dashboard").then((file) => file.Dashboard),
);

const ASK_AGAIN = 3_000;

/** What stands in the way of the page, if anything does. */
type Gate = "asking" | "away" | "name" | "key" | null;

export function App(): VNode {
  const [desk, setDesk] = useState<Desk | null>(null);
  const [gate, setGate] = useState<Gate>("asking");
  /** Signed out while at work; `other` is who another tab signed in as since. */
  const [lapsed, setLapsed] = useState<{ other: Who | null } | null>(null);
  const said = useRef<Who | null>(null);

  const begin = (name: string, who: Who): void => {
    setGate(null);
    void sitDown(name, who).then(setDesk);
  };
  const enter = (who: Who): void => {
    said.current = who;
    const name = who.open ? rememberedName() : who.name;
    if (name) begin(name, who);
    else setGate("name");
  };
  const asking = useRef(false);
  const ask = async (): Promise<void> => {
    if (asking.current) return;
    asking.current = true;
    try {
      enter(await whoAmI());
    } catch (error) {
      setGate(isSignedOut(error) ? "key" : "away");
    }
    asking.current = false;
  };
  useEffect(() => void ask(), []);
  useEffect(() => {
    if (gate !== "away") return;
    const timer = setInterval(() => void ask(), ASK_AGAIN);
    return () => clearInterval(timer);
  }, [gate]);

  const enterAgain = (who: Who): void => {
    if (!desk) return;
    setLapsed(null);
    if (who.name === desk.reviewer && !desk.who.open) return desk.resume(who);
    desk.drop();
    setDesk(null);
    enter(who);
  };
  useEffect(() => {
    whenSignedOut(
      desk &&
        (() =>
          // Perhaps another tab signed in anew, and only the token of the session is another one.
          void whoAmI().then(
            (who) => (who.name === desk.reviewer ? enterAgain(who) : setLapsed({ other: who })),
            (error: unknown) => isSignedOut(error) && setLapsed({ other: null }),
          )),
    );
    return () => whenSignedOut(null);
  }, [desk]);

  if (gate === "away") return <Away onRetry={() => void ask()} />;
  if (gate === "key") return <SignIn onSignedIn={enter} />;
  if (gate === "name") return <NameForm onName={(name) => said.current && begin(name, said.current)} />;
  if (!desk) return <p class="loading">Loading…</p>;
  const leave = (): void => {
    const { open } = desk.who;
    setDesk(null);
    setGate(open ? "name" : "asking");
    // Whoever could not be signed out is signed in still, and comes back when the service does.
    void desk.leave().then(
      () => open || setGate("key"),
      () => open || setGate("away"),
    );
  };
  return (
    <DeskContext.Provider value={desk}>
      <Pages onLeave={leave} />
      {lapsed && <Lapsed other={lapsed.other} onSignedIn={enterAgain} />}
    </DeskContext.Provider>
  );
}

function Lapsed({ other, onSignedIn }: { other: Who | null; onSignedIn(who: Who): void }): VNode {
  const { engine, reviewer } = useDesk();
  const { unsent } = useSnapshot(engine);
  return <SignInAgain reviewer={reviewer} unsent={unsent} other={other} onSignedIn={onSignedIn} />;
}

function Pages({ onLeave }: { onLeave(): void }): VNode {
  const { engine, who } = useDesk();
  const place = usePlace();
  // Whoever does not review comes to what they may see.
  const page = place.page === "welcome" && !isFor(who, "welcome") ? "dashboard" : place.page;
  const allowed = isFor(who, page);
  const reviewing = allowed && (page === "review" || page === "adjudication");
  // Whoever looks at something else holds nothing that others could decide.
  useEffect(() => {
    if (!reviewing) void engine.open(null);
  }, [engine, reviewing]);
  const [help, setHelp] = useState(false);
  useKeys([{ group: "Page", keys: ["?"], label: "Show all keys", run: () => setHelp(true) }], { base: true });
  return (
    <>
      <Header page={page} onHelp={() => setHelp(true)} onLeave={onLeave} />
      <Unsent />
      {!allowed && <NothingForYou page={page} />}
      {allowed && page === "welcome" && <Welcome />}
      {allowed && page === "dashboard" && (
        <main id="main">
          <Dashboard guideline={place.guideline} />
        </main>
      )}
      {reviewing && (
        <Review queue={page === "adjudication" ? "adjudication" : "review"} guideline={place.guideline} query={place.query} />
      )}
      {help && <KeysHelp onClose={() => setHelp(false)} />}
    </>
  );
}

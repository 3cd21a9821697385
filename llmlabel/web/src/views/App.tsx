import type { VNode } from "preact";
import { lazy } from "../lazy";
import { usePlace } from "../router";
import { Review } from "./Review";
import { Welcome } from "./Welcome";

const Dashboard = lazy<{ guideline: string | null }>(() =>
  import("../dashboard/Dashboard").then((file) => file.Dashboard),
);

export function App(): VNode {
  const place = usePlace();
  switch (place.page) {
    case "welcome":
      return <Welcome />;
    case "dashboard":
      return <Dashboard guideline={place.guideline} />;
    default:
      return <Review queue={place.page} guideline={place.guideline} query={place.query} />;
  }
}

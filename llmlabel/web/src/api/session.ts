import { call, Problem } from "./client";

export type Role = "submitter" | "reviewer" | "evaluator" | "admin";

/** Who the service takes this browser for. */
export interface Who {
  /** It has no keys: everybody says their own name. */
  open: boolean;
  name: string | null;
  roles: Role[];
  project: string;
  csrf_token: string | null;
}

const AT = "/v1/session";

export const whoAmI = (): Promise<Who> => call<Who>("GET", AT, { aboutSession: true });

/** Exchange a key for a cookie, which scripts cannot read. */
export const signIn = (key: string): Promise<Who> => call<Who>("POST", AT, { body: { key }, aboutSession: true });

/** End the session on the service; one that is over already is no problem. */
export async function signOut(): Promise<void> {
  await call<null>("DELETE", AT, { aboutSession: true }).catch((error: unknown) => {
    if (!(error instanceof Problem && error.status === 401)) throw error;
  });
}

/** Whether somebody may act in a role: without keys everybody may, and an admin always. */
export function may({ open, roles }: Pick<Who, "open" | "roles">, role: Role): boolean {
  return open || roles.includes(role) || roles.includes("admin");
}

import type { VNode } from "preact";
import type { ReviewedDocument } from "../api/types";

/** The text as it was submitted. */
export function DocumentText({ document }: { document: ReviewedDocument }): VNode {
  return (
    <div class="document" lang={document.language ?? undefined} dir="auto">
      {document.text}
    </div>
  );
}

/** What was sent along with the text. */
export function Metadata({ document }: { document: ReviewedDocument }): VNode | null {
  const given = Object.entries(document.metadata);
  if (document.language) given.unshift(["language", document.language]);
  if (!given.length) return null;
  return (
    <dl class="metadata small soft">
      {given.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{typeof value === "string" ? value : JSON.stringify(value)}</dd>
        </div>
      ))}
    </dl>
  );
}

// Where the answers of a panel differ.

import type { Answer, Span } from "../../api/types";
import { matched } from "../transcript/alignment";

/** One member's answer; `by` stands for the name, which is withheld. */
export interface Said {
  by: string;
  answer: Answer | null;
}

/** A span that somebody marked, and who did. */
export interface SpanRow extends Span {
  by: string[];
  /** All who gave an answer marked it. */
  agreed: boolean;
}

export function spanRows(said: readonly Said[]): SpanRow[] {
  const rows = new Map<string, SpanRow>();
  let members = 0;
  for (const { by, answer } of said) {
    if (answer?.kind !== "spans") continue;
    members++;
    for (const span of answer.spans) {
      const name = `${span.start} ${span.end} ${span.label}`;
      const row = rows.get(name) ?? { ...span, by: [], agreed: false };
      row.by.push(by);
      rows.set(name, row);
    }
  }
  const sorted = [...rows.values()].sort((a, b) => a.start - b.start || a.end - b.end || (a.label < b.label ? -1 : 1));
  return sorted.map((row) => ({ ...row, agreed: row.by.length === members }));
}

/** A token with more than one tag. */
export interface TokenRow {
  start: number;
  end: number;
  /** The tag of each member who gave one. */
  tags: Record<string, string>;
}

export function tokenRows(said: readonly Said[]): TokenRow[] {
  const rows = new Map<string, TokenRow>();
  for (const { by, answer } of said) {
    if (answer?.kind !== "tokens") continue;
    for (const { start, end, label } of answer.tokens) {
      const row = rows.get(`${start} ${end}`) ?? { start, end, tags: {} };
      row.tags[by] = label;
      rows.set(`${start} ${end}`, row);
    }
  }
  const members = said.filter(({ answer }) => answer?.kind === "tokens").length;
  return [...rows.values()]
    .filter(({ tags }) => Object.keys(tags).length < members || new Set(Object.values(tags)).size > 1)
    .sort((a, b) => a.start - b.start);
}

/** A stretch of a transcript; `differs` where not all the others have the same words. */
export interface Stretch {
  text: string;
  differs: boolean;
}

/** Each transcript in stretches, in the order of the texts; joined they are the text again. */
export function textDifferences(texts: readonly string[]): Stretch[][] {
  const words = texts.map((text) => text.match(/\S+/gu) ?? []);
  return texts.map((text, n) => {
    const differs = new Array<boolean>(words[n]!.length).fill(false);
    words.forEach((others, m) => {
      if (m === n) return;
      matched(words[n]!, others).forEach((to, at) => {
        if (to < 0) differs[at] = true;
      });
    });
    const stretches: Stretch[] = [];
    let at = 0;
    for (const piece of text.match(/\s+|\S+/gu) ?? []) {
      const space = /^\s/u.test(piece);
      const last = stretches.at(-1);
      const different = space ? (last?.differs ?? false) && (differs[at] ?? false) : differs[at++]!;
      if (last && last.differs === different) last.text += piece;
      else stretches.push({ text: piece, differs: different });
    }
    return stretches;
  });
}

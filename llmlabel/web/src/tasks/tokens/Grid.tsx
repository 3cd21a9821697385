import type { VNode } from "preact";
import { useMemo } from "preact/hooks";
import type { LabelDefinition } from "../../api/types";
import type { Offsets } from "../../text/codepoints";
import { hueOf } from "../labels/keys";
import { waits, type Token } from "./tags";

interface GridProps {
  tokens: readonly Token[];
  rows: readonly { from: number; to: number }[];
  active: number;
  offsets: Offsets;
  labels: readonly LabelDefinition[];
  onActivate(place: number): void;
}

/** The text as rows of tokens with their tags; only a row that changes is drawn again. */
export function Grid({ rows, ...rest }: GridProps): VNode[] {
  const walked = rest.tokens.some((token) => token.doubtful || token.label === null);
  return rows.map(({ from, to }) => <Row key={from} {...rest} walked={walked} from={from} to={to} />);
}

interface RowProps extends Omit<GridProps, "rows"> {
  from: number;
  to: number;
  /** Tab stops at the doubtful ones only. */
  walked: boolean;
}

function Row({ tokens, from, to, active, walked, offsets, labels, onActivate }: RowProps): VNode {
  const mine = tokens.slice(from, to);
  const current = active >= from && active < to ? active : -1;
  return useMemo(
    () => (
      <ol dir="auto" class="tokens-row">
        {mine.map((token, n) => {
          const place = from + n;
          const stop = place === current || !walked || token.doubtful || token.label === null;
          return <Cell key={place} {...{ token, place, offsets, labels, onActivate, stop }} current={place === current} />;
        })}
      </ol>
    ),
    [...mine, current, walked, offsets, labels],
  );
}

interface CellProps {
  token: Token;
  place: number;
  current: boolean;
  stop: boolean;
  offsets: Offsets;
  labels: readonly LabelDefinition[];
  onActivate(place: number): void;
}

/** No button element: Enter belongs to the page here. */
function Cell({ token, place, current, stop, offsets, labels, onActivate }: CellProps): VNode {
  const { label, probability, settled } = token;
  const state = waits(token) ? "waits" : settled ? "settled" : "sure";
  const hue = label === null ? null : hueOf(labels, label);
  const word = offsets.slice(token.start, token.end);
  return (
    <li>
      <span
        role="button"
        class={`token token-${state}${current ? " token-current" : ""}`}
        data-place={place}
        tabIndex={stop ? 0 : -1}
        aria-current={current ? "true" : undefined}
        style={hue ? { "--hue": `var(${hue})`, "--hue-line": `var(${hue}-line)` } : {}}
        onFocus={() => onActivate(place)}
        onClick={() => onActivate(place)}
      >
        <span class="token-word">{word}</span>
        <span class="token-tag">
          {label ?? "?"}
          {state === "waits" && probability !== null ? ` ${Math.round(probability * 100)}%` : ""}
          {settled ? " ✓" : ""}
        </span>
        {(settled || state === "waits") && <span class="out-of-sight">{heard(token)}</span>}
      </span>
    </li>
  );
}

/** What a screen reader says of a token besides its word and tag. */
function heard({ label, settled, alternative }: Token): string {
  if (label === null) return "no tag yet";
  if (settled) return "decided";
  return alternative === null ? "in doubt" : `in doubt, or ${alternative}`;
}

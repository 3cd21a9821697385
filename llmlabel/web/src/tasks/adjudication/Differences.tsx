import type { VNode } from "preact";
import { useMemo } from "preact/hooks";
import { Offsets } from "../../text/codepoints";
import { directionOf } from "../../text/direction";
import { hueOf } from "../labels/keys";
import type { LabelDefinition } from "../../api/types";
import { spanRows, tokenRows, type Said } from "./differences";

interface Props {
  text: string;
  labels: readonly LabelDefinition[];
  said: readonly Said[];
}

const CONTEXT = 24;

/** Of spans: who marked what, the disputed ones first in sight. */
export function SpanDifferences({ text, labels, said }: Props): VNode {
  const offsets = useMemo(() => new Offsets(text), [text]);
  const rows = spanRows(said);
  const disputed = rows.filter((row) => !row.agreed);
  const members = said.filter(({ answer }) => answer !== null);
  return (
    <>
      <Table caption={disputed.length ? "Spans that not all have marked" : "All have marked the same spans."} members={members}>
        {disputed.map((row) => (
          <tr key={`${row.start} ${row.end} ${row.label}`}>
            <Place offsets={offsets} {...row}>
              <span class="tag" style={{ background: `var(${hueOf(labels, row.label)})` }}>
                {row.label}
              </span>
            </Place>
            {members.map(({ by }) => (
              <td key={by}>{row.by.includes(by) ? "✓" : <span class="soft">–</span>}</td>
            ))}
          </tr>
        ))}
      </Table>
      {rows.length > disputed.length && (
        <p class="small soft">
          {rows.length - disputed.length === 1 ? "One more span is" : `${rows.length - disputed.length} more spans are`} marked by all.
        </p>
      )}
    </>
  );
}

/** Of tokens: those with more than one tag. */
export function TokenDifferences({ text, labels, said }: Props): VNode {
  const offsets = useMemo(() => new Offsets(text), [text]);
  const rows = tokenRows(said);
  const members = said.filter(({ answer }) => answer !== null);
  return (
    <Table caption={rows.length ? "Tokens with different tags" : "All have given the same tags."} members={members}>
      {rows.map((row) => (
        <tr key={row.start}>
          <Place offsets={offsets} {...row} />
          {members.map(({ by }) => {
            const tag = row.tags[by];
            return (
              <td key={by}>
                {tag ? <span class="tag" style={{ background: `var(${hueOf(labels, tag)})` }}>{tag}</span> : "–"}
              </td>
            );
          })}
        </tr>
      ))}
    </Table>
  );
}

function Table({ caption, members, children }: { caption: string; members: readonly Said[]; children: VNode[] }): VNode {
  if (!children.length) return <p class="small soft">{caption}</p>;
  return (
    <div class="panel-table" tabIndex={0} role="region" aria-label={caption}>
      <table>
        <caption class="small soft">{caption}</caption>
        <thead>
          <tr>
            <th scope="col">Text</th>
            {members.map(({ by }) => (
              <th key={by} scope="col">
                {by}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}

interface PlaceProps {
  offsets: Offsets;
  start: number;
  end: number;
  children?: VNode;
}

function Place({ offsets, start, end, children }: PlaceProps): VNode {
  const from = Math.max(0, start - CONTEXT);
  const to = Math.min(offsets.length, end + CONTEXT);
  let before = offsets.slice(from, start);
  let after = offsets.slice(end, to);
  if (from > 0) before = before.replace(/^\S*\s?/u, "… ");
  if (to < offsets.length) after = after.replace(/\s?\S*$/u, " …");
  return (
    <th scope="row" dir={directionOf(offsets.text)}>
      <span class="soft">{before}</span>
      <b>{offsets.slice(start, end)}</b>
      <span class="soft">{after}</span>{" "}
      {children}
    </th>
  );
}

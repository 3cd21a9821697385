import type { ComponentChild, VNode } from "preact";

/** Guidelines are Markdown of a few forms; whatever else is in them is shown as it stands. */
export function Markdown({ source }: { source: string }): VNode {
  return <div class="markdown">{blocks(source.split("\n"))}</div>;
}

const ITEM = /^( *)(?:[-*]|\d+\.) +(.*)$/;
const HEADING = /^(#{1,6})\s+(.*?)\s*#*$/;
const ROW = /^\|(.*)\|\s*$/;

function blocks(lines: string[]): ComponentChild[] {
  const made: ComponentChild[] = [];
  for (let at = 0; at < lines.length; ) {
    const line = lines[at] ?? "";
    const heading = HEADING.exec(line);
    if (!line.trim()) at += 1;
    else if (heading) {
      // The page has its own h1 and h2.
      const Tag = `h${Math.min(6, (heading[1] ?? "").length + 2)}` as "h3";
      made.push(<Tag>{inline(heading[2] ?? "")}</Tag>);
      at += 1;
    } else if (line.startsWith("```")) {
      const end = lines.findIndex((each, n) => n > at && each.startsWith("```"));
      const last = end < 0 ? lines.length : end;
      made.push(<pre>{lines.slice(at + 1, last).join("\n")}</pre>);
      at = last + 1;
    } else if (ROW.test(line)) {
      const end = endOf(lines, at, (each) => ROW.test(each));
      made.push(table(lines.slice(at, end)));
      at = end;
    } else if (ITEM.test(line)) {
      const end = endOf(lines, at, (each) => ITEM.test(each) || /^ +\S/.test(each));
      made.push(list(lines.slice(at, end)));
      at = end;
    } else {
      const end = endOf(lines, at, (each) => Boolean(each.trim()) && !HEADING.test(each) && !ITEM.test(each));
      made.push(<p>{inline(lines.slice(at, end).join(" "))}</p>);
      at = end;
    }
  }
  return made;
}

function endOf(lines: string[], start: number, belongs: (line: string) => boolean): number {
  let end = start + 1;
  while (end < lines.length && belongs(lines[end] ?? "")) end += 1;
  return end;
}

function list(lines: string[]): VNode {
  const items: string[] = [];
  for (const line of lines) {
    const item = ITEM.exec(line);
    if (item) items.push(item[2] ?? "");
    else items[items.length - 1] += ` ${line.trim()}`;
  }
  const Tag = /^ *\d/.test(lines[0] ?? "") ? "ol" : "ul";
  return (
    <Tag>
      {items.map((item, n) => (
        <li key={n}>{inline(item)}</li>
      ))}
    </Tag>
  );
}

function table(lines: string[]): VNode {
  const rows = lines
    .filter((line) => !/^\|[\s:|-]+\|\s*$/.test(line))
    .map((line) => (ROW.exec(line)?.[1] ?? "").split(/(?<!\\)\|/).map((cell) => cell.trim()));
  const [head = [], ...body] = rows;
  return (
    <div class="scroll" tabIndex={0} role="group" aria-label="Table">
      <table>
        <thead>
          <tr>
            {head.map((cell, n) => (
              <th key={n}>{inline(cell)}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {body.map((cells, n) => (
            <tr key={n}>
              {cells.map((cell, m) => (
                <td key={m}>{inline(cell)}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const MARK = /(`[^`]+`|\*\*[^*]+\*\*|\*[^*\s][^*]*\*)/;

/** Words with `code`, **strong** and *emphasis* in them. */
export function inline(text: string): ComponentChild[] {
  return text.split(MARK).map((part) => {
    if (part.length > 2 && part.startsWith("`")) return <code>{part.slice(1, -1)}</code>;
    if (part.length > 4 && part.startsWith("**")) return <strong>{inline(part.slice(2, -2))}</strong>;
    if (part.length > 2 && MARK.test(part)) return <em>{inline(part.slice(1, -1))}</em>;
    return part;
  });
}

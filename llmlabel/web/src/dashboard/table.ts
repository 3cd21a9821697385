export type Cell = string | number | null;

/** The numbers behind a figure. */
export interface Numbers {
  columns: readonly string[];
  rows: readonly (readonly Cell[])[];
}

/** As spreadsheets take it: full precision, nothing where nothing is known. */
export function tsv({ columns, rows }: Numbers): string {
  const line = (cells: readonly Cell[]): string => cells.map(field).join("\t");
  return [columns, ...rows].map(line).join("\n") + "\n";
}

/** A number as a table shows it: four digits that count, whole numbers whole. */
export function shown(cell: Cell): string {
  if (cell === null) return "–";
  if (typeof cell === "string") return cell;
  if (Number.isInteger(cell)) return cell.toLocaleString("en");
  return Number(cell.toPrecision(4)).toLocaleString("en", { maximumFractionDigits: 20 });
}

/** Put text on the clipboard, also where the page came over plain http. */
export async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copiedByHand(text);
  }
}

function field(cell: Cell): string {
  // A tab or a line break would make two cells of one.
  return cell === null ? "" : String(cell).replaceAll(/[\t\r\n]+/g, " ");
}

function copiedByHand(text: string): boolean {
  const before = document.activeElement;
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "out-of-sight";
  document.body.append(area);
  area.select();
  try {
    return document.execCommand("copy");
  } catch {
    return false;
  } finally {
    area.remove();
    if (before instanceof HTMLElement) before.focus({ preventScroll: true });
  }
}

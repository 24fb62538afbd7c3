import { type ReactNode, useEffect, useRef, useState } from "react";

export interface Column<Row> {
  name: string;
  cell: (row: Row) => ReactNode;
  number?: boolean;
}

interface Props<Row> {
  caption: string;
  columns: Column<Row>[];
  rows: Row[];
  keyOf: (row: Row) => string;
}

const COLUMNS_MAX = 3; // that stand side by side on a phone

/**
 * Where there is no room for its columns, each row becomes a list of them; the roles say that it is a table nevertheless. One that is
 * too wide all the same scrolls within itself, with the keyboard, too.
 */
export function Table<Row>({ caption, columns, rows, keyOf }: Props<Row>) {
  const scroll = useRef<HTMLDivElement>(null);
  const [wide, setWide] = useState(false);
  useEffect(() => {
    const box = scroll.current;
    if (!box || typeof ResizeObserver === "undefined") return;
    const watch = new ResizeObserver(() => setWide(box.scrollWidth > box.clientWidth));
    watch.observe(box);
    return () => watch.disconnect();
  }, []);
  return (
    <div className="t-scroll" ref={scroll} {...(wide && { tabIndex: 0, role: "group", "aria-label": caption })}>
      <table role="table" className={columns.length > COLUMNS_MAX ? "t-stacks" : undefined}>
        <caption className="t-hidden">{caption}</caption>
        <thead role="rowgroup">
          <tr role="row">
            {columns.map((column) => (
              <th key={column.name} role="columnheader" scope="col" className={column.number ? "t-number" : undefined}>
                {column.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody role="rowgroup">
          {rows.map((row) => (
            <tr key={keyOf(row)} role="row">
              {columns.map((column) => (
                <td key={column.name} role="cell" data-name={column.name} className={column.number ? "t-number" : undefined}>
                  <div>{column.cell(row)}</div>
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

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

/** Scrolls within itself where it is wider than the page, and can then be scrolled with the keyboard, too. */
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
      <table>
        <caption className="t-hidden">{caption}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column.name} scope="col" className={column.number ? "t-number" : undefined}>
                {column.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={keyOf(row)}>
              {columns.map((column) => (
                <td key={column.name} className={column.number ? "t-number" : undefined}>
                  {column.cell(row)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

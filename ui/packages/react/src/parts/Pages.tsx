import { useState } from "react";
import type { Refusal } from "../data/api.js";
import { useSay } from "../data/words.js";
import type { UseQueryResult } from "@tanstack/react-query";

export interface Paged<Row> {
  data: Row[];
  has_more: boolean;
  next_cursor: string | null;
}

/** Where in a list one is: `cursor` of the page shown, and how to go on or begin again. */
export function useCursor() {
  const [cursors, setCursors] = useState<string[]>([]);
  return {
    cursor: cursors.at(-1),
    more: (next: string) => setCursors([...cursors, next]),
    back: cursors.length > 0 ? () => setCursors(cursors.slice(0, -1)) : undefined,
    reset: () => setCursors([]),
  };
}

export function Pager<Row>({ query, at }: { query: UseQueryResult<Paged<Row>, Refusal>; at: ReturnType<typeof useCursor> }) {
  const say = useSay();
  const next = query.data?.next_cursor;
  if (!next && !at.back) return null;
  return (
    <p className="t-actions">
      {at.back && (
        <button type="button" onClick={at.back}>
          {say("common.back")}
        </button>
      )}
      {next && (
        <button type="button" onClick={() => at.more(next)}>
          {say("common.more")}
        </button>
      )}
    </p>
  );
}

import type { UseQueryResult } from "@tanstack/react-query";
import { useSay } from "../data/words.js";

/** When this was asked for last, and a way to ask now. */
export function Freshness<T, E>({ query }: { query: UseQueryResult<T, E> }) {
  const say = useSay();
  if (query.data === undefined) return null;
  return (
    <span className="t-fresh">
      {say("common.updated", { at: say.time(query.dataUpdatedAt) })}{" "}
      <button type="button" className="t-link" aria-disabled={query.isFetching} onClick={() => void query.refetch()}>
        {say("common.refresh")}
      </button>
    </span>
  );
}

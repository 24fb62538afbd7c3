import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import type { Refusal } from "../data/api.js";
import { type Say, useSay } from "../data/words.js";
import { Copy } from "./Copy.js";
import { Marked } from "./Marked.js";

interface Props<T> {
  query: UseQueryResult<T, Refusal>;
  empty?: { when: (data: T) => boolean; title: string; hint: string; action?: ReactNode };
  children: (data: T) => ReactNode;
}

/** What every list has: a skeleton while it loads, a way out of an error, words where it is empty, a note when it is old. */
export function Loaded<T>({ query, empty, children }: Props<T>) {
  const say = useSay();
  const { data, error, isPending } = query;
  if (data === undefined && isPending && !error) return <Skeleton label={say("common.loading")} />;
  if (data === undefined) return <Failure error={error} retry={() => void query.refetch()} />;
  return (
    <>
      {error && (
        <p className="t-stale">
          {say("common.stale", { at: say.instant(query.dataUpdatedAt) })}{" "}
          <button type="button" className="t-link" onClick={() => void query.refetch()}>
            {say("common.retry")}
          </button>
        </p>
      )}
      {empty?.when(data) ? (
        <Empty title={empty.title} hint={empty.hint}>
          {empty.action}
        </Empty>
      ) : (
        children(data)
      )}
    </>
  );
}

export function Skeleton({ label }: { label: string }) {
  return (
    <div className="t-skeleton" role="status">
      <span className="t-hidden">{label}</span>
      <i />
      <i />
      <i />
    </div>
  );
}

export function Empty({ title, hint, children }: { title: string; hint: string; children?: ReactNode }) {
  return (
    <div className="t-empty">
      <p>
        <strong>{title}</strong>
      </p>
      <p>
        <Marked text={hint} />
      </p>
      {children}
    </div>
  );
}

export function inWords(error: Refusal | null, say: Say): string {
  if (!error || error.code === "unreachable") return say("common.unreachable");
  if (error.status === 401) return say("common.logged_out");
  if (error.status === 403 && error.code === "forbidden") return say("common.forbidden");
  return error.message;
}

/** What went wrong, what to do, and the request's id for whoever is asked about it. */
export function Failure({ error, retry, title }: { error: Refusal | null; retry?: () => void; title?: string }) {
  const say = useSay();
  return (
    <div className="t-failure" role="alert">
      <p>
        <strong>{title ?? say("common.failed")}</strong>
      </p>
      <p>{inWords(error, say)}</p>
      {error?.requestId && (
        <p className="t-quiet">
          <code>{error.code}</code> · {say("common.request", { id: error.requestId })} <Copy text={error.requestId} />
        </p>
      )}
      {retry && (
        <button type="button" onClick={retry}>
          {say("common.retry")}
        </button>
      )}
    </div>
  );
}

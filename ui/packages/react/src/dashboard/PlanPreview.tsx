import type { Schemas } from "@tallystick/client";
import { useAct } from "../data/api.js";
import { type Plan, useSubscription } from "../data/reads.js";
import { useSay } from "../data/words.js";
import { InvoiceLines } from "../parts/InvoiceLines.js";
import { Failure } from "../parts/Loaded.js";
import { useTell } from "../parts/News.js";
import { Facts } from "../parts/Panel.js";

interface Props {
  preview: Schemas["ActPreviewShown"];
  plans: Plan[];
  onBack: () => void;
  onDone: () => void;
}

/** What is shown here is what is charged: the service keeps the preview, and takes it as it was shown, or not at all. */
export function PlanPreview({ preview, plans, onBack, onDone }: Props) {
  const say = useSay();
  const tell = useTell();
  const now = useSubscription().data;
  const then = preview.subscription;
  const ends = preview.act.startsWith("cancel");
  const name = (key: string) => plans.find((plan) => plan.key === key)?.name || key;
  const target = name((then.next_terms ?? then.terms).plan);
  const day = say.day(preview.effective_at ?? then.period.until);
  const accept = useAct(
    (api) => api.user.POST("/billing/subscription/previews/{preview_id}/accept", { params: { path: { preview_id: preview.id } } }),
    () => {
      tell(preview.effective_at ? say("preview.done_now", { plan: target }) : say("preview.done_later", { day }));
      onDone();
    },
  );
  const facts: [string, React.ReactNode][] = [[say("preview.now"), now?.plan_name ?? ""]];
  if (!ends) facts.push([say("preview.then"), target]);
  facts.push([
    say("preview.due"),
    preview.amount_due === 0 ? say("preview.nothing_due") : <strong>{say.money({ amount: preview.amount_due, currency: preview.currency })}</strong>,
  ]);
  return (
    <>
      <Facts facts={facts} />
      <p>{say(ends ? "preview.ends" : preview.effective_at ? "preview.at_once" : "preview.at_end", { day })}</p>
      {preview.invoice && (
        <details>
          <summary>{say("preview.lines")}</summary>
          <InvoiceLines invoice={preview.invoice} lines={preview.invoice.lines} />
        </details>
      )}
      <p className="t-quiet">{say("preview.expires", { at: say.instant(preview.expires_at) })}</p>
      {accept.error && <Failure error={accept.error} title={say("common.not_done")} />}
      <div className="t-actions">
        <button type="button" className="t-main" disabled={accept.isPending} onClick={() => accept.mutate()}>
          {ends ? say("preview.confirm_end") : say("preview.confirm", { plan: target })}
        </button>
        <button type="button" onClick={onBack}>
          {say("preview.keep")}
        </button>
      </div>
    </>
  );
}

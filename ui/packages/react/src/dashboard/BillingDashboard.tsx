import { Banner, Times } from "../parts/Banner.js";
import { type BillingProps, Root } from "../parts/Root.js";
import { useSay } from "../data/words.js";
import { InvoicesPanel } from "./InvoicesPanel.js";
import { LimitsPanel } from "./LimitsPanel.js";
import { PlanPanel } from "./PlanPanel.js";
import { UpcomingPanel } from "./UpcomingPanel.js";
import { UsagePanel } from "./UsagePanel.js";

/** What a customer uses and pays: for whoever is logged in at `apiUrl`. */
export function BillingDashboard(props: BillingProps) {
  return (
    <Root {...props}>
      <Page mode={props.mode ?? "live"} />
    </Root>
  );
}

function Page({ mode }: { mode: "live" | "test" | "sandbox" }) {
  const say = useSay();
  return (
    <div className="t-page">
      <Banner mode={mode} />
      <h1>{say("page.billing")}</h1>
      <div className="t-grid">
        <PlanPanel />
        <UpcomingPanel />
        <UsagePanel />
        <InvoicesPanel />
        <LimitsPanel />
      </div>
      <Times />
    </div>
  );
}

import { useMemo, useRef } from "react";
import { useSay } from "../data/words.js";
import { Banner, Times } from "../parts/Banner.js";
import { type BillingProps, Root } from "../parts/Root.js";
import { AuditSection } from "./AuditSection.js";
import { CustomerPage } from "./CustomerPage.js";
import { CustomersSection } from "./CustomersSection.js";
import { DunningSection } from "./DunningSection.js";
import { EventsSection } from "./EventsSection.js";
import { InvoicesSection } from "./InvoicesSection.js";
import { JobsSection } from "./JobsSection.js";
import { KeysSection } from "./KeysSection.js";
import { type Place, SECTIONS, type Section, usePlace } from "./place.js";
import { ProviderSection } from "./ProviderSection.js";
import { RevenueSection } from "./RevenueSection.js";
import { Help, useShortcuts } from "./Shortcuts.js";
import { SimulatedClock } from "./SimulatedClock.js";
import { WebhooksSection } from "./WebhooksSection.js";

export interface BillingAdminProps extends BillingProps {
  /** Whether the place within the page is kept in the address, behind "#"; where the host's router uses that itself, say no. */
  hash?: boolean;
}

/** Everybody's customers, invoices and events: for an admin who is logged in at `apiUrl`. */
export function BillingAdmin({ hash = false, ...props }: BillingAdminProps) {
  return (
    <Root {...props}>
      <Page mode={props.mode ?? "live"} hash={hash} />
    </Root>
  );
}

function Page({ mode, hash }: { mode: "live" | "test" | "sandbox"; hash: boolean }) {
  const say = useSay();
  const [place, go] = usePlace(hash);
  const root = useRef<HTMLDivElement>(null);
  const shortcuts = useShortcuts(root, go);
  const at = useMemo(() => ({ place, go }), [place, go]);
  return (
    <div className="t-page t-admin" ref={root}>
      <Banner mode={mode} />
      {mode === "sandbox" && <SimulatedClock />}
      <h1>{say("page.admin")}</h1>
      <nav className="t-nav" aria-label={say("nav.sections")}>
        {SECTIONS.map((section) => (
          <button key={section} type="button" aria-current={place.section === section ? "page" : undefined} onClick={() => go({ section })}>
            {say(`nav.${section}`)}
          </button>
        ))}
        <button type="button" className="t-link" aria-keyshortcuts="?" onClick={shortcuts.open}>
          {say("nav.help")}
        </button>
      </nav>
      <Shown {...at} />
      <Times />
      {shortcuts.shown && <Help onClose={shortcuts.close} />}
    </div>
  );
}

function Shown({ place, go }: { place: Place; go: (place: Place) => void }) {
  if (place.section === "customers" && place.id) {
    return <CustomerPage key={place.id} id={place.id} back={() => go({ section: "customers" })} />;
  }
  const sections: Record<Section, React.ReactNode> = {
    customers: <CustomersSection open={(id) => go({ section: "customers", id })} />,
    invoices: <InvoicesSection />,
    dunning: <DunningSection open={(id) => go({ section: "customers", id })} />,
    revenue: <RevenueSection open={(id) => go({ section: "customers", id })} />,
    events: <EventsSection />,
    jobs: <JobsSection />,
    provider: <ProviderSection />,
    audit: <AuditSection />,
    webhooks: <WebhooksSection />,
    keys: <KeysSection />,
  };
  return <div className="t-grid">{sections[place.section]}</div>;
}

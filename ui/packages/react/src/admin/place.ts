import { useCallback, useEffect, useState } from "react";

export const SECTIONS = ["customers", "invoices", "dunning", "revenue", "events", "jobs", "provider", "audit", "webhooks", "keys"] as const;
export type Section = (typeof SECTIONS)[number];

export interface Place {
  section: Section;
  id?: string;
}

export function readPlace(hash: string): Place {
  const [section = "", id] = hash.replace(/^#\/?/, "").split("/", 2);
  const known = SECTIONS.find((each) => each === section) ?? "customers";
  const read = id && decoded(id);
  return read ? { section: known, id: read } : { section: known };
}

/** Nothing, where somebody has written the address by hand and wrongly. */
function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

export function writePlace({ section, id }: Place): string {
  return id ? `#${section}/${encodeURIComponent(id)}` : `#${section}`;
}

/** Where one is among the sections; in the address, too, where `hash` says so, so that it can be linked and gone back from. */
export function usePlace(hash: boolean): [Place, (place: Place) => void] {
  const [place, setPlace] = useState<Place>(() => (hash ? readPlace(location.hash) : { section: "customers" }));
  useEffect(() => {
    if (!hash) return;
    const moved = () => setPlace(readPlace(location.hash));
    window.addEventListener("hashchange", moved);
    return () => window.removeEventListener("hashchange", moved);
  }, [hash]);
  const go = useCallback(
    (next: Place) => {
      if (hash) location.hash = writePlace(next);
      setPlace(next);
    },
    [hash],
  );
  return [place, go];
}

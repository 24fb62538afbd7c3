import { type RefObject, useEffect, useState } from "react";
import { useSay } from "../data/words.js";
import { Dialog } from "../parts/Dialog.js";
import { Facts } from "../parts/Panel.js";
import { type Place, SECTIONS, type Section } from "./place.js";

const LETTERS: Record<Section, string> = {
  customers: "c",
  invoices: "i",
  dunning: "d",
  revenue: "r",
  events: "e",
  jobs: "j",
  provider: "p",
  audit: "a",
  webhooks: "w",
  keys: "k",
};
const TOGETHER_MS = 1_000;

/** `/` searches, `g` and a letter goes to a section, `?` shows this list; never while somebody types. */
export function useShortcuts(root: RefObject<HTMLDivElement | null>, go: (place: Place) => void) {
  const [shown, setShown] = useState(false);
  useEffect(() => {
    let began = 0;
    const pressed = (event: KeyboardEvent) => {
      const typing = event.target instanceof HTMLElement && event.target.closest("input, select, textarea, dialog");
      if (typing || event.ctrlKey || event.metaKey || event.altKey) return;
      const section = SECTIONS.find((each) => LETTERS[each] === event.key);
      if (event.key === "?") setShown(true);
      else if (event.key === "/") {
        event.preventDefault();
        root.current?.querySelector<HTMLInputElement>("input[type=search]")?.focus();
      } else if (section && event.timeStamp - began < TOGETHER_MS) go({ section });
      began = event.key === "g" ? event.timeStamp : 0;
    };
    document.addEventListener("keydown", pressed);
    return () => document.removeEventListener("keydown", pressed);
  }, [root, go]);
  return { shown, open: () => setShown(true), close: () => setShown(false) };
}

export function Help({ onClose }: { onClose: () => void }) {
  const say = useSay();
  const keys: [string, React.ReactNode][] = [
    [say("nav.shortcut_search"), <kbd key="search">/</kbd>],
    ...SECTIONS.map((section): [string, React.ReactNode] => [
      say("nav.shortcut_go", { section: say(`nav.${section}`) }),
      <span key={section}>
        <kbd>g</kbd> <kbd>{LETTERS[section]}</kbd>
      </span>,
    ]),
    [say("nav.shortcut_help"), <kbd key="help">?</kbd>],
  ];
  return (
    <Dialog title={say("nav.help")} onClose={onClose}>
      <Facts facts={keys} />
    </Dialog>
  );
}

import { useState } from "react";
import { useSay } from "../data/words.js";

export function Copy({ text, label }: { text: string; label?: string }) {
  const say = useSay();
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
    setTimeout(() => setCopied(false), 2_000);
  };
  return (
    <button type="button" className="t-link" onClick={() => void copy()}>
      <span aria-live="polite">{copied ? say("common.copied") : (label ?? say("common.copy"))}</span>
    </button>
  );
}

import { useSay } from "../data/words.js";

export function Banner({ mode }: { mode: "live" | "test" | "sandbox" }) {
  const say = useSay();
  return mode === "live" ? null : <p className="t-banner">{say(`mode.${mode}`)}</p>;
}

export function Times() {
  const say = useSay();
  return <p className="t-quiet t-times">{say("common.times", { zone: say.zone() })}</p>;
}

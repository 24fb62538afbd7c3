import { useSay } from "../data/words.js";

export function Instant({ at }: { at: string }) {
  const say = useSay();
  return <time dateTime={at}>{say.instant(at)}</time>;
}

/** Words with a command in them: what stands between backticks is code. */
export function Marked({ text }: { text: string }) {
  return text.split("`").map((part, place) => (place % 2 ? <code key={place}>{part}</code> : part));
}

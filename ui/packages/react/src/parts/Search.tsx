import { type FormEvent, useId, useState } from "react";
import { useSay } from "../data/words.js";

interface Props {
  label: string;
  value: string;
  search: (text: string) => void;
  button?: string;
}

export function Search({ label, value, search, button }: Props) {
  const say = useSay();
  const id = useId();
  const [text, setText] = useState(value);
  const send = (event: FormEvent) => {
    event.preventDefault();
    search(text.trim());
  };
  return (
    <form className="t-inline-form" onSubmit={send}>
      <label className="t-field" htmlFor={id}>
        <span>{label}</span>
        <input id={id} type="search" value={text} onChange={(event) => setText(event.target.value)} />
      </label>
      <button type="submit">{button ?? say("common.search")}</button>
    </form>
  );
}

interface ChoiceProps {
  label: string;
  value: string;
  options: [string, string][];
  choose: (value: string) => void;
}

export function Choice({ label, value, options, choose }: ChoiceProps) {
  return (
    <label className="t-field">
      <span>{label}</span>
      <select value={value} onChange={(event) => choose(event.target.value)}>
        {options.map(([each, name]) => (
          <option key={each} value={each}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}

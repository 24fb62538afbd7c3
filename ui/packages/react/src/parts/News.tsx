import { createContext, type ReactNode, useCallback, useContext, useRef, useState } from "react";

const NewsContext = createContext<(text: string) => void>(() => {});
const SHOWN_MS = 6_000;

/** One sentence about what was just done, read out by screen readers, and gone after a while. */
export function News({ children }: { children: ReactNode }) {
  const [text, setText] = useState("");
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const tell = useCallback((said: string) => {
    clearTimeout(timer.current);
    setText(said);
    timer.current = setTimeout(() => setText(""), SHOWN_MS);
  }, []);
  return (
    <NewsContext.Provider value={tell}>
      {children}
      <div className="t-news" role="status">
        {text && <p>{text}</p>}
      </div>
    </NewsContext.Provider>
  );
}

export function useTell(): (text: string) => void {
  return useContext(NewsContext);
}

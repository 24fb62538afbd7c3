import { IntlProvider, useLocale, useTranslations } from "use-intl";
import { type ReactNode, useMemo } from "react";
import { en } from "../words/en.js";
import { ja } from "../words/ja.js";
import * as format from "./format.js";

export type Locale = "en" | "ja";
export type Word = { [Section in keyof typeof en]: `${Section}.${keyof (typeof en)[Section] & string}` }[keyof typeof en];
type Values = Record<string, string | number>;

const WORDS = { en, ja };
const TAGS = { en: "en-US", ja: "ja-JP" };

export function Words({ locale, children }: { locale: Locale; children: ReactNode }) {
  return (
    <IntlProvider locale={locale} messages={WORDS[locale]} timeZone="UTC">
      {children}
    </IntlProvider>
  );
}

/** The words of the page, and its numbers and dates, in the page's language. */
export function useSay() {
  const translate = useTranslations();
  const locale = useLocale() as Locale;
  return useMemo(() => {
    const tag = TAGS[locale];
    const say = (word: Word, values?: Values): string => translate(word as never, values as never);
    return Object.assign(say, {
      locale,
      money: (amount: format.Amount) => format.money(amount, tag),
      price: (text: string, currency: string) => format.price(text, currency, tag),
      quantity: (text: string) => format.quantity(text, tag),
      axis: (amount: format.Amount) => format.axis(amount, tag),
      percent: (share: string) => format.percent(share, tag),
      month: (at: string) => format.day(at, tag, { dateStyle: undefined, year: "numeric", month: "long" }),
      compact: (value: number) => format.compact(value, tag),
      whole: (value: number) => format.whole(value, tag),
      day: (at: string, options?: Intl.DateTimeFormatOptions) => format.day(at, tag, options),
      second: (at: string) => format.second(at, tag),
      instant: (at: string | number) => format.instant(at, tag),
      time: (at: number) => new Intl.DateTimeFormat(tag, { timeStyle: "short" }).format(at),
      zone: () => format.zoneOf(tag),
      /** The word for what the API calls by a code; the code itself where there is none yet. */
      code: (section: keyof typeof en, code: string): string =>
        code in en[section] ? say(`${section}.${code}` as Word) : code.replaceAll("_", " "),
    });
  }, [translate, locale]);
}

export type Say = ReturnType<typeof useSay>;

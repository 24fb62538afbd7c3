import { describe, expect, it } from "vitest";
import { cell, invoicesAsCsv } from "../src/data/csv.js";
import { money, percentUsed, price, quantity, withPoint } from "../src/data/format.js";
import { shownPeriod } from "../src/data/period.js";
import { ticksUpTo } from "../src/parts/Chart.js";
import { en } from "../src/words/en.js";
import { ja } from "../src/words/ja.js";
import { invoice } from "./answers.js";

describe("money", () => {
  it.each([
    [1234, "usd", "en-US", "$12.34"],
    [-5, "usd", "en-US", "-$0.05"],
    [500, "jpy", "en-US", "¥500"],
    [500, "jpy", "ja-JP", "￥500"],
    [12345, "kwd", "en-US", "KWD 12.345"],
    [100000, "isk", "en-US", "ISK 1,000"],
    [9007199254740991, "eur", "en-US", "€90,071,992,547,409.91"],
  ])("%i minor units of %s are written in %s as %s", (amount, currency, locale, text) => {
    expect(money({ amount, currency }, locale).replaceAll("\u00a0", " ")).toBe(text);
  });

  it("is never computed with: a point is put between its digits", () => {
    expect([withPoint(7, 2), withPoint(-12345, 3), withPoint(0, 2), withPoint(42, 0)]).toEqual(["0.07", "-12.345", "0.00", "42"]);
  });

  it("has as many places in a price as the price needs", () => {
    expect(price("0.00025", "usd", "en-US")).toBe("$0.00025");
    expect(price("99", "usd", "en-US")).toBe("$99");
    expect(price("1/3", "usd", "en-US")).toBe("1/3 USD");
  });
});

describe("quantities", () => {
  it("keep every digit that they have", () => {
    expect(quantity("12345678.000000000001", "en-US")).toBe("12,345,678.000000000001");
  });

  it("fill a quota by whole percents", () => {
    expect([percentUsed("999", "1000"), percentUsed("5", "4"), percentUsed("0", "0")]).toEqual([99, 125, 100]);
  });
});

describe("a CSV", () => {
  it("keeps formulas from running", () => {
    expect([cell("=1+1"), cell("@x"), cell("-5"), cell('a "b", c')]).toEqual(["'=1+1", "'@x", "-5", '"a ""b"", c"']);
  });

  it("has a line for each invoice, amounts in major units", () => {
    const [head, row] = invoicesAsCsv([invoice as never]).split("\r\n");
    expect(head?.startsWith("\ufeffnumber,id")).toBe(true);
    expect(row).toContain("USD,24.00,24.00");
  });
});

describe("charts", () => {
  it("have round ticks that reach over the highest bar", () => {
    expect(ticksUpTo(93)).toEqual([0, 50, 100]);
    expect(ticksUpTo(0.3)).toHaveLength(4);
    expect(ticksUpTo(0)).toEqual([0, 1]);
  });

  it("show the last days of a long period", () => {
    const year = { from: "2026-01-01T00:00:00Z", until: "2027-01-01T00:00:00Z" };
    const now = Date.parse("2026-03-18T12:00:00Z");
    expect(shownPeriod(year, now)).toEqual({ from: "2026-02-16T00:00:00.000Z", until: "2026-03-19T00:00:00.000Z" });
  });
});

describe("words", () => {
  const placeholders = (text: string) => [...text.matchAll(/\{(\w+)/g)].map((found) => found[1]).sort();

  it.each(Object.keys(en) as (keyof typeof en)[])("of %s say the same in both languages", (section) => {
    for (const [key, text] of Object.entries(en[section])) {
      const other = (ja[section] as Record<string, string>)[key] ?? "";
      expect(other, key).not.toBe("");
      expect(placeholders(other), key).toEqual(placeholders(text));
    }
  });
});

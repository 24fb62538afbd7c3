import axe from "axe-core";

/** What axe finds wrong. jsdom has no layout, so contrast is judged in the browser's tests. */
export async function violations(within: Element): Promise<string[]> {
  const found = await axe.run(within, { rules: { "color-contrast": { enabled: false }, region: { enabled: false } } });
  return found.violations.map((each) => `${each.id}: ${each.nodes.map((node) => node.html).join(" ")}`);
}

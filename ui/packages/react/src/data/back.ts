// Those who come back from the provider's page: what they did there is heard of within moments, and is looked out for until then.

const BACK = "back";

/** Where the provider's page leads back to, when nothing was done there. */
export function here(): string {
  return location.href.split("#")[0] ?? "";
}

/** Where it leads back to, when something was. */
export function backFromProvider(): string {
  const url = new URL(here());
  url.searchParams.set(BACK, "1");
  return url.href;
}

export function isBack(): boolean {
  return new URLSearchParams(location.search).has(BACK);
}

/** From now on it is a visit like any other. */
export function stay(): void {
  const url = new URL(location.href);
  url.searchParams.delete(BACK);
  history.replaceState(null, "", url.pathname + url.search + url.hash);
}

import type { Schemas } from "@tallystick/client";

/** The event as a command for a shell; the key is taken from the environment, and is not in it. */
export function eventAsCurl({ customer, source, id, meter, quantity, at, unit_price, properties }: Schemas["EventShown"]): string {
  const body = { customer, source, id, meter, quantity, at, ...(unit_price !== null && { unit_price }), properties };
  const text = JSON.stringify(body).replaceAll("'", `'\\''`);
  return `curl ${location.origin}/v1/events -H "Authorization: Bearer $TALLYSTICK_API_KEY" --json '${text}'`;
}

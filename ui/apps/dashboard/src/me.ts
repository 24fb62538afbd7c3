import { connect, type Schemas } from "@tallystick/client";
import { useCallback, useEffect, useState } from "react";

export type Account = Schemas["AccountShown"];
type Me = { state: "asking" } | { state: "nobody" } | { state: "unreachable" } | { state: "known"; account: Account };

export const api = connect(new URL(".", location.href).href);

/** Who is logged in, and how to ask again. */
export function useMe(): [Me, () => void] {
  const [me, setMe] = useState<Me>({ state: "asking" });
  const reload = useCallback(() => {
    api.user
      .GET("/auth/me")
      .then(({ data }) => setMe(data ? { state: "known", account: data } : { state: "nobody" }))
      .catch(() => setMe({ state: "unreachable" }));
  }, []);
  useEffect(reload, [reload]);
  return [me, reload];
}

export async function logOut(): Promise<void> {
  await api.user.POST("/auth/logout");
}

// Who is logged in at Inkwell: the host's own cookie, which main.py sets and which Tallystick never hears of.

export interface Person {
  name: string;
  is_staff: boolean;
}

export async function whoIsThere(): Promise<Person | null> {
  const answer = await fetch("/session");
  return answer.ok ? ((await answer.json()) as Person) : null;
}

export async function logIn(name: string, password: string): Promise<Person | null> {
  const answer = await fetch("/session", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ name, password }),
  });
  return answer.ok ? ((await answer.json()) as Person) : null;
}

export async function logOut(): Promise<void> {
  await fetch("/session", { method: "DELETE" });
}

/** Writes a text: what Inkwell is for, and what it counts. False where the plan does not allow it. */
export async function write(): Promise<boolean> {
  return (await fetch("/work", { method: "POST", headers: { "X-Requested-With": "inkwell" } })).ok;
}

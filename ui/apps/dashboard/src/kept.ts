// What a browser remembers of how somebody likes to see the pages; without storage they are as they begin.
export function kept<T extends string>(name: string, known: readonly T[]): T | null {
  try {
    const value = localStorage.getItem(`tallystick.${name}`);
    return known.find((each) => each === value) ?? null;
  } catch {
    return null;
  }
}

export function keep(name: string, value: string): void {
  try {
    localStorage.setItem(`tallystick.${name}`, value);
  } catch {
    // Not remembered, then.
  }
}

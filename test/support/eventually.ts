// Waits for something that happens soon, and says what did not.

export async function eventually<T>(
  what: string,
  check: () => T | undefined | Promise<T | undefined>,
  timeoutMs: number = 60_000,
): Promise<T> {
  for (const end = performance.now() + timeoutMs; performance.now() < end; ) {
    const found = await check();
    if (found !== undefined && found !== false) return found;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  throw new Error(`did not happen within ${timeoutMs} ms: ${what}`);
}

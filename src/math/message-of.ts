/** The message of whatever was thrown: an error's own, or any other value as text. */
export const messageOf = (thrown: unknown): string =>
  thrown instanceof Error ? thrown.message : String(thrown);

/** A word as a shell reads it back. */
export const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;

/** The command as typed, with `--resume`. */
export const resuming = (argv: readonly string[]): string =>
  [...argv.filter((word) => word !== "--resume"), "--resume"].map(quoted).join(" ");

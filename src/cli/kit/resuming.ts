/** A word, quoted for a POSIX shell where necessary. */
export const quoted = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;

/** The typed command with `--resume`. */
export const resuming = (argv: readonly string[]): string =>
  [...argv.filter((word) => word !== "--resume"), "--resume"].map(quoted).join(" ");

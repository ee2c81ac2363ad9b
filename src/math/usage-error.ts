/** What the user can fix: printed without a stack, exit code 2. Everything else that is thrown is a bug. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** Options of an evaluation, also as a file holds them. Files call the option by its former name, `onlyStanding`. */
export interface SkipOptions {
  readonly skipBroken?: unknown;
  readonly onlyStanding?: unknown;
}

/** Whether attacks skip broken examples. */
export const skipsBroken = ({ skipBroken, onlyStanding }: SkipOptions): boolean =>
  skipBroken === true || onlyStanding === true;

// Whether the clock decided how long two evaluations attacked.
import { z } from "zod";
import type { Note } from "../math/note.ts";
import type { ComparedResult, TimedBall } from "./compared.ts";
import { counted, listed, normName, radiusText } from "./format.ts";

const Timed = z.array(z.looseObject({ options: z.looseObject({ minutes: z.number() }) }));

/** The minutes of an audit with --minutes, which its settings and its summary state; null for other rows. */
function minutesOf({ evaluation, audit }: ComparedResult): number | null {
  for (const value of Object.values(evaluation.settings?.options ?? {})) {
    const { data } = Timed.safeParse(value);
    if (data !== undefined && data.length > 0) return data[0].options.minutes;
  }
  const found = /^(.+) minutes$/.exec(audit?.budget ?? "");
  return found === null ? null : Number(found[1]);
}

/** Whether all rounds of the attacks, and the searches after them, ended before the time did. */
const hasEnded = ({ audit }: ComparedResult): boolean =>
  audit?.timed?.every(({ finished }) => finished) === true && audit.searchedAll !== false;

const ballText = ({ norm, epsilon, attacked, right }: TimedBall): string =>
  `${attacked} of ${counted(right, "image")} in ${normName(norm)} ${radiusText(norm, epsilon)}`;

function reached({ audit }: ComparedResult, when: string): string {
  const balls = audit?.timed ?? [];
  return balls.length === 0
    ? `${when}, nothing says how far they came`
    : `${when}, ${listed(balls.map(ballText))} got the first steps`;
}

/** A note with code `other-attacks` if the clock ended the attacks of both results; two budgets have a note of their own. */
export function timedNote(before: ComparedResult, after: ComparedResult): Note | undefined {
  const [a, b] = [minutesOf(before), minutesOf(after)];
  if (a === null || b === null || (hasEnded(before) && hasEnded(after))) return undefined;
  return {
    code: "other-attacks",
    text: `The clock ended the attacks (--minutes ${a} before, ${b} after), so they are not the same attacks: ${reached(before, "before")}; ${reached(after, "after")}. A slower or busier machine attacks less, and its model then looks more robust. Audit both with the same --budget.`,
  };
}

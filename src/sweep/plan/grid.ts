import { z } from "zod";
import { parseOptions } from "../../math/option-problems.ts";
import { type OptionSchema, parsedAs } from "../../math/option-text.ts";
import { UsageError } from "../../math/usage-error.ts";
import {
  type PlanFile,
  PlanFile as PlanFileSchema,
  type Step,
  type StepKind,
  stepOptions,
} from "./schema.ts";

/** One combination of a step's grid. */
export interface Combination {
  /** The given options, with the defaults of the step's kind. */
  readonly options: Readonly<Record<string, unknown>>;
  /** The values of the grid in this combination. */
  readonly varied: Readonly<Record<string, unknown>>;
}

/** Throws `UsageError` with the place of the first problem in a plan. */
function outerOf(path: string, value: unknown): PlanFile {
  const { data, error } = PlanFileSchema.safeParse(value);
  if (data !== undefined) return data;
  const lines = error.issues.map((issue) => {
    const place = issue.path.join(".");
    if (issue.code === "unrecognized_keys")
      return `${path}: ${place === "" ? "a plan" : place} has no ${issue.keys.join(", ")}`;
    if (issue.code === "too_small" && issue.path.includes("grid"))
      return `${path}: ${place} is an empty list, so the grid has no cells; give it a value or leave it out`;
    return `${path}: ${place === "" ? "the plan" : place}: ${issue.message.toLowerCase()}`;
  });
  const isUnknown = error.issues.some(({ code }) => code === "unrecognized_keys");
  throw new UsageError(lines, { code: isUnknown ? "unknown-option" : "bad-option" });
}

/** Parses the text of a plan. Throws `UsageError` if the text is not JSON or not a plan. */
export function parsePlan(path: string, text: string): PlanFile {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new UsageError(`${path} is not JSON: ${(cause as Error).message}`, {
      code: "bad-file",
      cause,
    });
  }
  const plan = outerOf(path, value);
  if (plan.train.length + plan.models.length === 0)
    throw new UsageError(`${path} has no models: it needs train or models`, {
      code: "missing-option",
    });
  return plan;
}

/** Every combination of lists of values, the last list varying fastest. */
export function combinations(
  grid: Readonly<Record<string, readonly unknown[]>>,
): Readonly<Record<string, unknown>>[] {
  return Object.entries(grid).reduce<Readonly<Record<string, unknown>>[]>(
    (all, [name, values]) =>
      all.flatMap((one) => values.map((value) => Object.assign({}, one, { [name]: value }))),
    [{}],
  );
}

/** The combinations of a step, each checked against the options of its kind. `place` names the step in messages. */
export function combinationsOf(kind: StepKind, step: Step, place: string): Combination[] {
  const schema: z.ZodObject = stepOptions[kind]();
  const { properties = {} } = z.toJSONSchema(schema, { io: "input", unrepresentable: "any" });
  const twice = Object.keys(step.grid).find((name) => Object.hasOwn(step.options, name));
  if (twice !== undefined)
    throw new UsageError(`${place}: ${twice} is both in options and in grid; give it once`, {
      code: "bad-option",
    });
  const typed = (values: Readonly<Record<string, unknown>>) =>
    Object.fromEntries(
      Object.entries(values).map(([name, value]) => [
        name,
        parsedAs(value, (properties[name] ?? {}) as OptionSchema),
      ]),
    );
  const naming = {
    label: (name: string) => `${place}: ${name}`,
    describe: (name: string) => (properties[name] as OptionSchema | undefined)?.description,
    names: Object.keys(properties),
    where: () => ` in ${place}`,
  };
  return combinations(step.grid).map((varied) => {
    const given = typed(Object.assign({}, step.options, varied));
    return {
      options: parseOptions(schema, given, {
        ...naming,
        label: (name) => name,
      }) as Combination["options"],
      varied: typed(varied),
    };
  });
}

// Checks of what the functions of `rampart/node` are given. The words are those of the command line.
import { z } from "zod";
import type { Attack } from "../attacks/victim.ts";
import type { AuditedFile, NodeAudit } from "../audit/audit-request.ts";
import { FormatOption } from "../audit/formats/table.ts";
import { AuditOptions } from "../audit/options.ts";
import { ImageOptions } from "../data/image-options.ts";
import { dataOptionShape, withDataName, withDataOptions } from "../data/own-data-options.ts";
import type { Runtime } from "../engine/runtime/runtime.ts";
import { type EvaluateOptions, evaluateSchema } from "../evaluate/options.ts";
import type { CustomAttacks } from "../evaluate/runs.ts";
import { checkedOptions } from "../math/option-problems.ts";
import { UsageError } from "../math/usage-error.ts";
import type { Architecture } from "../models/architecture.ts";
import type { OpenOptions } from "../models/opening/open-onnx.ts";
import { trainOptions as trainSchema } from "../train/options.ts";

/** A schema for each field of an interface: one that is forgotten does not compile. */
type Fields<T> = { readonly [K in keyof Required<T>]: z.ZodType };

const Text = z.string().optional();
const Numbers = z.array(z.number()).min(1).optional();
const Flag = z.boolean().optional();
const Signal = z.instanceof(AbortSignal).optional();
const Callback = z.custom<unknown>((value) => typeof value === "function", {
  error: ({ path }) => `${String(path?.[0])} is not a function`,
});

/** Whether a value is an object with these methods. */
export const has = (value: unknown, ...methods: readonly string[]): boolean =>
  typeof value === "object" &&
  value !== null &&
  methods.every((name) => typeof (value as Record<string, unknown>)[name] === "function");

const Device = z
  .union([z.string(), z.custom<Runtime>((value) => has(value, "compile"))])
  .optional();

/** Schemas of the options that say where graphs run, and how a call is watched and stopped. */
export const running = {
  device: Device,
  threads: z.int().positive().optional(),
  signal: Signal,
  onEvent: Callback.optional(),
};

/** How a third-party file is read. */
const reading: Fields<Omit<AuditedFile, "preprocessing" | "classes">> = {
  mean: Numbers,
  std: Numbers,
  scale: z.number().positive().optional(),
  layout: z.enum(["nchw", "nhwc"]).optional(),
  channelOrder: Text,
  cut: Numbers,
  resize: Numbers,
  fit: z.enum(["cover", "contain"]).optional(),
  crop: Numbers,
  margin: z.unknown().optional(),
  fill: Numbers,
  interpolation: Text,
  shape: z.array(z.int().positive()).min(1).optional(),
  numbers: z.int().positive().optional(),
  rules: z.object({}).loose().optional(),
  input: Text,
  constants: z.record(z.string(), z.number()).optional(),
  output: Text,
  straightThrough: Flag,
  blockSize: z.int().positive().optional(),
  maxConstants: z.number().positive().optional(),
};

/** Schemas of the options about stored results. */
export const storing = { resume: Flag, dataDir: Text, command: Text };

/** What was given, as the types of options have it: schemas of functions and classes know no more than `unknown`. */
const stated = (values: object) =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));

/** Values of some options and of the others. */
export function parted(values: Readonly<Record<string, unknown>>, names: readonly string[]) {
  const entries = Object.entries(values).filter(([, value]) => value !== undefined);
  return {
    own: Object.fromEntries(entries.filter(([name]) => names.includes(name))),
    others: Object.fromEntries(entries.filter(([name]) => !names.includes(name))),
  };
}

/** A single value as a list of one. */
export const listed = (values: object, names: readonly string[]): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      names.includes(name) && value !== undefined && !Array.isArray(value) ? [value] : value,
    ]),
  );

/** Throws `UsageError` for options that are not an object. */
export const requireObject = (options: unknown) => void checkedOptions(z.object({}), options);

const storingRuns = {
  ...running,
  ...storing,
  out: z.string().describe("run directory to write"),
  checkpointSeconds: z.number().nonnegative().optional(),
};

/** What `train` is given, with a defence and a network of the caller's own apart. */
export function trainOptions(options: object) {
  requireObject(options);
  const given = { ...options } as Record<string, unknown>;
  const objective = (given.defense as { objective?: unknown })?.objective;
  const isOwn = ["examples", "feeds", "train"].some((name) => has(objective, name));
  const ownDefense = isOwn ? given.defense : undefined;
  const ownModel = has(given.model, "forward") ? (given.model as Architecture) : undefined;
  if (ownModel !== undefined) given.model = ownModel.name;
  if (ownDefense !== undefined) given.defense = undefined;
  const schema = withDataOptions(trainSchema().extend(storingRuns));
  const { own, others } = parted(
    withDataName(checkedOptions(schema, given), "data"),
    Object.keys(trainSchema().shape),
  );
  if (ownDefense !== undefined) own.defense = (ownDefense as { readonly name: string }).name;
  return { own, others: stated({ ...others, ownDefense, ownModel }) };
}

const isAttack = (value: unknown): value is Attack =>
  has(value, "perturb") || has(value, "minimize");

/** Attacks of the caller's own by their names; one that occurs twice would give each row twice. */
function ownAttacks(attacks: readonly unknown[]): CustomAttacks {
  const found = new Map<string, Attack[]>();
  for (const attack of attacks) {
    if (!isAttack(attack)) continue;
    const { name, epsilon } = attack;
    const same = found.get(name) ?? [];
    if (attacks.includes(name) || same.some((other) => other.epsilon === epsilon))
      throw new UsageError(`attacks holds ${name} twice; give each attack once per radius`, {
        code: "bad-option",
      });
    found.set(name, [...same, attack]);
  }
  return found;
}

const evaluationSchema = () =>
  withDataOptions(
    evaluateSchema().extend({
      ...ImageOptions.shape,
      ...running,
      ...storing,
      out: Text,
      saveExamples: z.int().nonnegative().optional(),
      data: z
        .union([z.string(), z.custom((value) => typeof value === "object" && value !== null)])
        .optional(),
      classes: Text,
      note: Callback.optional(),
    }),
  );

/** A data set that is open already has its images, so an option about them would change nothing. */
export function refuseSizes(data: unknown, given: object): void {
  if (typeof data !== "object") return;
  const names = Object.keys(Object.assign({}, ImageOptions.shape, dataOptionShape()));
  const [unused] = Object.keys(stated(given)).filter((name) => names.includes(name));
  if (unused !== undefined)
    throw new UsageError(
      `${unused} has no effect on a data set that is open already; give data by its name`,
      { code: "misfit" },
    );
}

const RADII = ["epsilonLinf", "epsilonL2", "epsilonL1", "epsilonL0"];

/** What `evaluate` is given, with attacks of the caller's own and how images are read apart. */
export function evaluateOptions(options: object) {
  requireObject(options);
  const lists = ["attacks", ...RADII, "eot", "resize", "crop"];
  const given = listed(options, lists);
  const attacks = Array.isArray(given.attacks) ? given.attacks : undefined;
  const own = ownAttacks(attacks ?? []);
  // Names that are our own stand for themselves; the schema knows the others.
  const named = attacks?.filter((attack) => !isAttack(attack));
  const checked = checkedOptions(evaluationSchema(), {
    ...given,
    attacks: named?.length === 0 && own.size > 0 ? ["none"] : named,
  });
  refuseSizes(checked.data, given);
  const values = withDataName(checked, "data");
  const { own: settings, others } = parted(values, Object.keys(evaluateSchema().shape));
  const { own: images, others: where } = parted(others, Object.keys(ImageOptions.shape));
  if (attacks !== undefined)
    settings.attacks = [...new Set(attacks.map((one) => (isAttack(one) ? one.name : one)))];
  return {
    settings: settings as EvaluateOptions,
    where,
    images: images as ImageOptions,
    own,
  };
}

const auditing: Fields<Omit<NodeAudit, "runtime" | keyof AuditedFile>> = {
  ...storing,
  signal: Signal,
  data: Text,
  out: Text,
  saveExamples: z.int().nonnegative().optional(),
  saveInputs: z.int().nonnegative().optional(),
  format: FormatOption.optional(),
  note: Callback.optional(),
};

const AuditSchema = AuditOptions.extend({
  ...running,
  ...reading,
  ...auditing,
  preprocessing: Text,
  classes: Text,
});

/** What `audit` is given. */
export function auditingOptions(options: object) {
  requireObject(options);
  const lists = ["norms", "format", ...RADII, "resize", "crop", "mean", "std"];
  const checked = checkedOptions(withDataOptions(AuditSchema), listed(options, lists));
  const values = withDataName(checked, "data");
  const { own, others } = parted(values, Object.keys(AuditOptions.shape));
  return { settings: own as AuditOptions, where: others };
}

const { preprocessing: _, ...sizes } = { preprocessing: Text, ...reading };
const OpenSchema = z.strictObject({
  ...sizes,
  runtime: z.custom((value) => has(value, "compile")).optional(),
  ownModel: z.custom((value) => has(value, "forward")).optional(),
  images: z.array(z.int().positive()).optional(),
  /** The old name of `images`. */
  pictures: z.array(z.int().positive()).optional(),
  raw: Flag,
});

/** What `openModel` is given. */
export function openOptions(options: object): OpenOptions {
  const { pictures, images = pictures, ...others } = checkedOptions(OpenSchema, options);
  return stated({ ...others, images });
}

const DataSchema = z.strictObject({
  dataDir: Text,
  prepare: Callback.optional(),
  maxImages: z.int().positive().optional(),
  /** The old name of `maxImages`. */
  most: z.int().positive().optional(),
  rules: z.object({}).loose().optional(),
  takes: z.array(z.int().positive()).optional(),
});

/** What `openDataset` is given, and the name that states the data set's own options. */
export function dataOptions(name: string, options: object) {
  const checked = checkedOptions(withDataOptions(DataSchema), options);
  const { most, maxImages = most, ...others } = checked;
  const { data, ...rest } = withDataName(
    Object.assign({ data: name }, others, { maxImages }),
    "data",
  );
  return { data, options: stated(rest) };
}

const RuntimeSchema = z.strictObject({
  threads: z.int().positive().optional(),
  device: Text,
  lowering: Text,
  profile: Text,
});

/** What `nodeRuntime` and `nodeProgram` are given. */
export const runtimeOptions = (options: object) => stated(checkedOptions(RuntimeSchema, options));

/** A path, where a caller without types gives something else. */
export function pathOf(what: string, path: unknown): string {
  if (typeof path === "string" && path !== "") return path;
  throw new UsageError(
    `${what} is ${JSON.stringify(path) ?? String(path)}, but it must be the path of a file or folder`,
    {
      code: "bad-option",
    },
  );
}

// The command line as a whole, over 300 lines since each claim types a command of its own.
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { EpsilonLinf } from "../src/attacks/options.ts";
import { type Context, command } from "../src/cli/kit/command.ts";
import { Device, Seed } from "../src/cli/kit/options.ts";
import { type Program, run } from "../src/cli/kit/program.ts";
import { progress } from "../src/cli/kit/progress.ts";
import { numberOf } from "../src/math/option-text.ts";
import { UsageError } from "../src/math/usage-error.ts";

const shootCommand = command({
  summary: "Shoot at a target.",
  options: z.strictObject({
    epsilonLinf: EpsilonLinf.default(0.031).describe("radius"),
    curve: z.array(EpsilonLinf).min(1).optional().describe("radii"),
    defense: z.enum(["standard", "at-linf", "rat-linf-uniform"]).describe("how it is defended"),
    attacks: z.array(z.enum(["pgd-linf", "pgd-l2"])).default(["pgd-linf"]),
    steps: z.int().positive().default(20).describe("gradient steps"),
    stepSize: z.number().positive().optional(),
    randomStart: z.boolean().default(true).describe("start at random"),
    resume: z.boolean().default(false).describe("go on"),
    out: z.string().optional(),
    device: Device,
    seed: Seed,
  }),
  positionals: ["model"],
  examples: ["toy shoot m --defense at-linf"],
  async run(values, context) {
    context.print(`shot ${values.model}`);
    context.emit(values);
    context.note("a note");
    if (values.out === "bug") throw new TypeError("undefined is not a function");
    if (values.out === "usage")
      throw new UsageError("disk is round; use a flat one", { code: "usage" });
    if (values.out === "full")
      throw Object.assign(new Error("ENOSPC"), { code: "ENOSPC", path: "runs/a" });
  },
});

const toy: Program = {
  name: "toy",
  version: "1.2.3",
  summary: "A toy.",
  examples: ["toy shoot"],
  commands: {
    shoot: async () => shootCommand,
    join: async () =>
      command({
        summary: "Join files.",
        options: z.strictObject({}),
        positionals: ["files..."],
        async run({ files }, context) {
          context.emit({ files });
        },
      }),
    data: async () => ({
      summary: "Data sets.",
      commands: {
        list: command({
          summary: "List them.",
          options: z.strictObject({}),
          async run(_, context) {
            context.print("listed");
          },
        }),
      },
    }),
    broken: () => Promise.reject(new Error("this command is never loaded")),
  },
};

async function toyRun(line: string, signal?: AbortSignal) {
  const out: string[] = [];
  const err: string[] = [];
  const code = await run(toy, line.split(" ").filter(Boolean), {
    stdout: { write: (text) => out.push(text) },
    stderr: { write: (text) => err.push(text) },
    signal,
  });
  return { code, out: out.join(""), err: err.join("") };
}

const values = async (line: string) => {
  const { code, out, err } = await toyRun(`${line} --json`);
  expect(err).toBe("a note\n");
  expect(code).toBe(0);
  return JSON.parse(out);
};

describe("options", () => {
  it("have the schema's defaults", async () => {
    expect(await values("shoot m --defense at-linf")).toEqual({
      model: "m",
      defense: "at-linf",
      epsilonLinf: 0.031,
      attacks: ["pgd-linf"],
      steps: 20,
      randomStart: true,
      resume: false,
      device: "cpu",
      seed: 0,
    });
  });

  it("read fractions, lists, negations and switches", async () => {
    const line =
      "shoot m --defense standard --epsilon-linf 8/255 --curve 2/255,0.03 --step-size=1e-3 " +
      "--attacks pgd-linf,pgd-l2 --no-random-start --resume --steps 3";
    expect(await values(line)).toMatchObject({
      epsilonLinf: 8 / 255,
      curve: [2 / 255, 0.03],
      attacks: ["pgd-linf", "pgd-l2"],
      stepSize: 0.001,
      randomStart: false,
      resume: true,
      steps: 3,
    });
  });

  it("read every a/b as its quotient, and nothing else as a number", () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1 }), (a, b) => numberOf(`${a}/${b}`) === a / b),
    );
    for (const text of ["", "8/", "/255", "1/2/3", "1/0", "eight", "0x10", "Infinity", "1 2"])
      expect(numberOf(text), text).toBeUndefined();
  });

  it("come from flags before the file, and from the file before the defaults", async () => {
    const file = join(mkdtempSync(join(tmpdir(), "rampart-")), "options.json");
    writeFileSync(file, '{ "defense": "at-linf", "steps": 5, "epsilonLinf": "4/255" }');
    expect(await values(`shoot m --config ${file} --steps 7`)).toMatchObject({
      defense: "at-linf",
      steps: 7,
      epsilonLinf: 4 / 255,
      seed: 0,
    });
    writeFileSync(file, '{ "defence": "at-linf" }');
    const { code, err } = await toyRun(`shoot m --config ${file}`);
    expect([code, err]).toEqual([
      2,
      "--defense is missing: how it is defended\n" +
        `unknown option "defence" in ${file}; did you mean defense?\n`,
    ]);
  });
});

const refused = (line: string, message: string) => [line, message] as const;

describe("a mistake ends with code 2 and says what to do:", () => {
  it.each([
    refused(
      "shoot m --defense standard --epsilom-linf 0.03",
      "unknown option --epsilom-linf; did you mean --epsilon-linf?",
    ),
    refused("shooot m", "unknown command shooot; did you mean shoot?"),
    refused("data lst", "unknown command data lst; did you mean list? (list)"),
    refused("data", "data needs an action (list)"),
    refused(
      "shoot --defense standard",
      "missing required argument model\n  usage: toy shoot [options] <model>\n  for example: toy shoot m --defense at-linf",
    ),
    refused(
      "shoot m n --defense standard",
      "too many arguments for shoot. Expected 1 argument but got 2.",
    ),
    refused("join", "missing required argument files\n  usage: toy join [options] <files...>"),
    refused("shoot m --defense standard --lr 1", "unknown option --lr"),
    refused(
      "shoot m --defense standard --eps 0.1",
      "unknown option --eps; did you mean --epsilon-linf?",
    ),
    refused("shoot m --defense", "option --defense argument missing"),
    refused("shoot m", "--defense is missing: how it is defended"),
    refused(
      "shoot m --defense rat-linf-unifrm",
      '--defense is "rat-linf-unifrm"; did you mean rat-linf-uniform? ' +
        "it must be one of standard, at-linf, rat-linf-uniform",
    ),
    refused(
      "shoot m --defense standard --attacks pgd-linf,pdg-l2",
      '--attacks is "pdg-l2"; did you mean pgd-l2? it must be one of pgd-linf, pgd-l2',
    ),
    refused(
      "shoot m --defense standard --epsilon-linf 8",
      "epsilon is 8, but pixels are in [0, 1]; did you mean 8/255?",
    ),
    refused(
      "shoot m --defense standard --curve 0.01,16",
      "epsilon is 16, but pixels are in [0, 1]; did you mean 16/255?",
    ),
    refused(
      "shoot m --defense standard --epsilon-linf -1",
      "--epsilon-linf is -1, but it must be more than 0",
    ),
    refused(
      "shoot m --defense standard --steps 1.5 --seed x",
      "--steps is 1.5, but it must be a whole number\n" +
        '--seed is "x", but it must be a number such as 0.031 or 8/255',
    ),
    refused(
      "shoot m --defense standard --device tpu",
      "there is no device tpu; use cpu, webgpu, cuda",
    ),
    refused(
      "shoot m --defense standard --config no.json",
      "no.json: there is no such file or folder",
    ),
  ])("%s", async (line, message) => {
    expect(await toyRun(line)).toEqual({ code: 2, out: "", err: `${message}\n` });
  });
});

describe("a command that fails", () => {
  it("shows no stack for what the user can fix", async () => {
    const { code, err } = await toyRun("shoot m --defense standard --out usage");
    expect([code, err]).toEqual([2, "a note\ndisk is round; use a flat one\n"]);
  });

  it("counts a full disk as something the user can fix", async () => {
    const { code, err } = await toyRun("shoot m --defense standard --out full");
    expect(code).toBe(2);
    expect(err).toContain("runs/a: no space left on the device");
  });

  it("shows the stack of a bug", async () => {
    const { code, err } = await toyRun("shoot m --defense standard --out bug");
    expect(code).toBe(1);
    expect(err).toMatch(/TypeError: undefined is not a function\n\s+at .*cli\.test/);
    expect(err).toContain("this is a bug in toy 1.2.3; please report it");
  });

  it("says so on stdout too under --json", async () => {
    const { out } = await toyRun("shoot m --defense standard --out usage --json");
    expect(JSON.parse(out.split("\n")[1])).toEqual({
      error: { message: "disk is round; use a flat one", code: 2, errorCode: "usage" },
    });
  });

  it.each([
    ["shoot", 2, "missing-option"],
    ["shoot m --defence standard", 2, "unknown-option"],
    ["shoot m n --defense standard", 2, "unknown-option"],
    ["shot", 2, "unknown-option"],
    ["shoot m --defense standard --steps none", 2, "bad-option"],
    ["shoot m --defense standard --out full", 2, "cannot-write"],
    ["shoot m --defense standard --out bug", 1, "internal"],
    ["shoot m --config /nonexistent/a.json", 2, "not-found"],
  ])("names a stable code beside the exit code: %s", async (argv, code, errorCode) => {
    const { out } = await toyRun(`${argv} --json`);
    const lines = out.trimEnd().split("\n");
    expect(JSON.parse(lines[lines.length - 1]).error).toMatchObject({ code, errorCode });
  });

  it("ends with 130 when it was interrupted", async () => {
    const { code } = await toyRun("shoot m --defense standard", AbortSignal.abort());
    expect(code).toBe(130);
  });
});

describe("what a file brings along cannot forge a line or move the cursor:", () => {
  /** A command that meets a hostile name; `how` is what it does with it. */
  const hostile = (how: (name: string, context: Context) => void): Program => ({
    ...toy,
    commands: {
      open: async () =>
        command({
          summary: "Open.",
          options: z.strictObject({}),
          run: async (_, context) => how("a\u001b[2K\u009b1mb\nwrote /etc/x\u202e", context),
        }),
    },
  });
  const shown = "a\\u001b[2K\\u009b1mb\\nwrote /etc/x\\u202e";
  const opened = async (how: (name: string, context: Context) => void, ...more: string[]) => {
    const [out, err]: [string[], string[]] = [[], []];
    const code = await run(hostile(how), ["open", ...more], {
      stdout: { write: (text) => out.push(text) },
      stderr: { write: (text) => err.push(text) },
    });
    return { code, out: out.join(""), err: err.join("") };
  };

  it("a printed line", async () => {
    const { out } = await opened((name, { print }) => print("first", `read ${name}`));
    expect(out).toBe(`first\nread ${shown}\n`);
  });

  it("a note and a line above the progress bar", async () => {
    const { err } = await opened((name, { note, stderr }) => {
      note(name);
      progress(stderr).log(`warning: ${name}`);
    });
    expect(err).toBe(`${shown}\nwarning: ${shown}\n`);
  });

  it("the label of progress", async () => {
    const { err } = await opened((name, { stderr }) => progress(stderr).update(name, 1, 1));
    expect(err).toMatch(/^[^\n]*\n$/);
    expect(err).toContain(shown);
  });

  it("a usage error, whose own lines remain", async () => {
    const { code, err } = await opened((name) => {
      throw new UsageError(`${name} is damaged`, { code: "bad-file", next: `delete ${name}` });
    });
    expect([code, err]).toEqual([2, `${shown} is damaged;\n  delete ${shown}\n`]);
  });

  it("a bug's message, whose stack remains", async () => {
    const { code, err } = await opened((name) => {
      throw new TypeError(`no ${name}`);
    });
    expect(code).toBe(1);
    expect(err).toContain(`TypeError: no ${shown}\n    at `);
  });

  it("an error of the file system", async () => {
    const { code, err } = await opened((name) => {
      throw Object.assign(new Error("ENOENT"), { code: "ENOENT", path: name });
    });
    expect([code, err]).toEqual([2, `${shown}: there is no such file or folder\n`]);
  });

  it("but JSON holds names as they are", async () => {
    const { out } = await opened((name, { emit }) => emit({ name }), "--json");
    expect(JSON.parse(out).name).toBe("a\u001b[2K\u009b1mb\nwrote /etc/x\u202e");
  });
});

describe("the rest of a program", () => {
  it("gives a positional that ends in dots one or more words", async () => {
    const { out } = await toyRun("join a b c --json");
    expect(JSON.parse(out)).toEqual({ files: ["a", "b", "c"] });
  });

  it("prints for a reader or as JSON, never both", async () => {
    expect((await toyRun("shoot m --defense standard")).out).toBe("shot m\n");
    expect((await toyRun("shoot m --defense standard --json")).out).not.toContain("shot");
  });

  it("shows defaults, choices, negations and examples in help", async () => {
    const { code, out } = await toyRun("shoot --help");
    expect(code).toBe(0);
    for (const text of [
      "Shoot at a target.",
      "--epsilon-linf <x>",
      "(default: 0.031)",
      "--no-random-start",
      "how it is defended: standard, at-linf, rat-linf-uniform (required)",
      "--resume",
      "--attacks <name,…>",
      "(default: pgd-linf)",
      "toy shoot m --defense at-linf",
    ])
      expect(out).toContain(text);
    expect(out).not.toMatch(/--random-start|--no-resume/);
  });

  it("lists in help even a command that cannot be loaded", async () => {
    const { code, out } = await toyRun("--help");
    expect(code).toBe(0);
    expect(out).toMatch(/^ {2}shoot .*Shoot at a target\.$/m);
    expect(out).toMatch(/^ {2}broken .*cannot be loaded on this machine/m);
  });

  it("answers help and version without a command", async () => {
    expect(await toyRun("--version")).toEqual({ code: 0, out: "1.2.3\n", err: "" });
    expect((await toyRun("help shoot")).out).toContain("Shoot at a target.");
  });
});

// An attack, a defence, a noise, a data set and an architecture are one file and one table row: no other code names them.
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import ts from "typescript";
import { describe, expect, it } from "vitest";
import { attacks } from "../src/attacks/table.ts";
import { datasets } from "../src/data/table.ts";
import { defenses } from "../src/defenses/table.ts";
import { architectures } from "../src/models/architectures.ts";
import { noises } from "../src/noise/table.ts";

const root = join(import.meta.dirname, "..");

type Kind = "attack" | "defence" | "noise" | "data set" | "architecture";

/** Code that may name definitions of a kind. */
interface Exception {
  readonly files: RegExp;
  readonly kinds: readonly Kind[];
  /** The only names that the files may use; absent for all. */
  readonly names?: readonly string[];
  readonly why: string;
}

const every: readonly Kind[] = ["attack", "defence", "noise", "data set", "architecture"];

const exceptions: readonly Exception[] = [
  { files: /^src\/paper\//, kinds: every, why: "experiments of the paper name what they repeat" },
  {
    files: /^src\/bench\/|^src\/cli\/(bench|quickstart)\.ts$/,
    kinds: every,
    why: "a benchmark and the first run have fixed tasks",
  },
  {
    files: /^src\/lab\//,
    kinds: ["attack", "data set", "noise", "defence"],
    why: "the lab shows chosen attacks on shipped networks",
  },
  {
    files: /^src\/audit\/(plan|smallest\/search)\.ts$/,
    kinds: ["attack"],
    why: "a budget is a choice of attacks",
  },
  {
    files: /^src\/audit\/attack-diagnostics\.ts$/,
    kinds: ["attack"],
    names: ["square"],
    why: "a diagnostic compares Square, which audits run, with the attacks that see gradients",
  },
  {
    files: /^src\/evaluate\/without-gradients\.ts$/,
    kinds: ["attack"],
    names: ["square", "sparse-rs"],
    why: "the fallback for gradients that are not finite is Square, and Sparse-RS in ℓ0",
  },
  {
    files: /^src\/evaluate\/options\.ts$/,
    kinds: ["attack"],
    names: ["pgd"],
    why: "the default attack",
  },
  {
    files: /^src\/attacks\/(autoattack|adaptive-(rounds|search)|timed-adaptive)\.ts$/,
    kinds: ["attack"],
    why: "AutoAttack and the adaptive attack consist of other attacks",
  },
  {
    files:
      /^src\/defenses\/(at|mat|ni|ni-splitting|rat|several-norms|consistency|macer|smoothadv)\.ts$/,
    kinds: ["attack", "noise"],
    why: "a published defence trains with its attack and its noise",
  },
  {
    files: /^src\/certify\/certificates\.ts$/,
    kinds: ["noise"],
    why: "a certificate is a proof for one distribution",
  },
  {
    files: /^src\/models\/export\.ts$/,
    kinds: ["defence"],
    names: ["standard"],
    why: "what a file without metadata is taken for",
  },
  {
    files: /^src\/library\/file-options\.ts$/,
    kinds: ["architecture"],
    why: "a type of names with numbers, which TypeScript cannot derive from a schema",
  },
  {
    files: /^src\/index\.ts$/,
    kinds: ["attack"],
    names: ["pgd", "cw"],
    why: "makers that the library exports by themselves; the registry has all",
  },
  {
    files:
      /^src\/(data\/(hugging-face|processors)|report\/(chart|marks)|models\/head\/score-maps)\.ts$/,
    kinds: ["attack"],
    names: ["square"],
    why: "another sense: a shape",
  },
  {
    files:
      /^src\/(audit\/(options|timed\/timed-attacks)|library\/file-options|defenses\/objectives)\.ts$/,
    kinds: ["attack", "defence"],
    names: ["standard", "autoattack"],
    why: "another sense: a budget, and the objective of the same name",
  },
  {
    files: /^src\/(defenses\/mixed|engine\/onnx\/import\/(elementwise|reductions))\.ts$/,
    kinds: ["defence"],
    names: ["max"],
    why: "another sense: the maximum",
  },
  {
    files: /^src\/verify\/(prove|robustness)\.ts$/,
    kinds: ["defence"],
    names: ["crown-ibp"],
    why: "another sense: a method of proofs",
  },
  {
    files: /^src\/models\/cnn-small\.ts$/,
    kinds: ["noise"],
    names: ["conv"],
    why: "another sense: a layer",
  },
  {
    files: /^src\/(data\/define-dataset|cli\/kit\/outputs)\.ts$/,
    kinds: ["data set"],
    names: ["folder"],
    why: "another sense: a folder as opposed to a file",
  },
  {
    files: /^src\/(data\/npz|files\/kind)\.ts$/,
    kinds: ["data set"],
    names: ["npz"],
    why: "another sense: the format of a file",
  },
];

/** A module: the texts of its code, and what it imports. Comments and types of imports are left out. */
interface Code {
  readonly path: string;
  readonly literals: readonly string[];
  /** `src/attacks/cw.ts cw` for each name that is imported or exported from a file. */
  readonly imports: readonly string[];
}

function codeOf(path: string, text = readFileSync(join(root, path), "utf8")): Code {
  const literals: string[] = [];
  const imports: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) {
      const { moduleSpecifier: from } = node;
      const clause = ts.isImportDeclaration(node)
        ? node.importClause?.namedBindings
        : node.exportClause;
      if (from === undefined || clause === undefined || !ts.isStringLiteral(from)) return;
      const { text: module } = from;
      if (!module.startsWith(".")) return;
      const file = join(dirname(path), module).replaceAll("\\", "/");
      if (ts.isNamedImports(clause) || ts.isNamedExports(clause))
        for (const { name, propertyName } of clause.elements)
          imports.push(`${file} ${(propertyName ?? name).text}`);
      return;
    }
    if (ts.isStringLiteralLike(node) || ts.isTemplateHead(node)) literals.push(node.text);
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(path, text, ts.ScriptTarget.Latest));
  return { path, literals, imports };
}

const sources = readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })
  .map((name) => `src/${name.replaceAll("\\", "/")}`)
  .filter((path) => path.endsWith(".ts") && !path.endsWith(".test.ts"))
  .map((path) => codeOf(path));

/** A built-in definition: its names on the command line, and where it is from. */
interface Listed {
  readonly kind: Kind;
  readonly name: string;
  readonly names: readonly string[];
  readonly table: string;
  /** Where the table imports it from: a file, a blank and the name of the export. */
  readonly from: string;
}

/** The built-in definitions of a table; each is found by its value in a module that the table imports. */
async function listedIn(
  kind: Kind,
  table: string,
  definitions: readonly { readonly name: string }[],
  namesOf: (name: string) => readonly string[] = (name) => [name],
): Promise<Listed[]> {
  const imported = sources.find(({ path }) => path === table)?.imports ?? [];
  const values = await Promise.all(
    imported.map(async (from) => {
      const [file, name] = from.split(" ");
      const module: Readonly<Record<string, unknown>> = await import(join(root, file));
      return { from, value: module[name] };
    }),
  );
  return definitions.map((definition) => {
    const from = values.find(({ value }) => value === definition)?.from ?? "";
    return { kind, name: definition.name, names: namesOf(definition.name), table, from };
  });
}

const normsOf = (name: string): readonly string[] => {
  const { norms, pattern } = attacks.named(name);
  return [name, ...norms.map((norm) => pattern.replace("*", norm))];
};

const listed = [
  ...(await listedIn("attack", "src/attacks/table.ts", attacks.builtIn, normsOf)),
  ...(await listedIn("defence", "src/defenses/table.ts", defenses.builtIn)),
  ...(await listedIn("noise", "src/noise/table.ts", noises.builtIn)),
  ...(await listedIn("data set", "src/data/table.ts", datasets.builtIn)),
  ...(await listedIn("architecture", "src/models/architectures.ts", architectures.builtIn)),
];

/** Whether a text is a name, or a name with parameters: `normal:0.25`, `folder:`, `wrn-28-10`. */
const isNameOf = ({ kind, names }: Listed, text: string): boolean =>
  names.some(
    (name) =>
      text === name ||
      text.startsWith(`${name}:`) ||
      text === `${name}-` ||
      (kind === "architecture" && text.startsWith(`${name}-`)),
  );

const mentions = (definition: Listed, { literals, imports }: Code): boolean =>
  literals.some((text) => isNameOf(definition, text)) || imports.includes(definition.from);

const isAllowed = ({ kind, name }: Listed, path: string): boolean =>
  exceptions.some(
    ({ files, kinds, names }) =>
      files.test(path) && kinds.includes(kind) && (names?.includes(name) ?? true),
  );

/** The files that name a definition, without exceptions. */
const filesNaming = (definition: Listed, all = sources): string[] =>
  all
    .filter((code) => mentions(definition, code))
    .filter(({ path }) => path === definition.from.split(" ")[0] || !isAllowed(definition, path))
    .map(({ path }) => path);

describe("one file and the row of its table name the", () => {
  it.each(listed.map((one) => [one.kind, one.name, one] as const))("%s %s", (_, __, one) => {
    const [file] = one.from.split(" ");
    expect(filesNaming(one).toSorted()).toEqual([file, one.table].toSorted());
  });
});

it("each exception is needed", () => {
  for (const { files, kinds, names, why } of exceptions) {
    const used = listed.filter(
      (one) =>
        kinds.includes(one.kind) &&
        (names?.includes(one.name) ?? true) &&
        sources.some((code) => files.test(code.path) && mentions(one, code)),
    );
    expect(used, `${files}: ${why}`).not.toEqual([]);
  }
});

it.each([
  ['if (attack === "square-l2") go();', ["src/x.ts"]],
  ["const table = { `cifar10`: 1 };".replaceAll("`", '"'), ["src/x.ts"]],
  ['type Name = "fashion-mnist";', ["src/x.ts"]],
  ['import { laplace as other } from "./noise/laplace.ts";', ["src/x.ts"]],
  ['if (name.startsWith("generalized-normal:")) go();', ["src/x.ts"]],
  ['// "square-l2"', []],
  ['/** @example attackNamed("square-l2") */ const x = 1;', []],
  ['const text = "square-l2 is an attack";', []],
])("finds the names in code, and none in comments or sentences: %s", (text, expected) => {
  const code = codeOf("src/x.ts", text);
  const found = listed.flatMap((one) => filesNaming(one, [code]));
  expect(found).toEqual(expected);
});

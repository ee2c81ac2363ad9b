// Keeps the idioms out that docs of style ban, by looking at the syntax tree of every file.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { describe, expect, it } from "vitest";

const root = join(import.meta.dirname, "..");

interface Found {
  readonly rule: string;
  readonly where: string;
}

/** A parenthesised or asserted expression without its wrapping. */
function bare(node: ts.Expression): ts.Expression {
  if (
    ts.isParenthesizedExpression(node) ||
    ts.isAsExpression(node) ||
    ts.isSatisfiesExpression(node)
  )
    return bare(node.expression);
  return node;
}

const messages = new Set(["note", "notes", "message", "messages", "warning", "warnings"]);

const texts = new Set(["message", "text"]);

const isMessage = (node: ts.Expression): boolean =>
  (ts.isIdentifier(node) && messages.has(node.text)) ||
  (ts.isPropertyAccessExpression(node) && texts.has(node.name.text));

const textTests = new Set(["includes", "startsWith", "endsWith", "match", "test"]);

/** The banned idioms of STYLE that one node is. */
function rulesOf(node: ts.Node): string[] {
  const rules: string[] = [];
  if (ts.isSpreadAssignment(node) || ts.isSpreadElement(node)) {
    const spread = bare(node.expression);
    if (ts.isObjectLiteralExpression(spread) || ts.isArrayLiteralExpression(spread))
      rules.push("spread of a literal");
    if (ts.isConditionalExpression(spread)) rules.push("conditional spread");
    if (
      ts.isBinaryExpression(spread) &&
      [
        ts.SyntaxKind.AmpersandAmpersandToken,
        ts.SyntaxKind.BarBarToken,
        ts.SyntaxKind.QuestionQuestionToken,
      ].includes(spread.operatorToken.kind)
    )
      rules.push("logical spread");
  }
  if (ts.isConditionalExpression(node)) {
    if (
      [node.condition, node.whenTrue, node.whenFalse].some((part) =>
        ts.isConditionalExpression(bare(part)),
      )
    )
      rules.push("nested ternary");
  }
  if (ts.isCallExpression(node)) {
    const callee = bare(node.expression);
    if (ts.isArrowFunction(callee) || ts.isFunctionExpression(callee))
      rules.push("function called where it stands");
    if (
      ts.isPropertyAccessExpression(node.expression) &&
      textTests.has(node.expression.name.text) &&
      (isMessage(node.expression.expression) || node.arguments.some(isMessage))
    )
      rules.push("decision by the text of a message");
  }
  if (ts.isIndexedAccessTypeNode(node)) {
    const object = node.objectType;
    if (
      ts.isTypeReferenceNode(object) &&
      ts.isIdentifier(object.typeName) &&
      object.typeName.text === "Parameters"
    )
      rules.push("Parameters<…>[n] as the name of a type");
  }
  return rules;
}

function findings(path: string, text: string): Found[] {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.Latest);
  const found: Found[] = [];
  const visit = (node: ts.Node): void => {
    for (const rule of rulesOf(node)) {
      const { line } = file.getLineAndCharacterOfPosition(node.getStart(file));
      found.push({ rule, where: `${path}:${line + 1}` });
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

const files = ["src", "test", "bench"].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true })
    .map((name) => `${folder}/${String(name).replaceAll("\\", "/")}`)
    .filter((path) => /\.tsx?$/.test(path)),
);

describe("the idioms", () => {
  it.each([
    ["spread of a literal", "const a = { ...{ b: 1 }, c };"],
    ["spread of a literal", "f(...[1, 2]);"],
    ["conditional spread", "const a = { ...(b ? { c } : {}) };"],
    ["logical spread", "const a = { ...(b !== undefined && { b }) };"],
    ["nested ternary", "const a = b ? c : d ? e : f;"],
    ["function called where it stands", "const a = (() => 1)();"],
    ["decision by the text of a message", 'if (note.includes("x")) f();'],
    ["Parameters<…>[n] as the name of a type", "let a: Parameters<typeof f>[0];"],
  ])("finds: %s", (rule, code) => {
    expect(findings("example.ts", code).map((one) => one.rule)).toContain(rule);
  });

  it("finds nothing in plain code", () => {
    expect(findings("example.ts", "const a = { ...b, c: [...d, e], f: g ? h : i };")).toEqual([]);
  });

  it("finds none in the tree", { timeout: 300_000 }, () => {
    const found = files.flatMap((path) => findings(path, readFileSync(join(root, path), "utf8")));
    expect(found.map(({ rule, where }) => `${where}: ${rule}`)).toEqual([]);
  });
});

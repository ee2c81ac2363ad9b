// The text of docs/results/zoo.md.
import { macsText, percent } from "../src/report/format.ts";
import {
  flagsOf,
  idOf,
  PROVE_SECONDS,
  type ZooAudit,
  type ZooFacts,
  type ZooModel,
} from "./zoo-audit.ts";

export const dataNames = {
  mnist: "MNIST",
  "fashion-mnist": "Fashion-MNIST",
  cifar10: "CIFAR-10",
} as const;

/** A model with its audit. Audited models are numbered through, refused ones follow. */
export interface Numbered {
  readonly number: number;
  readonly model: ZooModel;
  readonly audit: ZooAudit;
}

/** The audited models by data set, then the refused ones, in the order of the list. */
export function numbered(models: readonly ZooModel[], audits: readonly ZooAudit[]): Numbered[] {
  const order = Object.keys(dataNames);
  const found = models.flatMap((model) => {
    const audit = audits.find(({ id, sha256 }) => id === idOf(model) && sha256 === model.sha256);
    return audit === undefined ? [] : [{ model, audit }];
  });
  const rank = ({ model, audit }: (typeof found)[number]) =>
    (audit.facts === null ? order.length : 0) + order.indexOf(model.data);
  return found
    .toSorted((a, b) => rank(a) - rank(b))
    .map((one, i) => Object.assign({ number: i + 1 }, one));
}

const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;

/** The producer that a file names, with its version. */
const exporterOf = ({ exporter }: ZooModel): string =>
  exporter === ""
    ? "not named"
    : exporter.replace("MATLAB Deep Learning Toolbox Converter for ONNX Model Format", "MATLAB");

/** The name of the exporter without its version. */
const producerOf = (model: ZooModel): string => exporterOf(model).replace(/ \d.*$/, "");

/** Repository and path in one cell; long paths are cut in the middle. */
function fileOf({ repository, path }: ZooModel): string {
  const parts = path.split("/");
  const short = parts.length > 2 ? `…/${parts.at(-1)}` : path;
  return `${repository} \`${short}\``;
}

const flagsText = ({ options }: ZooModel): string => {
  const flags = Object.entries(options).map(([name, value]) => `--${name} ${value}`);
  return flags.length === 0 ? "none" : `\`${flags.join(" ")}\``;
};

/** The radius at which half of the images break, in 255ths. */
function medianOf({ smallest }: ZooFacts): string {
  const median = smallest.find(({ norm }) => norm === "linf")?.median;
  return median == null ? "–" : `${(255 * median).toFixed(1)}/255`;
}

/** What the audit said beyond its numbers: the removed head, and the diagnostics that fired. */
function said({ valid, head, diagnostics }: ZooFacts): string {
  const removed = head.flatMap((sentence) => {
    const [, names] = /^(.*) taken off the output/.exec(sentence) ?? [];
    return names === undefined ? [] : [`${names} removed`];
  });
  const fired = diagnostics.map(({ code, severity }) => `\`${code}\` (${severity})`);
  const all = [...(valid ? [] : ["**invalid**"]), ...fired, ...removed];
  return all.length === 0 ? "nothing" : all.join(", ");
}

/** The proven share, and its time limit where it is not that of the others; empty where no proof was tried. */
function provenOf({ facts, proveSeconds, unproven }: ZooAudit): string {
  const [proven] = facts?.proven ?? [];
  if (proven === undefined) return unproven === null ? "" : "–";
  const limit = proveSeconds === PROVE_SECONDS ? "" : ` (${proveSeconds} s)`;
  return `${percent(proven.share)}${limit}`;
}

function audited(models: readonly Numbered[]): string[] {
  return models.flatMap(({ number, model, audit }) => {
    const { facts } = audit;
    if (facts === null) return [];
    const [robust] = facts.robust;
    return [
      line([
        String(number),
        fileOf(model),
        exporterOf(model),
        flagsText(model),
        macsText(facts.macs),
        percent(facts.clean),
        medianOf(facts),
        robust === undefined ? "–" : percent(robust.accuracy),
        provenOf(audit),
        said(facts),
      ]),
    ];
  });
}

function tableOf(data: ZooModel["data"], models: readonly Numbered[]): string[] {
  const own = models.filter(({ model, audit }) => model.data === data && audit.facts !== null);
  if (own.length === 0) return [];
  const epsilon = data === "cifar10" ? "2/255" : "8/255";
  return [
    `## ${dataNames[data]}`,
    "",
    line([
      "",
      "file",
      "exporter",
      "preprocessing",
      "operations",
      "clean",
      "half break at ℓ∞",
      `robust, ℓ∞ ${epsilon}`,
      `proven, ℓ∞ ${epsilon}`,
      "Rampart said",
    ]),
    line(["---:", "---", "---", "---", "---:", "---:", "---:", "---:", "---:", "---"]),
    ...audited(own),
    "",
  ];
}

/** The operators without a bound, and their models. */
function unprovenText(models: readonly Numbered[]): string[] {
  const numbers = new Map<string, number[]>();
  for (const { number, audit } of models) {
    if (audit.facts === null || audit.unproven === null) continue;
    const [, operator = audit.unproven] = /from node .*?\((\w+)/.exec(audit.unproven) ?? [];
    numbers.set(operator, [...(numbers.get(operator) ?? []), number]);
  }
  if (numbers.size === 0) return [];
  const listed = Array.from(numbers, ([operator, of]) => `\`${operator}\` (${of.join(", ")})`);
  return [
    ...wrapped(
      `A dash stands where [nothing can be proven](../proving.md), as there is no bound for an operator: ${listed.join(", ")}.`,
    ),
    "",
  ];
}

function refusedText(models: readonly Numbered[]): string[] {
  const refused = models.filter(({ audit }) => audit.facts === null);
  if (refused.length === 0) return [];
  return [
    "## Refused",
    "",
    line(["file", "exporter", "message"]),
    line(["---", "---", "---"]),
    ...refused.map(({ model, audit }) =>
      line([fileOf(model), exporterOf(model), (audit.refused ?? "").replaceAll("|", "\\|")]),
    ),
    "",
  ];
}

const MAX_LINE = 100;

/** A paragraph as lines, broken between words. */
function wrapped(text: string): string[] {
  const lines = [""];
  for (const word of text.split(" ")) {
    const longer = `${lines.at(-1)} ${word}`.trimStart();
    if (longer.length <= MAX_LINE) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

/** The whole page. */
export function zooPage(models: readonly Numbered[]): string {
  const repositories = new Set(models.map(({ model }) => model.repository));
  const producers = [...new Set(models.map(({ model }) => producerOf(model)))];
  const audits = models.filter(({ audit }) => audit.facts !== null).length;
  const [example] = models;
  const command = flagsOf({ ...example.model, data: "mnist", options: {} }, true).join(" ");
  return `${[
    "# Public classifiers",
    "",
    "```sh no-run=hours",
    "npx tsx scripts/zoo.ts --files FOLDER   # FOLDER/OWNER/REPOSITORY/PATH",
    "npx tsx scripts/zoo.ts --page",
    "```",
    "",
    ...wrapped(
      `${models.length} ONNX files of ${repositories.size} public repositories, from ${producers.length} exporters: ${audits} audited, ${models.length - audits} refused. [\`results/zoo/models.json\`](../../results/zoo/models.json) has repository, commit, path and SHA-256 of each. The files are not part of this project. An exporter is the producer that a file names.`,
    ),
    "",
    "Every file had the same audit of the first 100 test images. The radius is 8/255 for MNIST and",
    "Fashion-MNIST, and 2/255 for CIFAR-10. The preprocessing is that of the repository, or the one",
    "with the best clean accuracy where the repository states none.",
    "",
    "```sh no-run=hours",
    `npx rampart audit FILE ${command.replace(" --budget", " \\\n  --budget")}`,
    "```",
    "",
    "| column | meaning |",
    "| --- | --- |",
    "| operations | multiply-accumulate operations of one prediction, in convolutions and matrix products |",
    "| clean | accuracy without an attack |",
    "| half break at ℓ∞ | smallest radius at the median; an image that is wrong without an attack counts as radius 0; an upper bound, and not tight above 127.5/255, since a grey image is that near to every image |",
    "| robust | accuracy under the strongest attack, an upper bound |",
    "| proven | share of images that no perturbation in the ball breaks, with at most 1 s of processor time for each image, or as stated; more time proves more; empty where no proof was tried |",
    "| Rampart said | [diagnostics](../diagnostics.md) that fired, and operators that attacks do not see ([model files](../model-files.md#outputs)) |",
    "",
    "With 100 images an accuracy of 50 % has a 95 % interval of 40 to 60 %.",
    "",
    "## Cost against robustness",
    "",
    "![operations of a prediction against the radius at which half of the images break](zoo.svg)",
    "",
    "Numbers are those of the tables. Files with a clean accuracy below 40 % are left out.",
    "",
    ...(Object.keys(dataNames) as ZooModel["data"][]).flatMap((data) => tableOf(data, models)),
    "A proven share of 0.0 % of a robust network mostly means that 1 s ended before all layers had",
    "backward bounds. Interval arithmetic alone proves nothing for networks that were trained without it.",
    "For resnet_2b, 10 s for each image prove 38.5 % of 200 images",
    "([how far it gets](../proven-audits.md#how-far-it-gets)). Shares above 0 of all files but",
    "cnn_max_mninst2 and ibp_3_3_8 were measured before bounds of networks with factors of one number",
    "were corrected by up to 2⁻²⁵ of a value.",
    "",
    ...unprovenText(models),
    ...refusedText(models),
  ]
    .join("\n")
    .trimEnd()}\n`;
}

import { z } from "zod";
import { fetchDataset } from "../data/download/node.ts";
import { checkDatasetInNode, dataFound } from "../data/node.ts";
import { datasets } from "../data/table.ts";
import { command, type Group } from "./kit/command.ts";
import { DataDir } from "./kit/options.ts";
import { progress } from "./kit/progress.ts";

const options = z.strictObject({ dataDir: DataDir });

const list = command({
  summary: "List the data sets and where they are on this machine.",
  options,
  examples: ["rampart data list --json"],
  async run({ dataDir }, { print, emit }) {
    const line = (name: string, text: string) => print(`${name.padEnd(16)}${text}`);
    for (const place of await dataFound({ dataDir })) {
      const { name, path } = place;
      const fetched = datasets.named(name).downloads !== undefined;
      const advice = fetched ? `; rampart data fetch ${name} downloads it` : "";
      line(name, path ?? `not on this machine${advice}`);
      emit(place);
    }
    for (const { form, path, text } of datasets.all) if (path !== undefined) line(form, text);
  },
});

const fetch = command({
  summary: "Download a data set from its official site and verify its checksum.",
  options,
  positionals: ["name"],
  argumentsHelp: { name: "a published data set, such as cifar10; data list shows them" },
  examples: ["rampart data fetch cifar10"],
  async run({ name, dataDir }, { print, emit, note, json, stderr, signal }) {
    const bar = progress(stderr, { json, percent: true });
    try {
      for await (const event of fetchDataset(name, { dataDir, signal })) {
        if (event.event === "progress") {
          if (event.total !== null) bar.update(event.file, event.bytes, event.total);
        } else emit(event);
        if (event.event === "verified") bar.log(`${event.file}: MD5 ${event.md5} verified`);
        if (event.event === "done") print(`${name} is in ${event.path}`);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
      note("stopped; the partial download was deleted");
    } finally {
      bar.stop();
    }
  },
});

const check = command({
  summary:
    "Read every example of a data set, count and measure, and compare with the official data set.",
  options,
  positionals: ["data"],
  examples: ["rampart data check cifar10", "rampart data check folder:photos"],
  async run({ data, dataDir }, { print, emit }) {
    const report = await checkDatasetInNode(data, { dataDir });
    const { shape, classes, mean, std, notes } = report;
    emit({
      ...report,
      notes: notes.map(({ text }) => text),
      noteCodes: notes.map(({ code }) => code),
    });
    print(`${report.name}: ${classes.length} classes of ${shape.join("×")} images`);
    for (const split of ["train", "test"] as const) {
      const { size, perClass } = report[split];
      const [fewest, most] = [Math.min(...perClass), Math.max(...perClass)];
      print(
        `${split}: ${size} images, ${fewest === most ? fewest : `${fewest} to ${most}`} per class`,
      );
    }
    const rounded = (values: readonly number[]) => values.map((v) => v.toFixed(4)).join(" ");
    print(`pixels in [0, 1]: mean ${rounded(mean)}, standard deviation ${rounded(std)}`);
    for (const { text } of notes) print(`note: ${text}`);
  },
});

/** `rampart data`: manages the data sets on this machine. */
export const dataCommand: Group = {
  summary: "List, download and check data sets.",
  commands: { list, fetch, check },
};

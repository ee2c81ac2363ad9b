// Rows beside those of the attacks, which share settings of their own: the model, the images, and what else decides them.
import type { z } from "zod";
import { weightsHash } from "../evaluate/model-record.ts";
import type { Host } from "../files/host/host.ts";
import { DamagedLine, readRowLines } from "../files/row-lines.ts";
import type { RowsFormat } from "../files/rows/rows-file.ts";
import { settingsRecord } from "../files/rows/settings-record.ts";
import { openedJson } from "../files/sealed.ts";
import { type Storage, textIfThere } from "../files/storage/storage.ts";
import { UsageError } from "../math/usage-error.ts";
import type { OpenModel } from "../models/opening/open-model.ts";

/** The audit that rows belong to. */
export interface RowsAudit {
  readonly model: OpenModel;
  readonly dataset: { readonly name: string };
  readonly host: Host;
  readonly command?: string | undefined;
}

/** What rows of one kind share. */
export interface SharedRows<R> {
  readonly schema: z.ZodType<R>;
  /** One row in words. */
  readonly what: string;
  /** Settings that decide the rows, beside the model, its reading and the data set. */
  readonly decides: Readonly<Record<string, unknown>>;
  /** Whether rows without settings are accepted: earlier versions wrote none. */
  readonly acceptsNone: boolean;
  /** Throws `UsageError` for a row of another image; `what` begins the message. */
  check?(row: R, what: string): void;
}

/** How rows of an audit are stored. A file of another model, data set or setting is refused. */
export async function sharedRows<R extends object>(
  { model, dataset, host, command }: RowsAudit,
  { schema, what, decides, acceptsNone, check }: SharedRows<R>,
): Promise<RowsFormat<R>> {
  const compared: Readonly<Record<string, unknown>> = {
    model: model.weights ?? (await weightsHash(model.parameters, host)),
    ...model.reading,
    data: dataset.name,
    ...decides,
  };
  const refuse = (why: string) =>
    new UsageError(why, { code: "bad-file", next: "choose another --out" });
  return {
    acceptsNone,
    settings: settingsRecord({ model, host, command }, compared),
    checkSettings({ file, text, rows }) {
      const before = openedJson(file, text, "choose another --out").compared ?? {};
      const stored = before as Readonly<Record<string, unknown>>;
      const names = new Set([...Object.keys(compared), ...Object.keys(stored)]);
      const differ = [...names].filter(
        (key) => JSON.stringify(compared[key]) !== JSON.stringify(stored[key]),
      );
      if (differ.length === 0) return;
      const listed = (values: Readonly<Record<string, unknown>>) =>
        differ.map((key) => `${key} ${JSON.stringify(values[key]) ?? "not set"}`).join(", ");
      throw new UsageError(
        `${rows} holds rows with ${listed(stored)}, but this run has ${listed(compared)}`,
        { code: "misfit", next: "use the stored settings, or choose another --out" },
      );
    },
    parse(file, contents) {
      try {
        const { rows, whole } = readRowLines(file, contents);
        const parsed = rows.map(({ line, value }) => {
          const { data } = schema.safeParse(value);
          if (data === undefined) throw refuse(`${file}:${line} is not a row about a ${what}`);
          check?.(data, `${file}:${line} is not a row of this audit`);
          return data;
        });
        return { rows: parsed, whole };
      } catch (error) {
        if (error instanceof DamagedLine) throw refuse(error.message);
        throw error;
      }
    },
  };
}

/** Whether a file of rows exists, whose settings say that rows beside it without settings are about the same model. */
export const hasRows = async (out: Storage, name: string): Promise<boolean> =>
  (await textIfThere(out, name)) !== null;

import { describe, expect, it } from "vitest";
import { z } from "zod";
import { fieldsOf, flagsOf } from "./flags.ts";
import { fileOptions, modelOptions } from "./options.ts";

const Flags = z.strictObject(modelOptions);

describe("the options of a third-party file", () => {
  it.each(["imageInput", "pictureInput"])("take the name of the input from %s", (name) => {
    expect(fileOptions(Flags.parse({ [name]: "pixels" })).input).toBe("pixels");
  });

  it("refuse the new and the old name of one flag together", () => {
    const both = Flags.parse({ imageInput: "a", pictureInput: "b" });
    expect(() => fileOptions(both)).toThrow(expect.objectContaining({ code: "bad-option" }));
  });

  it("have no key for a flag that is absent, so that recorded settings stay as they are", () => {
    expect(Object.keys(fileOptions(Flags.parse({})))).toEqual(["straightThrough"]);
  });

  it("hide the old name in help, and show the new one", () => {
    const options = fieldsOf(Flags).flatMap(flagsOf);
    const shown = options.filter(({ hidden }) => !hidden).map(({ long }) => long);
    expect(shown).toContain("--image-input");
    expect(shown).not.toContain("--picture-input");
  });
});

// Which options and positionals of a command name files.

/** The output of an option: one stream of bytes, rows with the files beside them, or a folder with files of these names. */
export type OutputKind = "stream" | "rows" | { readonly folder: readonly string[] };

/** The inputs and outputs of a command, by the names of its options and positionals. */
export interface FilesOfCommand {
  readonly inputs: readonly string[];
  readonly outputs: Readonly<Record<string, OutputKind>>;
}

/**
 * The formats of a report. They are in a separate file because a page loads the writers, with their chart libraries, only for
 * its first report.
 */
export const formats = ["html", "md", "csv", "json"] as const;
/** A format of a report. */
export type Format = (typeof formats)[number];

/** The formats of a comparison. */
export const comparisonFormats = ["html", "md", "json"] as const;
/** A format of a comparison. */
export type ComparisonFormat = (typeof comparisonFormats)[number];

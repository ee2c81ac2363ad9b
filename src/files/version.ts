/** The version of this package. A constant, since a page has no package.json; a test compares the two. */
export const version = "0.1.0";

// Where the files of official data sets are downloaded from.

/** One file of an official data set. */
export interface Download {
  /** File name at the official address. */
  readonly file: string;
  /** MD5 of the download, as stated by the publisher or, for MNIST, by torchvision. */
  readonly md5: string;
  /** For a .tar.gz: the folder inside, and the files to keep. */
  readonly unpack?: { readonly folder: string; readonly files: readonly string[] };
}

/** The publisher's address of a data set, and its files there. */
export interface DownloadSource {
  /** Ends in a slash. */
  readonly address: string;
  readonly downloads: readonly Download[];
}

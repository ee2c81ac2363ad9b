/** Error codes of the file system in words, with advice where it is not obvious. */
const reasons: ReadonlyMap<string, string> = new Map([
  ["ENOENT", "there is no such file or folder"],
  ["EACCES", "permission denied; choose another place or change its permissions"],
  ["EPERM", "not permitted; choose another place or change its permissions"],
  ["EROFS", "the file system is read-only; choose another place"],
  ["ENOTDIR", "a part of this path is a file, not a folder; choose another place"],
  ["EEXIST", "a file is in the place of its folder"],
  ["EISDIR", "it is a folder, and a file is needed"],
  ["ENOTEMPTY", "the folder in its place is not empty"],
  ["ENOSPC", "no space left on the device; free some and run the command again"],
  ["EDQUOT", "the disk quota is used up; free some and run the command again"],
  [
    "EFBIG",
    "the file would be larger than is allowed; raise the limit (ulimit -f) or choose another place",
  ],
  ["ENAMETOOLONG", "the name is too long for this file system; choose a shorter one"],
  ["ELOOP", "its links lead in a circle; give the file itself"],
  ["EMFILE", "too many files are open; raise the limit (ulimit -n)"],
  ["ENFILE", "too many files are open on this machine"],
  ["EBUSY", "it is in use; close the program that uses it or choose another place"],
  ["ETXTBSY", "a program in this file is running; choose another place"],
  ["ENXIO", "there is no such device"],
  ["ENODEV", "there is no such device"],
  ["EXDEV", "it is on another file system; choose another place"],
  ["EINVAL", "the file system does not allow this"],
  ["EIO", "the disk reports an error; see the system's log"],
  ["ESTALE", "the network file system has lost it; mount the file system again"],
]);

/** An error of the file system in words, for a message; undefined for other errors. */
export function reasonOf(error: unknown): string | undefined {
  const { code } = (error ?? {}) as { readonly code?: unknown };
  return typeof code === "string" ? reasons.get(code) : undefined;
}

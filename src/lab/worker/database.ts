// What the lab keeps in the browser: the files of an audit and the audit itself, so that it survives a reload.

const NAME = "rampart-lab";
const STORES = ["files", "jobs"] as const;
type Store = (typeof STORES)[number];

const resultOf = <T>(request: IDBRequest<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

let opened: Promise<IDBDatabase> | undefined;

function database(): Promise<IDBDatabase> {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(NAME, 1);
    request.onupgradeneeded = () => {
      for (const store of STORES) request.result.createObjectStore(store);
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  return opened;
}

/** Reads from a store. */
export async function reading<T>(
  store: Store,
  ask: (objects: IDBObjectStore) => IDBRequest<T>,
): Promise<T> {
  const transaction = (await database()).transaction(store, "readonly");
  return resultOf(ask(transaction.objectStore(store)));
}

/** Changes a store; resolves once the change is on the disk. */
export async function changing(
  store: Store,
  change: (objects: IDBObjectStore) => void,
): Promise<void> {
  const transaction = (await database()).transaction(store, "readwrite", { durability: "strict" });
  const done = new Promise<void>((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onerror = () => reject(transaction.error);
    transaction.onabort = () => reject(transaction.error);
  });
  change(transaction.objectStore(store));
  await done;
}

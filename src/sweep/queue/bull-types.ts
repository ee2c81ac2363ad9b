// The part of BullMQ and ioredis that is used. Both are optional peers, so their own types may be missing.

/** A connection of ioredis. */
export interface RedisClient {
  connect(): Promise<void>;
  info(section?: string): Promise<string>;
  disconnect(): void;
  on(event: string, listener: (error: Error) => void): unknown;
}

/** The module `ioredis`. */
export interface RedisModule {
  readonly Redis: new (url: string, options: Readonly<Record<string, unknown>>) => RedisClient;
}

/** A job of BullMQ. */
export interface BullJob {
  readonly id?: string | undefined;
  readonly token?: string | undefined;
  moveToDelayed(timestamp: number, token?: string): Promise<void>;
}

/** A job to add. */
export interface NewJob {
  readonly name: string;
  readonly data: object;
  readonly opts: Readonly<Record<string, unknown>>;
}

/** A queue of BullMQ. */
export interface BullQueue {
  addBulk(jobs: readonly NewJob[]): Promise<unknown>;
  getJobCounts(...types: string[]): Promise<Readonly<Record<string, number>>>;
  close(): Promise<void>;
  on(event: string, listener: (error: Error) => void): unknown;
}

/** A worker of BullMQ. */
export interface BullWorker {
  close(force?: boolean): Promise<void>;
  pause(doNotWaitActive?: boolean): Promise<void>;
  resume(): void;
  on(event: string, listener: (...values: never[]) => void): unknown;
}

/** The module `bullmq`. */
export interface BullModule {
  readonly Queue: new (name: string, options: object) => BullQueue;
  readonly Worker: new (
    name: string,
    processor: (job: BullJob, token?: string) => Promise<unknown>,
    options: object,
  ) => BullWorker;
  readonly DelayedError: new () => Error;
}

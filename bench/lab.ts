// Where the benches work: a temporary folder, the one process of embedding servers, the processes of tasks, and the archives and
// indexes that several parts share. Closing it ends and removes all of that.

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { EmbedderName } from "./server-profiles.ts";
import type { BackfillOptions, BackfillResult } from "./tasks/backfill.ts";
import type { PrepareOptions } from "./tasks/prepare.ts";

/** Of an event, as the task said them. */
export interface Facts {
  readonly reason?: unknown;
  readonly read?: unknown;
  readonly figures?: unknown;
  readonly text?: unknown;
}

export interface RunningTask<Result> {
  readonly result: Promise<Result>;
  /** Resolves with the facts of the next such event. */
  said(event: string): Promise<Facts>;
  say(event: string, facts?: object): void;
  /** Ends it with SIGKILL. */
  kill(): Promise<void>;
}

type ArchiveKind = Pick<PrepareOptions, "plain" | "languages" | "ofWriter" | "guilds">;

export interface Lab {
  readonly serverUrl: string;
  readonly endsAtMs: number;
  /** Starts a task of bench/tasks in a process of its own. */
  begin<Result>(task: string, options: object): RunningTask<Result>;
  run<Result>(task: string, options: object): Promise<Result>;
  /** A copy of an archive with so many records and no index. Remove it when done. */
  archive(records: number, kind?: ArchiveKind): Promise<string>;
  /** A folder in which so many records are embedded with the built-in model, and how that went. Not to be changed. */
  backfilled(records: number): Promise<{ readonly folder: string; readonly result: BackfillResult }>;
  backfill(folder: string, embedder: EmbedderName, given?: Partial<BackfillOptions>): Promise<BackfillResult>;
  copy(folder: string): Promise<string>;
  remove(folder: string): Promise<void>;
  close(): Promise<void>;
}

/** @param profileFolder where each task's CPU profile goes; undefined: none is made */
export async function openLab(profileFolder: string | undefined): Promise<Lab> {
  const base = await mkdtemp(join(tmpdir(), "backscroll-bench-"));
  const children = new Set<ChildProcess>();
  const archives = new Map<string, Promise<string>>();
  const indexes = new Map<number, ReturnType<Lab["backfilled"]>>();
  const endsAtMs = Date.now() - 3_600_000;
  let folders = 0;

  function start(script: string, args: readonly string[], execArgv: readonly string[] = []): ChildProcess {
    const file = new URL(script, import.meta.url);
    const child = fork(file, [...args], {
      execArgv: [...execArgv],
      serialization: "advanced",
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    children.add(child);
    child.once("exit", () => children.delete(child));
    return child;
  }

  const server = start("embedding-server.ts", []);
  const [{ port }] = (await once(server, "message")) as [{ port: number }];
  const serverUrl = `http://127.0.0.1:${port}`;

  function begin<Result>(task: string, options: object): RunningTask<Result> {
    const profile = profileFolder === undefined ? [] : ["--cpu-prof", `--cpu-prof-dir=${profileFolder}`];
    const child = start("child.ts", [task], profile);
    const listeners = new Map<string, ((facts: Facts) => void)[]>();
    const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
    /** Its end is of no interest any more: it was killed, or it has told its result (native threads may crash while it exits). */
    let isOver = false;
    const result = new Promise<Result>((resolve, reject) => {
      child.on("message", ({ event, facts }: { event: string; facts: Facts }) => {
        if (event === "result") {
          isOver = true;
          void exited.then(() => resolve(facts as Result));
        }
        if (event === "failed") reject(new Error(`${task}: ${String(facts.reason)}`));
        const waiting = listeners.get(event) ?? [];
        listeners.delete(event);
        for (const listener of waiting) listener(facts);
      });
      child.once("exit", (code, signal) => {
        if (!isOver && code !== 0) reject(new Error(`${task} ended with ${signal ?? code}`));
      });
    });
    result.catch(() => {});
    child.send({ event: "options", facts: options });
    return {
      result,
      said: (event) =>
        Promise.race([
          new Promise<Facts>((resolve) => {
            listeners.set(event, [...(listeners.get(event) ?? []), resolve]);
          }),
          result.then(() => {
            throw new Error(`${task} ended before it said "${event}"`);
          }),
        ]),
      say: (event, facts = {}) => child.send({ event, facts }),
      async kill() {
        isOver = true;
        child.kill("SIGKILL");
        await exited;
      },
    };
  }

  const run = <Result>(task: string, options: object) => begin<Result>(task, options).result;

  function newFolder(): string {
    folders += 1;
    return join(base, String(folders));
  }

  function pristineArchive(records: number, kind: ArchiveKind): Promise<string> {
    const key = JSON.stringify({ records, ...kind });
    const existing = archives.get(key);
    if (existing !== undefined) return existing;
    const folder = newFolder();
    const options: PrepareOptions = { folder, records, endsAtMs, ...kind };
    const making = run("prepare", options).then(() => folder);
    archives.set(key, making);
    return making;
  }

  async function copy(folder: string): Promise<string> {
    const to = newFolder();
    await cp(folder, to, { recursive: true });
    return to;
  }

  const archive: Lab["archive"] = async (records, kind = {}) => copy(await pristineArchive(records, kind));

  const backfill: Lab["backfill"] = (folder, embedder, given = {}) =>
    run<BackfillResult>("backfill", { folder, embedder, serverUrl, ...given } satisfies BackfillOptions);

  async function makeBackfilled(records: number) {
    const folder = await archive(records);
    return { folder, result: await backfill(folder, "builtIn", { disk: true }) };
  }

  return {
    serverUrl,
    endsAtMs,
    begin,
    run,
    archive,
    backfill,
    backfilled(records) {
      const existing = indexes.get(records);
      if (existing !== undefined) return existing;
      const making = makeBackfilled(records);
      indexes.set(records, making);
      return making;
    },
    copy,
    // A killed bot's upkeep process writes for a moment longer.
    remove: (folder) => rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 200 }),
    async close() {
      const ends = [...children].map((child) => once(child, "exit"));
      for (const child of children) child.kill("SIGKILL");
      await Promise.all(ends);
      await rm(base, { recursive: true, force: true });
    },
  };
}

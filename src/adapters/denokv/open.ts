// Opens the archive and the stores beside it, on a local SQLite file or a remote KV. They share one connection.

import { z } from "zod";
import { UserError } from "../../errors.ts";
import type { Archive } from "../../ports/archive.ts";
import type { ErasureStore } from "../../ports/erasure.ts";
import type { GenerationStore } from "../../ports/generations.ts";
import type { Logger } from "../../ports/logger.ts";
import type { OwnerStore } from "../../ports/owners.ts";
import type { QuarantineStore } from "../../ports/quarantine.ts";
import type { RunStore } from "../../ports/runs.ts";
import type { SpendingStore } from "../../ports/spending.ts";
import type { VectorCheckStore } from "../../ports/vector-checks.ts";
import { createArchive } from "./archive.ts";
import { decodeV8, encodeV8 } from "./codec.ts";
import { type ArchiveLocation, connect, isRemote } from "./connect.ts";
import { createErasureStore } from "./erasure.ts";
import { mapOpenErrors } from "./errors.ts";
import { createGenerationStore } from "./generation-store.ts";
import { formatKey } from "./keys.ts";
import { createOwners } from "./owners.ts";
import { createQuarantineStore } from "./quarantine.ts";
import { createRunStore } from "./run-store.ts";
import { createSpendingStore } from "./spending-store.ts";
import type { Store } from "./store.ts";
import { createVectorCheckStore } from "./vector-checks.ts";

/** Of keys and values. A later version reads earlier ones or says what to do. */
const FORMAT = 1;
/** `copyOf`: a copy of another archive that is not finished. */
const formatSchema = z.union([z.object({ version: z.int() }), z.object({ copyOf: z.string() })]);

export interface OpenArchive {
  readonly archive: Archive;
  readonly owners: OwnerStore;
  readonly quarantine: QuarantineStore;
  readonly generations: GenerationStore;
  readonly erasureStore: ErasureStore;
  readonly spendingStore: SpendingStore;
  readonly vectorChecks: VectorCheckStore;
  /** @param parse validates a stored value as a run; throws when it is none */
  runStore<Run extends { readonly id: string }>(parse: (value: unknown) => Run): RunStore<Run>;
  /** Nothing may be under way any more. */
  close(): Promise<void>;
}

/** @throws UserError when it cannot be opened or written, is damaged, locked, unfinished, or was made by a later version */
export async function openArchive(options: ArchiveLocation & { readonly logger: Logger }): Promise<OpenArchive> {
  const { location, logger } = options;
  const store = await mapOpenErrors(location, async () => {
    const opened = await connect(options, { encodeV8, decodeV8 });
    try {
      await claimFormat(opened, location);
    } catch (thrown) {
      opened.close();
      throw thrown;
    }
    return opened;
  });
  const owners = createOwners(store);
  return {
    archive: createArchive(store, logger),
    owners: owners.port,
    quarantine: createQuarantineStore(store, logger),
    erasureStore: createErasureStore(store, isRemote(location) ? undefined : location),
    generations: createGenerationStore(store, owners, logger),
    spendingStore: createSpendingStore(store),
    vectorChecks: createVectorCheckStore(store, logger),
    runStore: (parse) => createRunStore(store, owners, parse, logger),
    async close() {
      store.close();
    },
  };
}

/** Writes the format's version: also the proof that the store can be written at all. */
async function claimFormat(store: Store, location: string): Promise<void> {
  const found = await readFormat(store);
  if (found !== undefined && "copyOf" in found) {
    throw new UserError(
      `The archive ${location} is an unfinished copy of ${found.copyOf}. Run npm run move again: it goes on where it was.`,
    );
  }
  if (found !== undefined && found.version !== FORMAT) {
    const version = Number.isNaN(found.version) ? "unreadable" : found.version;
    throw new UserError(
      `The archive ${location} was made by another version of Backscroll (its format is ${version}, this one reads ${FORMAT}). Use that version, or another data folder.`,
    );
  }
  await writeFormat(store, { version: FORMAT });
}

/**
 * @param decoded of a value as the store gives it
 * @returns undefined when there is none: the archive is new. A version that cannot be read is NaN
 */
export async function readFormat(
  store: Store,
  decoded: (value: unknown) => unknown = (value) => value,
): Promise<z.infer<typeof formatSchema> | undefined> {
  const { value, versionstamp } = await store.get(formatKey);
  return versionstamp === null ? undefined : (formatSchema.safeParse(decoded(value)).data ?? { version: Number.NaN });
}

export async function writeFormat(store: Store, format: z.infer<typeof formatSchema>): Promise<void> {
  await store.commit([{ type: "set", key: formatKey, value: format }]);
}

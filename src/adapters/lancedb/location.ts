// Where an index is kept: in a folder, or in an object store.

import { type Connection, connect, type Session } from "@lancedb/lancedb";
import { type ObjectStore, storageOptions } from "./object-store.ts";

/** A folder, made when missing, or an object store. */
export type IndexLocation = string | ObjectStore;

/** As people are told it. */
export function addressOf(location: IndexLocation): string {
  return typeof location === "string" ? location : location.uri;
}

export function connectTo(location: IndexLocation, session?: Session): Promise<Connection> {
  const options = typeof location === "string" ? {} : { storageOptions: storageOptions(location) };
  return connect(addressOf(location), { ...options, ...(session && { session }) });
}

// One member's line to the server: what they see, what they do, and what happens before their eyes.

import type { Action, CommandList, Directory, Happening, History, Outcome } from "../wire.ts";

export interface Session {
  readonly viewerId: string | undefined;
  directory(): Promise<Directory>;
  history(channelId: string, anchor?: { before?: string; after?: string; around?: string }): Promise<History>;
  commands(channelId: string): Promise<CommandList>;
  /** Never rejects: what went wrong is in the outcome's `problem`. */
  act(action: Action): Promise<Outcome>;
  /** @returns a function that ends it */
  follow(listener: {
    happened(happening: Happening): void;
    /** Connected, or connected again: what happened in between was missed. */
    opened(): void;
    lost(): void;
  }): () => void;
}

/** @param viewerId undefined: whoever the server offers first */
export function createSession(viewerId: string | undefined): Session {
  const address = (path: string, more: Readonly<Record<string, string>> = {}) =>
    `/api/${path}?${new URLSearchParams({ ...(viewerId && { as: viewerId }), ...more })}`;

  async function get<T>(path: string, more?: Readonly<Record<string, string>>): Promise<T> {
    const response = await fetch(address(path, more));
    const body = (await response.json()) as T & Outcome;
    if (!response.ok) throw new Error(body.problem ?? response.statusText);
    return body;
  }

  return {
    viewerId,
    directory: () => get("directory"),
    history: (channelId, anchor = {}) => get("history", { channel: channelId, ...anchor }),
    commands: (channelId) => get("commands", { channel: channelId }),
    async act(action) {
      try {
        const response = await fetch(address("actions"), { method: "POST", body: JSON.stringify(action) });
        return (await response.json()) as Outcome;
      } catch (thrown) {
        return { problem: `The stand-in cannot be reached (${String(thrown)}). Is the demo still running?` };
      }
    },
    follow({ happened, opened, lost }) {
      const source = new EventSource(address("happenings"));
      source.onopen = opened;
      source.onerror = lost;
      source.onmessage = ({ data }) => happened(JSON.parse(data) as Happening);
      return () => source.close();
    },
  };
}

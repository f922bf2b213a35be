// What a bot's services are given where there is no Discord: nobody to ask, nothing to read, nowhere to post.

import type { ServicesParts } from "../src/app/services.ts";

export const withoutDiscord = {
  history: { channels: async () => [], messages: async () => [], canReadContent: async () => true },
  permissions: {
    readableChannels: async () => ({ channelIds: [], ageRestricted: 0 }),
    readableThreads: async () => [],
    readableByReadersOf: async () => [],
  },
  adminChannel: { post: async () => "1", edit: async () => true },
  findMembers: async () => [],
  findRoles: () => [],
  rechecking: undefined,
  gaps: undefined,
  hostProblems: undefined,
  time: undefined,
} satisfies ServicesParts["discord"];

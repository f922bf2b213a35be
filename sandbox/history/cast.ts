// Who and what the written history is about: the Tinker Yard, a neighbourhood makerspace. Everything here is invented.
// Ids are fixed, so that they are the same in every demo.

import { type Snowflake, snowflakeAt } from "../../src/snowflake.ts";
import type { WrittenChannel, WrittenMember, WrittenRole } from "./shapes.ts";

const FOUNDED_MS = Date.UTC(2021, 2, 6, 10);
const DAY_MS = 86_400_000;

/** The `number`-th id of the community's own making, long before any message of the history. */
function foundingId(number: number): Snowflake {
  return (BigInt(snowflakeAt(FOUNDED_MS + number * DAY_MS)) + BigInt((number * 389) % 4096)).toString();
}

export const guild = { id: foundingId(0), name: "Tinker Yard" } as const;

const roleNames = ["stewards", "instructors", "members", "newcomers", "bots"] as const;
type RoleName = (typeof roleNames)[number];
const roleId = (name: RoleName): Snowflake => foundingId(10 + roleNames.indexOf(name));

const roleColors: Partial<Record<RoleName, number>> = {
  stewards: 0xe67e22,
  instructors: 0x3498db,
  newcomers: 0x2ecc71,
  bots: 0x9b59b6,
};

export const roles: readonly WrittenRole[] = roleNames.map((name) => {
  const color = roleColors[name];
  return { id: roleId(name), name, ...(color !== undefined && { color }) };
});

/** Everyone who writes, with what they are known for. */
const people: readonly (readonly [name: string, knownFor: string, ...roles: RoleName[]])[] = [
  ["mara", "founder; organises, thanks people by name", "stewards", "members"],
  ["nadia", "treasurer; numbers and deadlines", "stewards", "members"],
  ["hal", "keeper of the laser cutter; strict about safety", "stewards", "instructors", "members"],
  ["petra", "events; exclamation marks", "stewards", "members"],
  ["jonas", "bike mechanic; few words, some German", "instructors", "members"],
  ["priya", "electronics engineer; precise", "instructors", "members"],
  ["tobi", "3D printing; lower case, excited", "instructors", "members"],
  ["old_walt", "retired carpenter; full stops and dry jokes", "instructors", "members"],
  ["lena_k", "sewing and textiles; patient", "instructors", "members"],
  ["tomasz", "welding and machines; blunt", "instructors", "members"],
  ["kofi", "network and servers of the space; config snippets", "members"],
  ["diego", "courier on an e-bike; some Spanish", "members"],
  ["yuki", "watches and ceramics; quiet, some Japanese", "members"],
  ["sam", "lamps and puns", "members"],
  ["beatriz", "children's workshops", "members"],
  ["fen", "student; asks everything", "newcomers"],
  ["ollie", "buys everything in the marketplace", "members"],
  ["ingrid", "garden, compost, irrigation", "members"],
  ["rashid", "amps, pedals and turntables", "members"],
  ["paula", "photographs everything, writes good alt texts", "members"],
  ["moss", "night owl; lower case, short", "members"],
  ["greta", "cook; guards the coffee machine", "members"],
  ["zoe", "cargo bike and two children", "newcomers"],
  ["bram", "long-distance commuter on a recumbent", "members"],
  ["aiko", "mechanical keyboards", "members"],
  ["uncle_ray", "radio amateur; tells stories", "members"],
  ["chidi", "home automation; explains with examples", "members"],
  ["wren", "beginner at the lathe", "newcomers"],
  ["luca", "batteries and scooters", "members"],
  ["sol", "sign painter", "members"],
  ["dot", "seventy-four; knitting machine, no nonsense", "members"],
  ["emeka", "robotics student", "members"],
  ["hazel", "bookbinding and the letterpress", "members"],
  ["finn", "new, in a hurry", "newcomers"],
];
const bots = ["Doorbot", "ToolLibrarian"] as const;

export const members: readonly WrittenMember[] = [
  ...people.map(([name, , ...own], index) => ({ id: foundingId(40 + index * 9), name, roles: own.map(roleId) })),
  ...bots.map((name, index) => ({
    id: foundingId(380 + index),
    name,
    roles: [roleId("bots")],
    bot: true as const,
  })),
];

const topics: readonly (readonly [name: string, topic: string])[] = [
  ["welcome", "Say hello. Setup rules are pinned."],
  ["announcements", "From the stewards. Low traffic, worth reading."],
  ["general", "Whatever concerns the Yard."],
  ["help", "Something is broken? Ask. No question is too small."],
  ["bikes", "Bicycles, cargo bikes, e-bikes, and the stand by the window."],
  ["3d-printing", "Three printers, one resin machine, many opinions."],
  ["electronics", "Soldering, repairs, radios, microcontrollers."],
  ["wood-and-laser", "Wood shop, lathe, laser cutter. Inductions first!"],
  ["homelab", "The Yard's own server and network, and yours at home."],
  ["show-and-tell", "Look what I made."],
  ["events", "Repair café, courses, open evenings."],
  ["marketplace", "Give, swap, sell, seek. Fair prices."],
  ["tips-and-guides", "Things worth keeping."],
  ["off-topic", "Everything else."],
  ["feedback", "How could the Yard be better?"],
  ["random-photos", "Pictures. Please write an alt text."],
  ["auf-deutsch", "Was auch immer, auf Deutsch."],
  ["en-espanol", "Lo que sea, en español."],
  ["nihongo", "日本語でどうぞ。"],
];

export const channels: readonly WrittenChannel[] = [
  ...topics.map(([name, topic], index) => ({
    id: foundingId(20 + index),
    name,
    type: name === "announcements" ? ("announcement" as const) : ("text" as const),
    topic,
  })),
  {
    id: foundingId(20 + topics.length),
    name: "moderators",
    type: "text",
    topic: "Stewards only.",
    private: { roles: [roleId("stewards")] },
  },
];

/** The guild's own emoji, by name. */
const emoji: ReadonlyMap<string, Snowflake> = new Map(
  ["yay", "sawdust", "magicsmoke", "benchy", "duct_tape", "sadkettle"].map((name, index) => [
    name,
    foundingId(400 + index),
  ]),
);

const idByMention = new Map<string, string>([
  ...members.map((member) => [`@${member.name}`, `<@${member.id}>`] as const),
  ...roles.map((role) => [`@${role.name}`, `<@&${role.id}>`] as const),
  ...channels.map((channel) => [`#${channel.name}`, `<#${channel.id}>`] as const),
  ...[...emoji].map(([name, id]) => [`:${name}:`, `<:${name}:${id}>`] as const),
]);

/** Writes `@name`, `#channel` and `:emoji:` the way Discord stores them. */
export function withMentions(text: string): string {
  return text.replace(/@\w+|#[\w-]+|:\w+:/g, (mention) => idByMention.get(mention) ?? mention);
}

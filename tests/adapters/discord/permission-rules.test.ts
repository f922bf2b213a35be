import { PermissionFlagsBits as Bit, ChannelType } from "discord-api-types/v10";
import { describe, expect, test } from "vitest";
import {
  type ChannelFacts,
  canRead,
  type GuildFacts,
  isReadableByReadersOf,
  memberPermissions,
  missingToRead,
} from "../../../src/adapters/discord/permission-rules.ts";

const READ = Bit.ViewChannel | Bit.ReadMessageHistory;
const EVERYONE = "1";
const MOD = "2";
const BOSS = "3";
const OWNER = "100";
const MEMBER = "101";

function guild(everyone = READ): GuildFacts {
  return {
    id: EVERYONE,
    ownerId: OWNER,
    rolePermissions: new Map([
      [EVERYONE, everyone],
      [MOD, Bit.ManageThreads],
      [BOSS, Bit.Administrator],
    ]),
  };
}

function channel(more: Partial<ChannelFacts> = {}): ChannelFacts {
  return { id: "50", type: ChannelType.GuildText, ageRestricted: false, overwrites: [], ...more };
}

const deny = (id: string, bits: bigint) => ({ id, allow: 0n, deny: bits });
const allow = (id: string, bits: bigint) => ({ id, allow: bits, deny: 0n });
const reads = (facts: ChannelFacts, roleIds: string[] = [], userId = MEMBER, of = guild(), isTimedOut = false) =>
  canRead(memberPermissions(of, facts, { userId, roleIds, isTimedOut }), facts.type);

describe("a member reads a channel", () => {
  test("by what everyone may, and not without it", () => {
    expect(reads(channel())).toBe(true);
    expect(reads(channel(), [], MEMBER, guild(Bit.ViewChannel))).toBe(false);
    expect(reads(channel(), [], MEMBER, guild(Bit.ReadMessageHistory))).toBe(false);
  });

  test("unless the channel denies it to everyone, a role of theirs or themselves", () => {
    expect(reads(channel({ overwrites: [deny(EVERYONE, Bit.ViewChannel)] }))).toBe(false);
    expect(reads(channel({ overwrites: [deny(MOD, Bit.ViewChannel)] }), [MOD])).toBe(false);
    expect(reads(channel({ overwrites: [deny(MOD, Bit.ViewChannel)] }))).toBe(true);
    expect(reads(channel({ overwrites: [deny(MEMBER, Bit.ReadMessageHistory)] }))).toBe(false);
  });

  test("when a role is allowed what everyone is denied, one role's permission outweighs another's denial, and their own comes last", () => {
    const hidden = deny(EVERYONE, Bit.ViewChannel);
    expect(reads(channel({ overwrites: [hidden, allow(MOD, Bit.ViewChannel)] }), [MOD])).toBe(true);
    const torn = [hidden, allow(MOD, Bit.ViewChannel), deny("4", Bit.ViewChannel)];
    expect(reads(channel({ overwrites: torn }), [MOD, "4"])).toBe(true);
    expect(reads(channel({ overwrites: [...torn, deny(MEMBER, Bit.ViewChannel)] }), [MOD])).toBe(false);
  });

  test("whatever the channel says, as the owner or an administrator", () => {
    const closed = channel({ overwrites: [deny(EVERYONE, READ), deny(BOSS, READ), deny(OWNER, READ)] });
    expect(reads(closed, [], OWNER)).toBe(true);
    expect(reads(closed, [BOSS])).toBe(true);
    expect(reads(closed, [MOD])).toBe(false);
  });

  test("with Connect as well in a voice channel", () => {
    const voice = channel({ type: ChannelType.GuildVoice });
    expect(reads(voice)).toBe(false);
    expect(missingToRead(READ, voice.type)).toEqual(["Connect"]);
    expect(reads(voice, [], MEMBER, guild(READ | Bit.Connect))).toBe(true);
  });
});

describe("a timeout", () => {
  const talkative = guild(READ | Bit.Connect | Bit.ManageThreads);

  test("leaves reading, and takes the text of voice and stage channels", () => {
    const timedOut = (facts: ChannelFacts) => reads(facts, [], MEMBER, talkative, true);
    expect(timedOut(channel())).toBe(true);
    for (const type of [ChannelType.GuildVoice, ChannelType.GuildStageVoice]) {
      expect(reads(channel({ type }), [], MEMBER, talkative)).toBe(true);
      expect(timedOut(channel({ type }))).toBe(false);
      expect(timedOut(channel({ type, overwrites: [allow(MEMBER, Bit.Connect)] }))).toBe(false);
    }
    const left = memberPermissions(talkative, channel(), { userId: MEMBER, roleIds: [], isTimedOut: true });
    expect(left).toBe(READ);
  });

  test("binds neither the owner nor an administrator", () => {
    const voice = channel({ type: ChannelType.GuildVoice });
    expect(reads(voice, [], OWNER, guild(), true)).toBe(true);
    expect(reads(voice, [BOSS], MEMBER, guild(), true)).toBe(true);
  });
});

describe("a channel is shown to another's readers", () => {
  const secret = channel({
    id: "60",
    overwrites: [deny(EVERYONE, Bit.ViewChannel), allow(MOD, Bit.ViewChannel)],
  });
  const open = channel({ id: "61" });

  test("when it is the same channel, unless some who see it could not read its past", () => {
    expect(isReadableByReadersOf(guild(), secret, secret)).toBe(true);
    const noPast = channel({ overwrites: [deny(EVERYONE, Bit.ReadMessageHistory)] });
    expect(isReadableByReadersOf(guild(), noPast, noPast)).toBe(false);
    expect(isReadableByReadersOf(guild(Bit.ViewChannel), open, open)).toBe(false);
  });

  test("also where reading comes with a role, as long as it comes with seeing", () => {
    const verified: GuildFacts = {
      ...guild(0n),
      rolePermissions: new Map([
        [EVERYONE, 0n],
        [MOD, READ],
      ]),
    };
    expect(isReadableByReadersOf(verified, open, channel({ id: "70" }))).toBe(true);
    const seen = channel({ overwrites: [allow(EVERYONE, Bit.ViewChannel)] });
    expect(isReadableByReadersOf(verified, seen, seen)).toBe(false);
    const read = channel({ overwrites: [allow(EVERYONE, READ)] });
    expect(isReadableByReadersOf(verified, read, read)).toBe(true);
  });

  test("when everyone reads it", () => {
    expect(isReadableByReadersOf(guild(), open, secret)).toBe(true);
    expect(isReadableByReadersOf(guild(), secret, open)).toBe(false);
  });

  test("but not when a single role or member is kept out of it", () => {
    expect(isReadableByReadersOf(guild(), channel({ overwrites: [deny(MOD, Bit.ViewChannel)] }), open)).toBe(false);
    expect(isReadableByReadersOf(guild(), channel({ overwrites: [deny(MEMBER, READ)] }), open)).toBe(false);
  });

  test("when the same people are let in, in whatever order that is written", () => {
    const twin = channel({
      id: "62",
      overwrites: [
        { id: MOD, allow: Bit.ViewChannel | Bit.SendMessages, deny: 0n },
        deny(EVERYONE, Bit.ViewChannel | Bit.AddReactions),
      ],
    });
    expect(isReadableByReadersOf(guild(), twin, secret)).toBe(true);
    const wider = channel({ id: "63", overwrites: [...secret.overwrites, allow(MEMBER, Bit.ViewChannel)] });
    expect(isReadableByReadersOf(guild(), secret, wider)).toBe(false);
    // Its readers are fewer, but that takes a list of members to know.
    expect(isReadableByReadersOf(guild(), wider, secret)).toBe(false);
  });

  test("but not when some who see the other could not read its past", () => {
    const noPast = channel({ id: "64", overwrites: [deny(EVERYONE, Bit.ReadMessageHistory)] });
    const sameNoPast = { ...noPast, id: "65" };
    expect(isReadableByReadersOf(guild(), noPast, sameNoPast)).toBe(false);
    expect(isReadableByReadersOf(guild(Bit.ViewChannel), open, secret)).toBe(false);
  });

  test("as a voice channel only when everyone may connect, and into a voice channel: in others one may be who is timed out", () => {
    const voice = channel({ id: "66", type: ChannelType.GuildVoice });
    const stage = channel({ id: "68", type: ChannelType.GuildStageVoice });
    for (const target of [voice, stage]) {
      expect(isReadableByReadersOf(guild(), voice, target)).toBe(false);
      expect(isReadableByReadersOf(guild(READ | Bit.Connect), voice, target)).toBe(true);
    }
    expect(isReadableByReadersOf(guild(READ | Bit.Connect), voice, open)).toBe(false);
    expect(isReadableByReadersOf(guild(READ | Bit.Connect), open, voice)).toBe(true);
  });

  test("as an age-restricted channel only in an age-restricted one", () => {
    const restricted = channel({ id: "67", ageRestricted: true });
    expect(isReadableByReadersOf(guild(), restricted, open)).toBe(false);
    expect(isReadableByReadersOf(guild(), restricted, { ...restricted, id: "68" })).toBe(true);
  });

  test("never to someone who could not read it, whatever roles exist and are given out and whoever is timed out", () => {
    // Every pair of channels made of a few overwrites, every set of roles: the rule may refuse too much, never allow too much.
    const overwrites = [EVERYONE, MOD, "4", MEMBER].flatMap((id) => [
      deny(id, Bit.ViewChannel),
      allow(id, Bit.ViewChannel),
      deny(id, Bit.ReadMessageHistory),
      allow(id, READ),
      deny(id, READ),
    ]);
    const variants = overwrites
      .flatMap((one) => overwrites.filter((other) => other.id !== one.id).map((other) => [one, other]))
      .concat(
        [[]],
        overwrites.map((one) => [one]),
      )
      .map((list, index) => channel({ id: String(1000 + index), overwrites: list }));
    const voices = variants.slice(-20).map((variant) => ({
      ...variant,
      id: `${variant.id}0`,
      type: ChannelType.GuildVoice,
      overwrites: [...variant.overwrites, allow("5", Bit.Connect)],
    }));
    const roleSets = [[], [MOD], ["4"], [MOD, "4"], [BOSS]];
    const viewers = [MEMBER, "102"].flatMap((userId) =>
      [false, true].map((isTimedOut) => [userId, isTimedOut] as const),
    );
    let allowed = 0;
    const withRole: GuildFacts = {
      ...guild(0n),
      rolePermissions: new Map([
        [EVERYONE, 0n],
        [MOD, READ],
        ["4", 0n],
      ]),
    };
    const everyoneTalks = guild(READ | Bit.Connect);
    const guilds = [guild(), everyoneTalks, guild(Bit.ViewChannel), guild(Bit.ReadMessageHistory), withRole];
    const isSeen = (target: ChannelFacts, permissions: bigint) =>
      (permissions & Bit.ViewChannel) !== 0n &&
      (target.type === ChannelType.GuildText || (permissions & Bit.Connect) !== 0n);
    for (const of of guilds) {
      for (const source of [...variants, ...voices]) {
        for (const target of [...variants, ...voices]) {
          if (!isReadableByReadersOf(of, source, target)) continue;
          allowed++;
          for (const roleIds of roleSets) {
            for (const [userId, isTimedOut] of viewers) {
              const viewer = { userId, roleIds, isTimedOut };
              const seesTarget = isSeen(target, memberPermissions(of, target, viewer));
              if (seesTarget && !canRead(memberPermissions(of, source, viewer), source.type)) {
                expect.fail(
                  `${JSON.stringify({ source, target, viewer }, (_, v) => (typeof v === "bigint" ? `${v}` : v))}`,
                );
              }
            }
          }
        }
      }
    }
    expect(allowed).toBeGreaterThan(100);
  });
});

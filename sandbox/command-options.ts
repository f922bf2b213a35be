// Turns what a member typed into the options of a command interaction, refusing what Discord's own client would not let through.

import { ApplicationCommandOptionType, ChannelType } from "discord-api-types/v10";
import type { Snowflake } from "../src/snowflake.ts";
import type { OptionDefinition, OptionValues } from "./command-shapes.ts";
import type { Channel, Guild } from "./model.ts";
import { channelPermissions } from "./permissions.ts";
import { type ApiObject, renderBareMember, renderRole, renderUser } from "./render-guild.ts";
import { getUser, type State } from "./state.ts";

export interface SentOptions {
  readonly options: ApiObject[];
  readonly resolved: ApiObject;
}

export interface OptionRequest {
  readonly definitions: readonly OptionDefinition[];
  readonly group?: string | undefined;
  readonly subcommand?: string | undefined;
  readonly values: OptionValues;
  /** Autocomplete: the option being typed; nothing is complete yet, so nothing but names is checked. */
  readonly focused?: string | undefined;
}

/** @throws Error saying which option is unknown, missing or out of bounds */
export function sendOptions(state: State, guild: Guild, request: OptionRequest): SentOptions {
  const resolved: Record<string, ApiObject> = {};
  const path = [request.group, request.subcommand].filter((name) => name !== undefined);
  let definitions = request.definitions;
  for (const name of path) {
    const found = definitions.find((option) => option.name === name);
    if (!found) throw new Error(`there is no subcommand "${name}"`);
    definitions = found.options ?? [];
  }
  const needsSubcommand = definitions.some(({ type }) => type <= ApplicationCommandOptionType.SubcommandGroup);
  if (needsSubcommand) throw new Error(`choose one of ${definitions.map(({ name }) => name).join(", ")}`);

  for (const name of Object.keys(request.values)) {
    if (!definitions.some((option) => option.name === name)) throw new Error(`there is no option "${name}"`);
  }
  const leaves = definitions.flatMap((definition): ApiObject[] => {
    const value = request.values[definition.name];
    if (value === undefined) {
      if (definition.required && request.focused === undefined)
        throw new Error(`option "${definition.name}" is required`);
      return [];
    }
    if (request.focused === undefined) checkValue(definition, value);
    resolve(state, guild, definition, value, resolved);
    const focus = request.focused === definition.name ? { focused: true } : {};
    return [{ name: definition.name, type: definition.type, value, ...focus }];
  });
  const options = [...path].reverse().reduce<ApiObject[]>((inner, name, index) => {
    const isGroup = path.length === 2 && index === 1;
    const type = isGroup ? ApplicationCommandOptionType.SubcommandGroup : ApplicationCommandOptionType.Subcommand;
    return [{ name, type, options: inner }];
  }, leaves);
  return { options, resolved };
}

function checkValue(definition: OptionDefinition, value: string | number | boolean): void {
  function fail(reason: string): never {
    throw new Error(`option "${definition.name}" ${reason}`);
  }
  switch (definition.type) {
    case ApplicationCommandOptionType.Boolean:
      if (typeof value !== "boolean") fail("takes true or false");
      break;
    case ApplicationCommandOptionType.Integer:
    case ApplicationCommandOptionType.Number: {
      if (typeof value !== "number" || !Number.isFinite(value)) fail("takes a number");
      if (definition.type === ApplicationCommandOptionType.Integer && !Number.isSafeInteger(value))
        fail("takes a whole number");
      if (definition.min_value !== undefined && value < definition.min_value)
        fail(`is at least ${definition.min_value}`);
      if (definition.max_value !== undefined && value > definition.max_value)
        fail(`is at most ${definition.max_value}`);
      break;
    }
    default: {
      if (typeof value !== "string") fail("takes text");
      // Discord's client trims nothing but sends no empty text either, and stops at 6,000 characters.
      const length = [...value].length;
      if (length < Math.max(1, definition.min_length ?? 0))
        fail(`needs at least ${definition.min_length ?? 1} characters`);
      if (length > (definition.max_length ?? 6000)) fail(`takes at most ${definition.max_length ?? 6000} characters`);
    }
  }
  if (definition.choices?.length && !definition.choices.some((choice) => choice.value === value)) {
    fail(`is one of ${definition.choices.map((choice) => choice.value).join(", ")}`);
  }
}

function resolve(
  state: State,
  guild: Guild,
  definition: OptionDefinition,
  value: string | number | boolean,
  resolved: Record<string, ApiObject>,
): void {
  const id = String(value);
  const put = (kind: string, entry: unknown) => {
    resolved[kind] = { ...resolved[kind], [id]: entry };
  };
  const putUser = () => {
    put("users", renderUser(getUser(state, id)));
    const member = guild.members.get(id);
    if (member) put("members", { ...renderBareMember(member), permissions: "0" });
  };
  switch (definition.type) {
    case ApplicationCommandOptionType.User:
      putUser();
      break;
    case ApplicationCommandOptionType.Mentionable:
      if (guild.roles.has(id)) put("roles", renderRole(known(guild.roles.get(id), `role ${id}`)));
      else putUser();
      break;
    case ApplicationCommandOptionType.Role:
      put("roles", renderRole(known(guild.roles.get(id), `role ${id}`)));
      break;
    case ApplicationCommandOptionType.Channel: {
      const channel = known(guild.channels.get(id), `channel ${id}`);
      if (definition.channel_types?.length && !definition.channel_types.includes(channel.type)) {
        throw new Error(`option "${definition.name}" takes another kind of channel`);
      }
      put("channels", renderPartialChannel(guild, channel, state.bot.id));
      break;
    }
    default:
  }
}

function known<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw new Error(`the guild has no ${what}`);
  return value;
}

/** The short form of a channel in interactions: enough to name it, and what the viewer may do there. */
export function renderPartialChannel(guild: Guild, channel: Channel, viewerId: Snowflake): ApiObject {
  return {
    id: channel.id,
    type: channel.type,
    guild_id: guild.id,
    name: channel.name,
    permissions: channelPermissions(guild, channel, viewerId).toString(),
    ...(channel.type === ChannelType.GuildCategory ? {} : { parent_id: channel.parentId, flags: 0 }),
    ...(channel.thread
      ? {
          thread_metadata: {
            archived: channel.thread.archived,
            locked: channel.thread.locked,
            auto_archive_duration: 4320,
            archive_timestamp: new Date(channel.thread.archivedAt).toISOString(),
          },
        }
      : {}),
  };
}

// The shapes of commands and of what is sent with them. Types only, so that the page in the browser can name them too.

import type { ApplicationCommandOptionType, ApplicationCommandType } from "discord-api-types/v10";

/** An option's definition, whatever its type. */
export interface OptionDefinition {
  readonly type: ApplicationCommandOptionType;
  readonly name: string;
  readonly description: string;
  readonly required?: boolean;
  readonly autocomplete?: boolean;
  readonly choices?: readonly { readonly name: string; readonly value: string | number }[];
  readonly options?: readonly OptionDefinition[];
  readonly channel_types?: readonly number[];
  readonly min_value?: number;
  readonly max_value?: number;
  readonly min_length?: number;
  readonly max_length?: number;
}

export interface CommandDefinition {
  readonly name: string;
  readonly type?: ApplicationCommandType | null;
  readonly description?: string | null;
  readonly options?: readonly OptionDefinition[] | null;
  readonly default_member_permissions?: string | number | null;
  readonly dm_permission?: boolean | null;
  readonly name_localizations?: object | null;
  readonly description_localizations?: object | null;
  readonly contexts?: readonly number[] | null;
  readonly integration_types?: readonly number[] | null;
  readonly nsfw?: boolean | null;
}

/** Option name to value; users, channels and roles by id. */
export type OptionValues = Readonly<Record<string, string | number | boolean>>;

// Filling in a modal: the limits of its text inputs, and the components a submission carries.

import { type APIModalInteractionResponseCallbackData, ComponentType } from "discord-api-types/v10";
import type { ApiObject } from "./render-guild.ts";

interface TextInput {
  readonly type: number;
  readonly custom_id: string;
  readonly required?: boolean;
  readonly value?: string;
  readonly min_length?: number;
  readonly max_length?: number;
}

interface Row {
  readonly type: number;
  readonly components?: readonly TextInput[];
  readonly component?: TextInput;
}

/** @throws Error when a value is missing, unknown or of a length the input does not take */
export function modalComponents(
  modal: APIModalInteractionResponseCallbackData,
  values: Readonly<Record<string, string>>,
): ApiObject[] {
  let nextNumber = 1;
  const used = new Set<string>();
  const fill = (input: TextInput): ApiObject => {
    used.add(input.custom_id);
    const value = values[input.custom_id] ?? input.value ?? "";
    const length = [...value].length;
    if (length === 0 && input.required !== false) throw new Error(`"${input.custom_id}" is required`);
    if (length > 0 && length < (input.min_length ?? 0)) throw new Error(`"${input.custom_id}" is too short`);
    if (length > (input.max_length ?? 4000)) throw new Error(`"${input.custom_id}" is too long`);
    return { type: input.type, id: nextNumber++, custom_id: input.custom_id, value };
  };
  const rows = (modal.components as unknown as readonly Row[]).flatMap((row): ApiObject[] => {
    if (row.type === ComponentType.TextDisplay) return [];
    const id = nextNumber++;
    if (row.component) return [{ type: row.type, id, component: fill(row.component) }];
    return [{ type: row.type, id, components: (row.components ?? []).map(fill) }];
  });
  const unknown = Object.keys(values).find((name) => !used.has(name));
  if (unknown !== undefined) throw new Error(`the modal has no input "${unknown}"`);
  return rows;
}

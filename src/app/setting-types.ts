// What a setting's value can be, and how a wrong one is told.

import { z } from "zod";

/** A timer of Node holds 24 days; nobody waits that long for an answer. */
const SECONDS_OF_A_DAY = 86_400;

export const trimmed = z.string().trim();
export const text = trimmed.min(1, "must not be empty");
export const decimal = (meaning: string, { most = Number.MAX_SAFE_INTEGER } = {}) =>
  trimmed
    .regex(/^\d+(\.\d+)?$/, `must be ${meaning}, e.g. 5 or 2.5`)
    .transform(Number)
    .refine((given) => given <= most, `must be ${meaning}, at most ${most}`);
export const positive = (meaning: string, limits: { most?: number } = {}) =>
  decimal(meaning, limits).refine((given) => given > 0, `must be ${meaning}, more than 0`);
export const seconds = () => positive("a number of seconds", { most: SECONDS_OF_A_DAY });
export const percentage = () => positive("a percentage", { most: 100 });
export const whole = (meaning: string, { most = 1e12 } = {}) =>
  trimmed
    .regex(/^[1-9]\d*$/, `must be ${meaning}, a whole number of at least 1`)
    .transform(Number)
    .refine((given) => given <= most, `must be ${meaning}, at most ${most}`);
export const url = (example: string) => trimmed.regex(/^https?:\/\/\S+$/i, `must be an address like ${example}`);

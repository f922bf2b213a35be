import { configDefaults, defineConfig } from "vitest/config";

/** What the usual run leaves out: they need the registry, the remote engines, or others' model servers. */
const apart = ["package", "engines", "servers"];

export default defineConfig(({ mode }) => ({
  test: {
    include: [apart.includes(mode) ? `tests/${mode}/**/*.test.ts` : "tests/**/*.test.ts"],
    exclude: [...configDefaults.exclude, ...apart.filter((each) => each !== mode).map((each) => `tests/${each}/**`)],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    pool: "forks",
    maxWorkers: 2,
    restoreMocks: true,
  },
}));

import { configDefaults, defineConfig } from "vitest/config";

export default defineConfig(({ mode }) => ({
  test: {
    include: ["tests/**/*.test.ts"],
    // Needs the registry: npm run test:package.
    exclude: mode === "package" ? configDefaults.exclude : [...configDefaults.exclude, "tests/package/**"],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    pool: "forks",
    maxWorkers: 2,
    restoreMocks: true,
  },
}));

// Every command line, called wrongly: usage and exit code 2, never a stack.

import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, test, vi } from "vitest";
import { CalledWrongly, folderPath, runProgram, wholeNumber, writablePath } from "../../src/app/command-line.ts";
import { UserError } from "../../src/errors.ts";
import { temporaryFolder } from "../support/backscroll.ts";

const root = join(import.meta.dirname, "../..");

/** What it prints and ends with, called in this process. */
async function call(args: readonly string[], run: () => Promise<number | undefined> = async () => 0) {
  const printed: string[] = [];
  const spies = (["log", "error"] as const).map((name) =>
    vi.spyOn(console, name).mockImplementation((line: string) => void printed.push(`${name}: ${line}`)),
  );
  const before = process.exitCode;
  process.exitCode = undefined;
  const flags = { quick: { type: "boolean" }, json: { type: "string" } } as const;
  const takesNames = args.includes("name");
  await runProgram({ name: "tea", usage: (called) => `Usage: ${called} [--quick]`, flags, takesNames, run }, args);
  const code = process.exitCode;
  process.exitCode = before;
  for (const spy of spies) spy.mockRestore();
  return { code, printed: printed.join("\n") };
}
afterEach(() => {
  vi.restoreAllMocks();
});

describe("a command line", () => {
  test.each(["--help", "-h"])("%s tells how it is used, whatever else is said", async (flag) => {
    expect(await call(["--nonsense", flag])).toEqual({
      code: undefined,
      printed: "log: Usage: npm run tea -- [--quick]",
    });
  });

  test.each([
    [["--quik"], "Unknown option '--quik'. Did you mean --quick?"],
    [["--hepl"], "Unknown option '--hepl'. Did you mean --help?"],
    [["--xyz"], "Unknown option '--xyz'."],
    [["--json"], "Option '--json <value>' argument missing."],
    [["green"], "It takes no “green”."],
  ])("%s is told with the usage, and 2", async (args, said) => {
    expect(await call(args)).toEqual({ code: 2, printed: `error: ${said}\n\nUsage: npm run tea -- [--quick]` });
  });

  test("ends with what it was called with: its own code, 1 for what fails, a stack only for what nobody foresaw", async () => {
    expect(await call(["name"], async () => 1)).toEqual({ code: 1, printed: "" });
    const fails = (error: Error) => call([], () => Promise.reject(error));
    expect(await fails(new UserError("The pot is empty."))).toEqual({ code: 1, printed: "error: The pot is empty." });
    expect((await fails(new CalledWrongly("No such tea."))).code).toBe(2);
    expect((await fails(new TypeError("a bug"))).printed).toMatch(/^error: TypeError: a bug\n {4}at /);
  });

  test("refuses paths that lead nowhere, and numbers that are none", async () => {
    const folder = await temporaryFolder();
    const file = join(folder, "file");
    await writeFile(file, "");
    expect(writablePath("json", join(folder, "new.json"))).toBe(join(folder, "new.json"));
    expect(writablePath("json", file)).toBe(file);
    expect(() => writablePath("json", join(folder, "absent/new.json"))).toThrow("there is no folder");
    expect(() => writablePath("json", folder)).toThrow("is a folder");
    expect(folderPath("vectors", join(folder, "new/er"))).toBe(join(folder, "new/er"));
    expect(() => folderPath("vectors", join(file, "in"))).toThrow("is no folder");
    expect(wholeNumber("kills", "20")).toBe(20);
    for (const wrong of ["0", "-1", "1.5", "many", "", "1e3"]) {
      expect(() => wholeNumber("kills", wrong)).toThrow("--kills takes a whole number");
    }
  });
});

describe("each program", () => {
  const programs: Readonly<Record<string, [file: string, ...wrong: string[]]>> = {
    start: ["src/bot.ts", "now"],
    import: ["src/cli/import.ts", "/nowhere/history.json"],
    restore: ["src/cli/restore.ts", "--guild", "the-shop"],
    move: ["src/cli/move.ts", "--to-dir", "/dev/null/data"],
    torture: ["tests/torture/torture.ts", "--json", "/nowhere/outcome.json"],
    bench: ["bench/bench.ts", "--quick", "no-such-part"],
    eval: ["bench/eval.ts", "/nowhere/set.json"],
    demo: ["sandbox/demo.ts", "--history", "/nowhere/history.json"],
  };
  const run = (args: readonly string[], cwd: string) =>
    new Promise<{ code: number; output: string }>((done) => {
      execFile(process.execPath, args, { cwd, env: {} }, (error, stdout, stderr) =>
        done({ code: typeof error?.code === "number" ? error.code : 0, output: stdout + stderr }),
      );
    });

  test.each(Object.entries(programs))(
    "%s, called with something wrong",
    {
      timeout: 60_000,
    },
    async (name, [file, ...wrong]) => {
      const cwd = await temporaryFolder();
      const { code, output } = await run([join(root, file), ...wrong], cwd);
      expect(output).toMatch(name === "start" ? /^Usage: npm start/m : new RegExp(`^Usage: npm run ${name} --`, "m"));
      expect(output).not.toMatch(/^ {4}at /m);
      expect(code).toBe(2);
    },
  );
});

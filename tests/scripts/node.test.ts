// The launcher on a Node that is too old: here it is told so, and its npm, which stands in for the registry, "brings" this one.

import { type ExecFileException, execFile } from "node:child_process";
import { chmod, mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { delimiter, dirname, join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { temporaryFolder } from "../support/backscroll.ts";

const LAUNCHER = join(import.meta.dirname, "../../scripts/node.mjs");
const NAME = `node-${process.platform}-${process.arch}`;
const aged =
  "--import=data:text/javascript,Object.defineProperty(process,'versions',{value:{...process.versions,node:'VERSION'}})";

describe("scripts/node.mjs", () => {
  let home: string;
  beforeEach(async () => {
    home = await temporaryFolder();
    await mkdir(join(home, "bin"));
    await npm(
      `mkdir -p "$3/node_modules/${NAME}/bin" && ln -s "${process.execPath}" "$3/node_modules/${NAME}/bin/node"`,
    );
    await writeFile(
      join(home, "script.ts"),
      `const told: string = process.env["NPM_CONFIG_GLOBALCONFIG"] ?? "";
       console.log(JSON.stringify({ args: process.argv.slice(2), path: process.env["PATH"], told, script: process.argv[1] }));
       process.exit(3);`,
    );
  });

  async function npm(script: string) {
    const file = join(home, "bin/npm");
    await writeFile(file, `#!/bin/sh\necho "$@" >> "${home}/asked"\n${script}\n`);
    await chmod(file, 0o755);
  }
  const asked = async () => (await readFile(join(home, "asked"), "utf8")).trim().split("\n");
  const cache = join(".cache", "backscroll-node");

  function run(nodeVersion: string): Promise<{ code: unknown; stdout: string; stderr: string }> {
    const env = {
      HOME: home,
      PATH: [join(home, "bin"), "/usr/bin", "/bin"].join(delimiter),
      NODE_OPTIONS: aged.replace("VERSION", nodeVersion),
      npm_config_globalconfig: "/etc/npmrc",
    };
    return new Promise((done) => {
      execFile(
        process.execPath,
        [LAUNCHER, join(home, "script.ts"), "--one", "two"],
        { env },
        (error, stdout, stderr) => done({ code: (error as ExecFileException | null)?.code ?? 0, stdout, stderr }),
      );
    });
  }

  test.each(["22.18.0", "22.30.1", "24.0.0", "26.1.0"])("on Node %s runs the script itself", async (version) => {
    const { code, stdout, stderr } = await run(version);
    expect({ code, stderr }).toEqual({ code: 3, stderr: "" });
    expect(JSON.parse(stdout)).toMatchObject({ args: ["--one", "two"], script: join(home, "script.ts"), told: "" });
    await expect(asked()).rejects.toThrow("ENOENT");
  });

  test.each(["18.20.8", "20.20.2", "22.17.1", "23.11.0"])(
    "on Node %s brings a newer one once, says so in one line, and passes arguments, exit code and npm's configuration on",
    async (version) => {
      const first = await run(version);
      expect(first.code).toBe(3);
      expect(first.stderr).toMatch(/^Node [\d.]+ is too old for this: npm brings Node 24 into .*, once\.\n$/);
      const { args, path, told } = JSON.parse(first.stdout) as { args: string[]; path: string; told: string };
      expect({ args, told }).toEqual({ args: ["--one", "two"], told: "/etc/npmrc" });
      expect(dirname(path.split(delimiter)[0] ?? "")).toBe(join(home, cache, `${NAME}-24`, "node_modules", NAME));
      expect(await run(version)).toEqual({ ...first, stderr: "" });
      expect(await asked()).toEqual([expect.stringMatching(new RegExp(`^install --prefix .* ${NAME}@24$`))]);
    },
  );

  test("several at once do not disturb each other, and leave nothing unfinished", async () => {
    const runs = await Promise.all(Array.from({ length: 4 }, () => run("20.20.2")));
    expect(runs.map(({ code }) => code)).toEqual([3, 3, 3, 3]);
    expect(await readdir(join(home, cache))).toEqual([`${NAME}-24`]);
  });

  test("where npm brings nothing it says what to do, and tries again the next time", async () => {
    await npm("echo no network >&2; exit 1");
    const { code, stdout, stderr } = await run("20.20.2");
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(/no network\nnpm could not bring it\. Install Node 24 from https:\/\/nodejs\.org/);
    expect(await readdir(join(home, cache))).toEqual([]);
  });

  test("takes the versions that package.json names", async () => {
    const { engines } = JSON.parse(await readFile(join(import.meta.dirname, "../../package.json"), "utf8"));
    expect(engines).toEqual({ node: "^22.18 || >=24" });
  });
});

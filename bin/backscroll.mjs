#!/usr/bin/env node
// The command `backscroll` of the package: the bot, or one of its tools. Runs what `npm run` runs from source, compiled.

const programs = {
  start: "bot.js",
  import: "cli/import.js",
  restore: "cli/restore.js",
  move: "cli/move.js",
  policy: "cli/policy.js",
};

const [, , command = "start", ...rest] = process.argv;
// Flags alone are the bot's.
const isNamed = !command.startsWith("-");
const name = isNamed ? command : "start";

if (Object.hasOwn(programs, name)) {
  if (isNamed) process.argv.splice(2, process.argv.length, ...rest);
  await import(`../dist/${programs[name]}`).catch((error) => {
    // A system that it does not run on is told in a sentence.
    if (error?.name !== "UserError") throw error;
    console.error(error.message);
    process.exitCode = 1;
  });
} else {
  console.error(`There is no command ${name}. There are ${Object.keys(programs).join(", ")}: see backscroll --help.`);
  process.exitCode = 2;
}

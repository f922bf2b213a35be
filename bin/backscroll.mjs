#!/usr/bin/env node
// The command `backscroll` of the package: the bot, or one of its tools. Runs what `npm run` runs from source, compiled.

const usage = `Usage: backscroll                      starts the bot; settings come from the environment and from .env
       backscroll import FILE          loads an exported history into the archive
       backscroll restore --guild ID   goes back to the index as it was before a backfill
       backscroll move --to-kv URL …   copies archive and index to remote engines, or back`;

const [, , command, ...rest] = process.argv;
const programs = { import: "../dist/cli/import.js", restore: "../dist/cli/restore.js", move: "../dist/cli/move.js" };

if (command === undefined) {
  await import("../dist/bot.js");
} else if (command in programs) {
  process.argv.splice(2, process.argv.length, ...rest);
  await import(programs[command]);
} else {
  const isAsked = command === "--help" || command === "-h";
  console[isAsked ? "log" : "error"](isAsked ? usage : `There is no command ${command}.\n\n${usage}`);
  process.exitCode = isAsked ? 0 : 2;
}

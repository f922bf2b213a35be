// What a file is that is no export we read, and what to do instead.

const WANTED = "a DiscordChatExporter export in the format JSON";

/** @param start of the file's text @returns the rest of a sentence that begins with its name */
export function whatItIs(start: string): string {
  if (start.startsWith("PK\u0003\u0004"))
    return `is a ZIP archive. Unpack it and name the folder, if it holds exports. Discord's own data package does not. ${ONLY_OWN}`;
  if (/^\s*\[\s*\{\s*"(ID|Timestamp|Contents)"/i.test(start) || /^\ufeff?"?ID"?,"?Timestamp"?,/i.test(start))
    return `is from Discord's own data package. ${ONLY_OWN}`;
  if (/^\ufeff?"?(AuthorID|Author|Date)"?[,;]/i.test(start))
    return "is a CSV export, which tells neither message ids nor replies. Export the channel again in the format JSON.";
  if (/^\s*<(!doctype|html)/i.test(start)) return "is a web page (HTML). Export the channel again in the format JSON.";
  return `is neither ${WANTED} nor a file with one JSON object a line.`;
}

const ONLY_OWN = `It holds only what you wrote yourself; name ${WANTED} instead.`;

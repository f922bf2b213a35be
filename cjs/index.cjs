// For bots in CommonJS: `require("backscroll")`. The package is made of ES modules, which this loads when it is first used.
"use strict";

exports.attachBackscroll = async (client, options) => {
  const { attachBackscroll } = await import("../dist/attach.js");
  return await attachBackscroll(client, options);
};

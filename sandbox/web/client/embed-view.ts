// An embed as Discord shows it.

import type { APIEmbed, APIEmbedField, APIEmbedImage } from "discord-api-types/v10";
import { html, nothing, type TemplateResult } from "lit";
import { plainText } from "./markdown.ts";
import { markdown } from "./markdown-view.ts";
import { cssColor, type Scene } from "./scene.ts";
import { messageTime } from "./when.ts";

/** Discord adds the alt text of an uploaded file; its published type does not say so yet. */
type Picture = APIEmbedImage & { readonly description?: string };

export function embedView(embed: APIEmbed, scene: Scene): TemplateResult {
  const { title, description, url, author, thumbnail, fields = [] } = embed;
  return html`<discord-embed
    slot="embeds"
    .color=${cssColor(embed.color)}
    .embedTitle=${title ? plainText(title) : undefined}
    .url=${webAddress(url)}
    .authorName=${author?.name}
    .authorUrl=${webAddress(author?.url)}
    .thumbnail=${thumbnail?.url}
  >
    ${
      description
        ? html`<discord-embed-description slot="description"
            ><span class="markup">${markdown(description, scene, true)}</span></discord-embed-description
          >`
        : nothing
    }
    ${fields.length > 0 ? html`<discord-embed-fields slot="fields">${fieldViews(fields, scene)}</discord-embed-fields>` : nothing}
    ${embed.image ? pictureView(embed.image) : nothing} ${footerView(embed, scene)}
  </discord-embed>`;
}

/** Inline fields stand in rows of three at most. */
function fieldViews(fields: readonly APIEmbedField[], scene: Scene): TemplateResult[] {
  let column = 0;
  return fields.map(({ name, value, inline = false }) => {
    column = inline ? (column % 3) + 1 : 0;
    return html`<discord-embed-field
      .fieldTitle=${plainText(name)}
      ?inline=${inline}
      .inlineIndex=${inline ? column : undefined}
      ><span class="markup">${markdown(value, scene, true)}</span></discord-embed-field
    >`;
  });
}

/** Not the component's own picture, which cannot have an alt text. */
function pictureView(image: Picture): TemplateResult {
  const alt = image.description ?? "";
  return html`<a slot="footer" class="embed-picture" href=${image.url} target="_blank" rel="noopener"
    ><img src=${image.url} alt=${alt} title=${alt || nothing} loading="lazy"
  /></a>`;
}

function footerView({ footer, timestamp }: APIEmbed, scene: Scene) {
  const time = timestamp ? messageTime(Date.parse(timestamp), scene.nowMs) : undefined;
  const words = [footer?.text, time].filter(Boolean).join(" • ");
  return words ? html`<discord-embed-footer slot="footer">${words}</discord-embed-footer>` : nothing;
}

function webAddress(url: string | undefined): string | undefined {
  return url && /^https?:\/\//.test(url) ? url : undefined;
}

// What the engine announces -> what the admin channel shows. Pure.

import type { Announcement } from "../backfill/backfill.ts";
import { alertRaisedView, alertResolvedView } from "./alerts.ts";
import type { View } from "./message.ts";
import { progressView } from "./progress.ts";
import { reportView } from "./report.ts";

export function announcementView(announcement: Announcement): View {
  switch (announcement.kind) {
    case "progress":
      return progressView(announcement.status);
    case "alert-raised":
      return alertRaisedView(announcement.alert, announcement.status);
    case "alert-resolved":
      return alertResolvedView(announcement.alert, announcement.status);
    case "report":
      return reportView(announcement.status, announcement.verification);
  }
}

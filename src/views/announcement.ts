// What the engine announces -> what the admin channel shows. Pure.

import type { Announcement } from "../backfill/reporting/announcements.ts";
import { alertRaisedView, alertResolvedView } from "./alerts.ts";
import { type DrawChart, illustrated, type Picture } from "./charts/chart.ts";
import { runChart } from "./charts/run.ts";
import { expiringView } from "./expiring.ts";
import { generationChangeView } from "./generation-change.ts";
import { hostProblemsView } from "./host-problems.ts";
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
    case "generation-change":
      return generationChangeView(announcement.change, announcement.analysis);
    case "expiring":
      return expiringView(announcement.expiring);
    case "host-problems":
      return hostProblemsView(announcement.problems);
    case "report":
      return reportView(announcement.status, announcement.verification);
  }
}

/** The same with the picture that goes with it, if one does. @param draw undefined when files may not be attached */
export async function announcementMessage(
  announcement: Announcement,
  draw: DrawChart | undefined,
): Promise<{ readonly body: View; readonly files: readonly Picture[] }> {
  const { kind, status } = announcement;
  const chart = kind === "report" && status.run ? runChart(status.run) : undefined;
  const { view, files } = await illustrated(announcementView(announcement), chart, draw);
  return { body: view, files };
}

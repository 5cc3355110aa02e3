/** The shapes of `/api/v1`, generated from the OpenAPI document (`npm run types`), by their short names. */

import type { components } from "./schema";

type Schemas = components["schemas"];

export type Colour = Schemas["Level"]["colour"];
export type AlarmState = Schemas["Episode"]["state"];
export type Label = Schemas["Label"] | null;
export type Value = Schemas["Latest"]["value"];
export type LevelCounts = Schemas["Levels"];

export type ClockReport = Schemas["ClockNow"];
export type Session = Schemas["Session"];
export type Overview = Schemas["Overview"];
export type Site = Schemas["SiteState"];
export type Platform = Schemas["Platform"];
export type Gateway = Schemas["Gateway"];
export type GatewayDevice = Schemas["DeviceState"];
export type Level = Schemas["Level"];
export type EnumerationWord = Schemas["Choice"];
export type Point = Schemas["Point"];
export type Quality = Schemas["Quality"];
export type Latest = Schemas["Latest"];
export type SiteValues = Schemas["SiteValues"];
export type Episode = Schemas["Episode"];
export type EpisodeDetail = Schemas["EpisodeDetail"];
export type JournalLine = Schemas["JournalLine"];
export type Flood = Schemas["Flood"];
export type Backfill = Schemas["Backfill"];
export type SiteGroup = Schemas["SiteGroup"];
export type OverlayLayer = Schemas["Layer"];
export type Verification = Schemas["Verification"];
export type VerificationResult = Verification["result"];
export type AlarmComment = Schemas["Comment"];
export type RuleOverlay = Schemas["RuleOverlay"];
export type OverlayDone = Schemas["OverlayDone"];
export type ShelfRequest = Schemas["ShelfRequest"];
export type BulkOutcome = Schemas["OneOfMany"];
export type JudgedBy = Schemas["JudgedBy"];
export type PointRules = Schemas["PointRules"];
export type HoldingRule = Schemas["HoldingRule"];
export type EventLine = Schemas["Happening"];
export type Buckets = Schemas["BucketColumns"];
export type Cable = Schemas["Cable"];
export type EnrolmentPicture = Schemas["Enrolment"];
export type GatewayKey = Schemas["Key"];
export type Invitation = Schemas["Code"];
export type HeldStart = Schemas["HeldStart"];
export type CodeMade = Schemas["CodeMade"];
export type VirtualGateway = Schemas["VirtualGateway"];
export type Token = Schemas["Token"];
export type TokenMade = Schemas["TokenMade"];
export type PointsDescribed = Schemas["PointsDescribed"];
export type Exempted = Schemas["Exempted"];
export type HolidayYear = Schemas["HolidayYear"];
export type Delivery = Schemas["Delivery"];
export type Deliveries = Schemas["Deliveries"];
export type SiteKept = Schemas["SiteKept"];
export type KeptTier = Schemas["KeptTier"];
export type RemovedDay = Schemas["RemovedDay"];
export type AsidePage = Schemas["AsidePage"];
export type DamagedChunk = Schemas["DamagedChunk"];
export type RebuildDone = Schemas["RebuildDone"];
export type SetAside = Schemas["SetAside"];
export type BackupMade = Schemas["BackupMade"];
export type BackupPage = Schemas["BackupPage"];
export type Demo = Schemas["Demo"];

/** A value as it is shown: live, or as it came with an alarm (then without its received time). */
export type Shown = Omit<Latest, "source_time" | "received_time"> & {
  source_time: string | null;
  received_time: string | null;
};

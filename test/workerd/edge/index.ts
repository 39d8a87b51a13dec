export { default } from "../../../workers/edge/index.ts";
export {
  RecordingAssets,
  RecordingEvents,
  RecordingGateway,
  RecordingKeys,
  RecordingLimits,
  RecordingSessions,
  RecordingStudio,
} from "./recorders.ts";

import type { SurfaceId } from "../../../api/geo.ts";

export const surfaceNames: Readonly<Record<SurfaceId, { readonly label: string; readonly meaning: string }>> = {
  dashboard: { label: "Dashboard", meaning: "Pages, sign-in and everything done with a session cookie." },
  api: { label: "API", meaning: "Programs with an API key or a token." },
  devices: { label: "Devices", meaning: "Enrolment, and agents that connect with their own token." },
};

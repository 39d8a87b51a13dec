/** @returns the value in the unit its name says, as a person reads it */
export declare function formatMetric(name: string, value: number): string;
/** `memory_used_bytes` → `Memory used`. */
export declare function metricLabel(name: string): string;

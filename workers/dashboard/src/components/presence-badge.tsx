/** Online or offline, in words as well as in colour. */
export function PresenceBadge({ online }: { readonly online: boolean }) {
  return (
    <span className="inline-flex items-center gap-2 whitespace-nowrap">
      <span
        aria-hidden="true"
        className={
          online
            ? "size-2 rounded-full bg-kumo-success shadow-[0_0_0_3px_var(--color-kumo-success-tint)]"
            : "size-2 rounded-full ring-[1.5px] ring-(--chart-axis) ring-inset"
        }
      />
      <span className={online ? "" : "text-kumo-subtle"}>{online ? "Online" : "Offline"}</span>
    </span>
  );
}

/** The mark and the name. */
export function Brand({ className = "" }: { readonly className?: string }) {
  return (
    <span className={`inline-flex items-center gap-2 font-semibold tracking-tight ${className}`}>
      <img src="/favicon.svg" alt="" className="size-6" />
      Sentinel
    </span>
  );
}

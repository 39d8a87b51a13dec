/**
 * Leaves for a page of the payment provider's. Studio has judged the address already; what is no web address would run
 * here, so it is refused once more.
 * @throws Error for anything but http and https
 */
export function goAndPay(address: string): void {
  const url = URL.parse(address);
  if (url === null || !/^https?:$/.test(url.protocol)) throw new Error("that is no page to pay at");
  window.location.assign(url.href);
}

/** Reads an answer whole. @returns null when it was cut off, is too long, came too slowly, or is no text at all */
export async function readText(bytes: AsyncIterable<Uint8Array>, bytesMax: number): Promise<string | null> {
  const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: false });
  try {
    let text = "";
    let left = bytesMax;
    for await (const some of bytes) {
      left -= some.length;
      if (left < 0) return null;
      text += decoder.decode(some, { stream: true });
    }
    return text + decoder.decode();
  } catch {
    return null;
  }
}

/** Something that a request needs does not answer: 503, and trying again is right. Names the part, never an address. */
export class Unavailable extends Error {
  readonly part: string;
  constructor(part: string) {
    super(`${part} is not answering`);
    this.name = "Unavailable";
    this.part = part;
  }
}

// When to tell somebody that they speak while muted.

/** How long it is told. */
export const SHOWN_MS = 5000;
/** Not told again for so long. */
export const PAUSE_MS = 30_000;
/** Levels in a row with a voice: a cough is over sooner. */
const ENOUGH = 5;

export class MutedHint {
  #spoken = 0;
  #told = -Infinity;

  /** Takes the next level; true if it is to be told now. */
  hear(speaks: boolean, now: number): boolean {
    this.#spoken = speaks ? this.#spoken + 1 : 0;
    if (this.#spoken < ENOUGH || now - this.#told < PAUSE_MS) return false;
    this.#told = now;
    return true;
  }
}

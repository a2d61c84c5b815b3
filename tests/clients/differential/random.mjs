// A random number generator with a seed (mulberry32), so that a failure can be repeated.

export class Random {
  constructor(seed) {
    this.state = seed >>> 0;
  }

  /** A number from 0 to below 1. */
  number() {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let bits = this.state;
    bits = Math.imul(bits ^ (bits >>> 15), bits | 1);
    bits ^= bits + Math.imul(bits ^ (bits >>> 7), bits | 61);
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from 0 to below `limit`. */
  below(limit) {
    return Math.floor(this.number() * limit);
  }

  /** True with this probability. */
  chance(probability) {
    return this.number() < probability;
  }

  /** An element of a list. */
  pick(list) {
    return list[this.below(list.length)];
  }
}

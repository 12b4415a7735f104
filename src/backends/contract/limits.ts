/** Sizes that every backend keeps to. */

/** At most this many taken bytes wait to be sent (SEND-1), and a transport receives at most this many at a time. */
export const TAKE_LIMIT = 65_536

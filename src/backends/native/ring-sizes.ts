/** How large the four regions of a thread are. */
export interface RingSizes {
  /** Records of either ring. */
  records: number
  /** Bytes of either slab. */
  receiveSlab: number
  sendSlab: number
}

/** A test makes them small before the first run of its process: then they overflow all the time. */
export const ringSizes: RingSizes = { records: 4096, receiveSlab: 512 * 1024, sendSlab: 512 * 1024 }

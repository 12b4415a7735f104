/** The sizes of a thread's four regions. */
export interface RingSizes {
  /** Records of each ring. */
  records: number
  /** Bytes of each slab. */
  receiveSlab: number
  sendSlab: number
}

/** A test makes them small before the first run of its process, so that they overflow often. */
export const ringSizes: RingSizes = { records: 4096, receiveSlab: 512 * 1024, sendSlab: 512 * 1024 }

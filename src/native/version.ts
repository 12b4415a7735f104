/** The version of the package, as `npm run build -- versions` writes it everywhere. Generated: do not edit. */
export const VERSION = '0.1.0'

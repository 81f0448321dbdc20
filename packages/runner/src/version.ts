/** Version of this package, recorded in every checkpoint; a spec keeps it equal to package.json. */
export const VERSION = '0.1.0';

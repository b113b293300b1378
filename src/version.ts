declare const __VBSCTL_VERSION__: string | undefined;

/** Put in by the build from package.json; `0.0.0-dev` when run from source. */
export const VERSION = typeof __VBSCTL_VERSION__ === 'string' ? __VBSCTL_VERSION__ : '0.0.0-dev';

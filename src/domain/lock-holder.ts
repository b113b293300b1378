/** The holder of the lock of a state, as far as the backend knows it. */
export interface LockHolder {
  readonly id?: string;
  /** `user@host` */
  readonly who?: string;
  readonly host?: string;
  readonly pid?: number;
  /** The command that holds it: `apply`, `wait`, … */
  readonly operation?: string;
  /** ISO 8601. */
  readonly since?: string;
  /** Version of vbsctl. */
  readonly version?: string;
  /** As last renewed. Absent if the lock does not expire. */
  readonly lease?: LeaseTerms;
}

export interface LeaseTerms {
  /** ms */
  readonly ttl_ms: number;
  /** Another run may take the lock over if it is not renewed for this time, ms. */
  readonly takeover_after_ms: number;
  /** ISO 8601. */
  readonly renewed: string;
}

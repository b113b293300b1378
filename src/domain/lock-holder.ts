/** Who holds the lock of a state, as far as the place where the state lies tells it. */
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
  /** Of vbsctl. */
  readonly version?: string;
  /** As last told, where a lock that is not renewed comes to an end. */
  readonly lease?: LeaseTerms;
}

export interface LeaseTerms {
  /** ms */
  readonly ttl_ms: number;
  /** Not renewed for so long, it may be taken over; ms. */
  readonly takeover_after_ms: number;
  /** ISO 8601. */
  readonly renewed: string;
}

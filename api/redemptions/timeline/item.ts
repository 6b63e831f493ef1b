/** Something that happened to a redemption, and where it is known from. */
export interface TimelineItem {
  at: Date;
  source: 'row' | 'event' | 'workflow' | 'webhook' | 'audit';
  what: string;
  /** Neither a code nor a secret. */
  detail: Record<string, unknown>;
}

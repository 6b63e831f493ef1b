/** A row of `outbox`, as the driver gives it: bigint as text. */
export interface OutboxRow {
  sequence: string;
  aggregate: string;
  aggregate_id: string;
  aggregate_version: string;
  type: string;
  data: Record<string, unknown>;
  occurred_at: Date;
}

/** An event in the JSON format of CloudEvents 1.0, https://github.com/cloudevents/spec; the last three are extensions. */
export interface CloudEvent {
  specversion: '1.0';
  id: string;
  source: string;
  type: string;
  subject: string;
  time: string;
  datacontenttype: 'application/json';
  data: Record<string, unknown>;
  /** `<kind>/<id>` of what changed; its events arrive in order of `aggregateversion`. */
  aggregate: string;
  aggregateversion: number;
  sequence: string;
}

/** The same for ever, since an aggregate's version grows with each event: what consumers and JetStream dedupe by. */
export const eventId = (row: OutboxRow): string => `${row.aggregate}.${row.aggregate_id}.${row.aggregate_version}`;

export const eventSubject = (part: string, row: OutboxRow): string => `vouchsafe.${part}.${row.type}`;

export function cloudEvent(part: string, row: OutboxRow): CloudEvent {
  return {
    specversion: '1.0',
    id: eventId(row),
    source: `/vouchsafe/${part}`,
    type: row.type,
    subject: row.aggregate_id,
    time: row.occurred_at.toISOString(),
    datacontenttype: 'application/json',
    data: row.data,
    aggregate: `${row.aggregate}/${row.aggregate_id}`,
    aggregateversion: Number(row.aggregate_version),
    sequence: row.sequence,
  };
}

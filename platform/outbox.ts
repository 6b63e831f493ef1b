/** A row of `outbox` on its way to the stream: bigint as text, and what JSON is made of as JSON has it. */
export interface OutboxRow {
  sequence: string;
  aggregate: string;
  aggregate_id: string;
  aggregate_version: string;
  type: string;
  /** A JSON object. */
  data: string;
  /** RFC 3339. */
  occurred_at: string;
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

/** The columns of an `OutboxRow`. Neither data nor time is read here: the driver would take them apart for nothing. */
export const OUTBOX_COLUMNS = `sequence, aggregate, aggregate_id, aggregate_version, type, data::text as data,
  to_char(occurred_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as occurred_at`;

/** The same for ever, since an aggregate's version grows with each event: what consumers and JetStream dedupe by. */
export const eventId = (row: OutboxRow): string => `${row.aggregate}.${row.aggregate_id}.${row.aggregate_version}`;

export const eventSubject = (part: string, row: OutboxRow): string => `vouchsafe.${part}.${row.type}`;

/** A row's CloudEvent, as JSON. */
export function cloudEvent(part: string, row: OutboxRow): string {
  const withoutData: Omit<CloudEvent, 'data'> = {
    specversion: '1.0',
    id: eventId(row),
    source: `/vouchsafe/${part}`,
    type: row.type,
    subject: row.aggregate_id,
    time: row.occurred_at,
    datacontenttype: 'application/json',
    aggregate: `${row.aggregate}/${row.aggregate_id}`,
    aggregateversion: Number(row.aggregate_version),
    sequence: row.sequence,
  };
  return `${JSON.stringify(withoutData).slice(0, -1)},"data":${row.data}}`;
}

/** An event as its outbox batch has it. */
export interface OutboxEvent {
  /** Of what changed. */
  id: string;
  /** That it has since: below 2^53. */
  version: number;
  type: string;
  data: Record<string, unknown>;
}

/** A row of `outbox_batches` on its way to the stream: the events of one statement. */
export interface OutboxBatch {
  sequence: string;
  aggregate: string;
  /** RFC 3339. */
  occurred_at: string;
  events: OutboxEvent[];
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

/** The columns of an `OutboxBatch`. The time is written here: the driver would take it apart for nothing. */
export const OUTBOX_COLUMNS = `sequence::text, aggregate, events,
  to_char(occurred_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as occurred_at`;

export const eventSubject = (part: string, type: string): string => `vouchsafe.${part}.${type}`;

/** A batch's CloudEvents, in order. Their ids are the same for ever, since an aggregate's version grows with each event. */
export function cloudEvents(part: string, { sequence, aggregate, occurred_at, events }: OutboxBatch): CloudEvent[] {
  const first = BigInt(sequence);
  return events.map(({ id, version, type, data }, index) => ({
    specversion: '1.0',
    id: `${aggregate}.${id}.${version}`,
    source: `/vouchsafe/${part}`,
    type,
    subject: id,
    time: occurred_at,
    datacontenttype: 'application/json',
    aggregate: `${aggregate}/${id}`,
    aggregateversion: version,
    sequence: String(first + BigInt(index)),
    data,
  }));
}

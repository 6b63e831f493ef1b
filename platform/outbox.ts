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

/** An event on its way to the stream. */
export interface OutgoingEvent {
  /** The same for ever, since an aggregate's version grows with each event: what consumers and JetStream dedupe by. */
  id: string;
  subject: string;
  aggregateId: string;
  /** A `CloudEvent`, as JSON. */
  text: string;
}

/** A batch's events, in order. */
export function outgoingEvents(
  part: string,
  { sequence, aggregate, occurred_at, events }: OutboxBatch,
): OutgoingEvent[] {
  const first = BigInt(sequence);
  return events.map(({ id: aggregateId, version, type, data }, index) => {
    const id = `${aggregate}.${aggregateId}.${version}`;
    // Names, ids and numbers of ours, in which there is nothing to escape: half the time that JSON.stringify takes.
    const text = `{"specversion":"1.0","id":"${id}","source":"/vouchsafe/${part}","type":"${type}","subject":"${aggregateId}",\
"time":"${occurred_at}","datacontenttype":"application/json","aggregate":"${aggregate}/${aggregateId}",\
"aggregateversion":${version},"sequence":"${first + BigInt(index)}","data":${JSON.stringify(data)}}`;
    return { id, subject: `vouchsafe.${part}.${type}`, aggregateId, text };
  });
}

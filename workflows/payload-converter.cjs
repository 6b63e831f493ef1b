// Values come to Temporal as the SDK's own converter brings them, as JSON in UTF-8, which it writes and reads in
// JavaScript, so that it has to run in any sandbox; here the engine does. Loaded by the SDK, which wants a path of a
// module that it can `require`: by clients, workers and, bundled with them, workflows. See docs/performance.md.
const {
  BinaryPayloadConverter,
  CompositePayloadConverter,
  encodingKeys,
  JsonPayloadConverter,
  METADATA_ENCODING_KEY,
  UndefinedPayloadConverter,
  ValueError,
} = require('@temporalio/common');

const encoder = new TextEncoder();
const decoder = new TextDecoder();

class NativeJsonPayloadConverter extends JsonPayloadConverter {
  /** @returns undefined where the value is nothing that JSON can tell */
  toPayload(value) {
    const json = value === undefined ? undefined : JSON.stringify(value);
    if (json === undefined) return undefined;
    return {
      metadata: { [METADATA_ENCODING_KEY]: encodingKeys.METADATA_ENCODING_JSON },
      data: encoder.encode(json),
    };
  }

  fromPayload({ data }) {
    if (!data) throw new ValueError('Got payload with no data');
    return JSON.parse(decoder.decode(data));
  }
}

exports.payloadConverter = new CompositePayloadConverter(
  new UndefinedPayloadConverter(),
  new BinaryPayloadConverter(),
  new NativeJsonPayloadConverter(),
);

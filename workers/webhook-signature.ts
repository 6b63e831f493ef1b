import { createHmac } from 'node:crypto';

/**
 * The headers that let a receiver tell that a message is ours, is whole and is new, one signature for each secret that is
 * valid. https://www.standardwebhooks.com
 *
 * @param secrets `whsec_` and base64, the newest first
 */
export function signatureHeaders(secrets: string[], id: string, at: Date, body: string): Record<string, string> {
  const timestamp = String(Math.floor(at.getTime() / 1_000));
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
    return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
  });
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures.join(' ') };
}

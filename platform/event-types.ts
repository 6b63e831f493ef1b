/** Every event there is: the CloudEvents type, the end of the subject, and what a webhook endpoint asks for. */
export const EVENT_TYPES = [
  'redemption.reserved',
  'redemption.completed',
  'redemption.released',
  'redemption.reversed',
  'redemption.stuck',
  'code_group.created',
  'code_group.updated',
  'code_group.generated',
  'code.updated',
  'wallet.created',
  'wallet.credited',
  'wallet.debited',
  'wallet.voided',
  'wallet.frozen',
  'wallet.unfrozen',
] as const;

/** Instead of a list: all of them, also those that come later. */
export const ALL_EVENTS = '*';

/** One thing looked at: how it is and, where it is not well, what to do. */
export interface Check {
  name: string;
  state: 'ok' | 'warning' | 'failed';
  detail: string;
  action: string | null;
}

export const ok = (name: string, detail: string): Check => ({ name, state: 'ok', detail, action: null });

export const warning = (name: string, detail: string, action: string): Check => ({
  name,
  state: 'warning',
  detail,
  action,
});

export const failed = (name: string, detail: string, action: string): Check => ({
  name,
  state: 'failed',
  detail,
  action,
});

/** What a start tells: where everything is, and a redemption to paste. */
export function banner(facts: {
  api: string;
  webUi: string | undefined;
  adminKey: string;
  code: string | undefined;
  /** VOUCHSAFE_HOME, where it is not the checkout's: the command line finds the instance by it. */
  home: string | undefined;
}): string {
  const { api, webUi, adminKey, code, home } = facts;
  const variable = home ? `VOUCHSAFE_HOME=${quoted(home)} ` : '';
  const phone = '+12025550123';
  const redeem = code
    ? `
  Redeem a demo code:
    ${variable}npx vouchsafe redeem ${code} ${phone}
  or
    curl -s ${api}/v1/redemptions -H 'Authorization: Bearer ${adminKey}' \\
      -H 'Content-Type: application/json' -d '{"code":"${code}","phone":"${phone}"}'
`
    : '';
  return `
  Vouchsafe is running.

  API        ${api}
  Docs       ${api}/docs
  Web UI     ${webUi ?? 'set VOUCHSAFE_WEB_UI_URL to that of your Temporal'}
  Admin key  ${adminKey}
${redeem}
  Ctrl-C stops it.
`;
}

/** A word as a shell takes it. */
const quoted = (text: string) => (/^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);

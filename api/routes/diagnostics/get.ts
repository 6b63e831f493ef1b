import { VERSION } from '../../../platform/version.ts';
import { answers } from '../../answers.ts';
import { diagnose } from '../../diagnostics/diagnose.ts';
import { operation } from '../../operation.ts';
import { SCOPES } from '../../scopes.ts';

export const getDiagnostics = operation({
  method: 'GET',
  path: '/v1/diagnostics',
  summary: 'Look at every server that this gateway works with: how each is, and what to do where one is not well',
  scope: 'ops:read',
  answers: { 200: answers.diagnostics },
  problems: [],
  async handle({ caller, services }) {
    const scopes = caller.may('*') ? ['*'] : SCOPES.filter((scope) => caller.may(scope));
    return { status: 200, body: { version: VERSION, scopes, checks: await diagnose(services) } };
  },
});

import { z } from 'zod';
import { Problem } from '../../../platform/problems.ts';
import { answers } from '../../answers.ts';
import { id } from '../../fields.ts';
import { operation } from '../../operation.ts';
import { codeGroupJson } from './json.ts';

export const getCodeGroup = operation({
  method: 'GET',
  path: '/v1/code-groups/{id}',
  summary: 'Read a code group',
  scope: 'groups:read',
  params: z.object({ id }),
  answers: { 200: answers.codeGroup },
  problems: ['not-found', 'unavailable'],
  async handle({ params, services }) {
    const group = await services.giftCode.readCodeGroup(params.id);
    if (!group) throw new Problem('not-found');
    return { status: 200, body: codeGroupJson(group) };
  },
});

import type { Command } from 'commander';
import type { Timeline } from '../api-types.ts';
import type { Cli, JsonOption } from '../cli.ts';
import { explain } from '../explain/explain.ts';
import type { Explanation, RedemptionStory } from '../explain/explanation.ts';
import { dataCommand } from '../options.ts';
import type { Columns, Output } from '../output.ts';
import { showGroup } from '../views/group.ts';
import { redemptionColumns, showRedemption } from '../views/redemption.ts';
import { detailText } from '../views/timeline-detail.ts';
import { showCode } from './codes.ts';
import { showKey } from './keys.ts';
import { showReconciliation } from './reconcile.ts';
import { showWallet, transactionColumns } from './wallets.ts';
import { showDelivery, showEndpoint } from './webhooks.ts';

export function addExplain(program: Command, cli: Cli): void {
  dataCommand(
    program,
    'explain <code|phone|id>',
    'what happened: rows, events, workflows, webhooks and operators, in the order of time',
    'explain EID-7Q2M-…',
  ).action(async (subject: string, options: JsonOption) => {
    const explanation = await explain(cli.client(), subject);
    cli.print(options, explanation, showExplanation);
    for (const source of unavailableIn(explanation)) cli.note(`not told here, since it does not answer: ${source}`);
  });
}

function showExplanation(out: Output, explanation: Explanation): void {
  showSubject(out, explanation);
  if ('redemptions' in explanation && explanation.redemptions.length > 0) {
    out.line();
    out.table(explanation.redemptions, redemptionColumns);
  }
  for (const { redemption, timeline } of storiesOf(explanation)) {
    out.line();
    if (explanation.kind !== 'redemption') showRedemption(out, redemption);
    out.table(timeline.items, timelineColumns);
  }
}

function showSubject(out: Output, explanation: Explanation): void {
  switch (explanation.kind) {
    case 'redemption':
      showRedemption(out, explanation.subject);
      break;
    case 'code':
      showCode(out, explanation.subject);
      break;
    case 'code group':
      showGroup(out, explanation.subject);
      break;
    case 'webhook delivery':
      showDelivery(out, explanation.subject);
      break;
    case 'webhook endpoint':
      showEndpoint(out, explanation.subject);
      break;
    case 'API key':
      showKey(out, explanation.subject);
      break;
    case 'reconciliation':
      showReconciliation(out, explanation.subject);
      break;
    default:
      for (const { wallet, transactions } of explanation.wallets) {
        showWallet(out, wallet);
        if (transactions.length > 0) out.table(transactions, transactionColumns);
      }
  }
}

const timelineColumns: Columns<Timeline['items'][number]> = {
  TIME: (item) => item.at,
  SOURCE: (item) => item.source,
  WHAT: (item) => item.what,
  DETAIL: (item) => detailText(item.detail),
};

const storiesOf = (explanation: Explanation): RedemptionStory[] =>
  ('stories' in explanation && explanation.stories) || [];

const unavailableIn = (explanation: Explanation): Set<string> =>
  new Set(storiesOf(explanation).flatMap(({ timeline }) => timeline.unavailable));
